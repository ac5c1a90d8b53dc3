"""Indexes for a long history: what few proposals have in common is found without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_INDEXES = {
    "proposals_by_namespace": ["namespace", "created_at", "id"],
    "proposals_by_policy": ["policy", "created_at", "id"],
    "proposals_by_source": ["source", "created_at", "id"],
    "proposals_by_write": ["applied_at"],
    "proposals_by_failure": ["failed_at"],
}


def upgrade() -> None:
    """Create the indexes."""
    for name, columns in _INDEXES.items():
        op.create_index(name, "proposals", columns)
    op.create_index(
        "proposals_open",
        "proposals",
        ["created_at", "id"],
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("proposals_open", "proposals")
    for name in _INDEXES:
        op.drop_index(name, "proposals")
