"""Interactive sessions."""

import sqlalchemy as sa
from alembic import op

import workspace_api.database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=510), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("server", sa.String(length=30), nullable=False),
        sa.Column("checkout_of", sa.String(length=510), nullable=True),
        sa.Column("environment_key", sa.String(length=64), nullable=True),
        sa.Column("folder", sa.String(length=300), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=300), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("opened_at", workspace_api.database.UtcDateTime(), nullable=False),
        sa.Column("started_at", workspace_api.database.UtcDateTime(), nullable=True),
        sa.Column("ended_at", workspace_api.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sessions_owner", "sessions", ["owner_id", "opened_at"])
    op.create_index(op.f("ix_sessions_state"), "sessions", ["state"])


def downgrade() -> None:
    op.drop_table("sessions")
