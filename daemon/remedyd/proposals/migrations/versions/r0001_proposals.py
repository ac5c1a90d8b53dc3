"""Proposals, their events, and what decisions remember."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Create the first tables."""
    _proposals()
    op.create_table(
        "events",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column(
            "proposal",
            sa.String(64),
            sa.ForeignKey("proposals.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("proposal", "sequence", name="events_in_order"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sightings",
        sa.Column("policy", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("last_at", sa.String(27), nullable=False),
        sa.Column("times", sa.Text, nullable=False),
    )


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("workload", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("updated_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("finished_at", sa.String(27)),
        sa.Column("applied_at", sa.String(27)),
        sa.Column("failed_at", sa.String(27)),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index(
        "proposals_one_open_per_workload",
        "proposals",
        ["workload"],
        unique=True,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("proposals_by_age", "proposals", ["created_at", "id"])
    op.create_index("proposals_by_state", "proposals", ["state", "created_at"])
    op.create_index("proposals_by_workload", "proposals", ["workload", "created_at"])
    op.create_index("proposals_by_end", "proposals", ["finished_at"])
    op.create_index("proposals_by_digest", "proposals", ["digest"])


def downgrade() -> None:
    """Take the first tables away."""
    op.drop_table("sightings")
    op.drop_table("events")
    op.drop_table("proposals")
