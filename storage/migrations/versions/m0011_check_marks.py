"""Marks of checks: up to where each has seen what changed in the shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the table; a check without a mark looks at the whole first."""
    op.create_table(
        "check_marks",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("looked_at", _AT, nullable=False),
        sa.Column("swept_at", _AT, nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
    )
