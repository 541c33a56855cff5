"""Pushes that wait to be read; who built an environment."""

import sqlalchemy as sa
from alembic import op

import workspace_api.database

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pushes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", workspace_api.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "ref"),
    )
    op.create_index(op.f("ix_pushes_due_at"), "pushes", ["due_at"])
    op.add_column("projects", sa.Column("newest_commit", sa.String(length=40), nullable=True))
    op.add_column("environments", sa.Column("builder", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("environments") as table:
        table.drop_column("builder")
    with op.batch_alter_table("projects") as table:
        table.drop_column("newest_commit")
    op.drop_table("pushes")
