"""States of alerts: the last word of another system about each key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the table; a door without a row has heard nothing yet."""
    op.create_table(
        "alert_states",
        sa.Column("door", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("started_at", _AT, nullable=True),
        sa.Column("fired_at", _AT, nullable=True),
        sa.Column("said_at", _AT, nullable=False),
    )
    op.create_index("ix_alert_states_subject", "alert_states", ["door", "subject"])
