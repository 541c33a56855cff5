"""Use of the AlphaGenome gateway, its quotas, and who has agreed to what."""

import sqlalchemy as sa
from alembic import op

import workspace_api.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = workspace_api.database.UtcDateTime
    op.create_table(
        "alphagenome_calls",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("token_id", sa.String(length=20), nullable=False),
        sa.Column("run_id", sa.String(length=24), nullable=True),
        sa.Column("backend", sa.String(length=20), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("outputs", sa.String(length=200), nullable=False),
        sa.Column("scorers", sa.Integer(), nullable=False),
        sa.Column("answered", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("bases", sa.BigInteger(), nullable=False),
        sa.Column("upstream", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alphagenome_calls_user", "alphagenome_calls", ["user", "at"])
    op.create_index(op.f("ix_alphagenome_calls_at"), "alphagenome_calls", ["at"])
    op.create_table(
        "alphagenome_counters",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("starts_at", moment(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("bases", sa.BigInteger(), nullable=False),
        sa.Column("upstream", sa.BigInteger(), nullable=False),
        sa.Column("cached", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "period", "starts_at"),
    )
    op.create_table(
        "alphagenome_quotas",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("measure", sa.String(length=12), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "measure", "period"),
    )
    op.create_table(
        "alphagenome_terms",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("accepted_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "alphagenome_keys",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("ending", sa.String(length=4), nullable=False),
        sa.Column("kept_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "alphagenome_sharing",
        sa.Column("group", sa.String(length=32), nullable=False),
        sa.Column("visitors", sa.Boolean(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", moment(), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("group"),
    )


def downgrade() -> None:
    for table in ("sharing", "keys", "terms", "quotas", "counters", "calls"):
        op.drop_table(f"alphagenome_{table}")
