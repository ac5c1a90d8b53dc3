"""An index of proofs: whether a failure is over is asked before every write."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_PROVED = "state = 'Effective' AND source = 'audit'"


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "proposals_proved",
        "proposals",
        ["workload", "finished_at"],
        sqlite_where=sa.text(_PROVED),
        postgresql_where=sa.text(_PROVED),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("proposals_proved", "proposals")
