"""Passwords for git end with the token of the session that asked for them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("git_password_at", sa.DateTime(), nullable=True))
    op.create_index(
        "tokens_git_password",
        "tokens",
        ["git_password_at"],
        sqlite_where=sa.text("git_password_at IS NOT NULL"),
        postgresql_where=sa.text("git_password_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("tokens_git_password", "tokens")
    op.drop_column("tokens", "git_password_at")
