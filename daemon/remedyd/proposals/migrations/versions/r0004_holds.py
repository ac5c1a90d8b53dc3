"""Holds: targets set aside and storms, each kept with its end."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the holds; one may be open for each subject."""
    op.create_table(
        "holds",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.Column("ended_at", sa.String(27)),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index(
        "holds_one_open_per_subject",
        "holds",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("holds_by_age", "holds", ["since", "id"])


def downgrade() -> None:
    """Forget the holds."""
    op.drop_table("holds")
