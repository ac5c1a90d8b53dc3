"""The headers of an answer that is kept for a repeat of its request."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add them; answers that are there already have none."""
    op.add_column("answers", sa.Column("headers", sa.Text, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("answers", "headers")
