"""Repositories from elsewhere."""

import sqlalchemy as sa
from alembic import op

import workspace_api.database

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("fetched", sa.String(length=510), nullable=False),
        sa.Column("project", sa.String(length=510), nullable=False),
        sa.Column("forge_id", sa.Integer(), nullable=True),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("requested_at", workspace_api.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "source"),
    )
    op.create_index(op.f("ix_imports_project"), "imports", ["project"])


def downgrade() -> None:
    op.drop_table("imports")
