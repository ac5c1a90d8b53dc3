"""Sign-outs from the console, which hold at every replica."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table; it is empty, as no sign-out was kept before."""
    op.create_table(
        "sign_outs",
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("until", sa.String(27), nullable=False),
    )
    op.create_index("sign_outs_by_end", "sign_outs", ["until"])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("sign_outs")
