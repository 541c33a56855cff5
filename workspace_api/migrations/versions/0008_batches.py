"""Batches: uploaded tables and the runs over them."""

import sqlalchemy as sa
from alembic import op

import workspace_api.database

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("commit", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=True),
        sa.Column("notebook", sa.String(length=500), nullable=False),
        sa.Column("worksheet_title", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("schema", sa.JSON(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=True),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("problem_count", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("created_at", workspace_api.database.UtcDateTime(), nullable=False),
        sa.Column("run_ids", sa.JSON(), nullable=False),
        sa.Column("run_id", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batches_owner", "batches", ["owner_id", "created_at"])
    op.create_index(op.f("ix_batches_run_id"), "batches", ["run_id"])


def downgrade() -> None:
    op.drop_table("batches")
