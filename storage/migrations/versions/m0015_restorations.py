"""Restorations: from when to when the record knows nothing, and who confirmed each incident."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds both tables; a database that was never restored has no row in them."""
    op.create_table(
        "restorations",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("reaches_to", _AT, nullable=False),
        sa.Column("restored_at", _AT, nullable=False),
        sa.Column("told_at", _AT, nullable=True),
        sa.Column("looked_at", _AT, nullable=True),
        sa.Column("newer", sa.Text(), nullable=True),
    )
    op.create_table(
        "restored_incidents",
        sa.Column("restoration_id", _ID, sa.ForeignKey("restorations.id"), primary_key=True),
        sa.Column("incident_id", _ID, sa.ForeignKey("incidents.id"), primary_key=True),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", _AT, nullable=True),
    )
