"""Permalink: where people find a message, its address in Slack, kept beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; the address of a message that stands already is asked for when needed."""
    op.add_column("slack_messages", sa.Column("permalink", sa.String(), nullable=True))
