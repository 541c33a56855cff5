"""Batches that go on by themselves after their run reached its time limit."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("limit_reached", sa.String(length=16), nullable=True))
    op.add_column("batches", sa.Column("goes_on", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("batches", sa.Column("settled_before", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("halted", sa.Text(), nullable=True))


def downgrade() -> None:
    for column in ("halted", "settled_before", "goes_on"):
        op.drop_column("batches", column)
    op.drop_column("runs", "limit_reached")
