"""Standing of people in the workspace; a message is found by its place in Slack, and who was asked
lately by the hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; of whom nothing is known yet Slack is asked at the first press."""
    op.add_column("people", sa.Column("standing", sa.String(), nullable=True))
    op.create_index("ix_slack_messages_place", "slack_messages", ["channel", "ts"])
    op.create_index(
        "ix_timeline_asked",
        "timeline",
        ["at"],
        sqlite_where=sa.text("kind = 'asked_person'"),
        postgresql_where=sa.text("kind = 'asked_person'"),
    )
