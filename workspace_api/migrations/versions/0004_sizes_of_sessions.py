"""Sizes of sessions, and their queue."""

import sqlalchemy as sa
from alembic import op

import workspace_api.database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        table.add_column(sa.Column("size", sa.String(length=40), nullable=False, server_default="standard"))
        table.add_column(sa.Column("limits", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("control", sa.String(length=40), nullable=True))
        table.add_column(sa.Column("asks", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("asked_at", workspace_api.database.UtcDateTime(), nullable=True))
        table.add_column(sa.Column("ended_because", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        for name in ("size", "limits", "control", "asks", "asked_at", "ended_because"):
            table.drop_column(name)
