"""What the ways in need: who moved what, answers to repeated requests, refused attempts."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the principal of an event searchable; create answers and refusals."""
    op.add_column("events", sa.Column("principal", sa.Text, nullable=False, server_default=""))
    _name_principals()
    op.create_index("events_by_principal", "events", ["principal", "position"])
    op.create_table(
        "answers",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("answers_by_age", "answers", ["at"])
    op.create_table(
        "refusals",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("proposal", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("refusals_by_proposal", "refusals", ["proposal", "position"])


def _name_principals() -> None:
    events = sa.table(
        "events",
        sa.column("position", sa.Integer),
        sa.column("principal", sa.Text),
        sa.column("body", sa.Text),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(events.c.position, events.c.body)).all():
        who = str(json.loads(row.body).get("principal", ""))
        here = events.c.position == row.position
        connection.execute(events.update().where(here).values(principal=who))


def downgrade() -> None:
    """Forget answers and refusals; the principal stays in the event's body."""
    op.drop_table("refusals")
    op.drop_table("answers")
    op.drop_index("events_by_principal", "events")
    op.drop_column("events", "principal")
