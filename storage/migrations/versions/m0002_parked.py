"""Parked work: what waits for an operator is found without reading the whole work table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PARKED = sa.text("state = 'parked'")


def upgrade() -> None:
    """Adds the partial index."""
    op.create_index(
        "ix_work_parked",
        "work",
        ["kind", "id"],
        sqlite_where=_PARKED,
        postgresql_where=_PARKED,
    )
