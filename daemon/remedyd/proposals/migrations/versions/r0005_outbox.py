"""The outbox: what has still to be told to Elasticsearch and to Kubernetes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the outbox; a letter is in it once for each channel."""
    op.create_table(
        "outbox",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("set_aside", sa.String(27)),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("channel", "id", name="outbox_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_in_order", "outbox", ["channel", "set_aside", "position"])


def downgrade() -> None:
    """Forget what was not sent yet."""
    op.drop_table("outbox")
