"""Of two escalations of an incident the newer one counts: its mark is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the mark; an escalation that is under way goes on without one."""
    op.add_column("incidents", sa.Column("escalation_mark", sa.String(), nullable=True))
