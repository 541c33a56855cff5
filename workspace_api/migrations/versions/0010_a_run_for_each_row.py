"""Batches whose rows have a run each."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("row_values", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("batches", "row_values")
