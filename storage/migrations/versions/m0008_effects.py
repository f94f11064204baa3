"""Effects and outages: whether a fault is felt rests on what was seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the table of effects, and to each incident what its checks and its holds have seen."""
    op.create_table(
        "effects",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("incident_id", _ID, sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("run_id", _ID, sa.ForeignKey("runbook_runs.id"), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("attempt_id", _ID, sa.ForeignKey("action_attempts.id"), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("look", sa.String(), nullable=False),
        sa.Column("seen", sa.LargeBinary(), nullable=True),
        sa.Column("seen_at", _AT, nullable=False),
        sa.Column("looked_at", _AT, nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("first_at", _AT, nullable=False),
        sa.Column("ended_at", _AT, nullable=True),
    )
    op.create_index("ix_effects_incident_id", "effects", ["incident_id"])
    for column in (
        sa.Column("failing", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("fails_beside", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("failed_runs", _ID, nullable=False, server_default=sa.text("0")),
        sa.Column("checked_at", _AT, nullable=True),
        sa.Column("works_since", _AT, nullable=True),
        sa.Column("watched_until", _AT, nullable=True),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("felt_since", _AT, nullable=True),
        sa.Column("outages", sa.Text(), nullable=True),
        sa.Column("follows", _ID, nullable=True),
    ):
        op.add_column("incidents", column)
    # What was open and had not recovered when the bot was stopped was failing then.
    op.execute(
        "update incidents set failing = true, checked_at = detected_at where recovered_at is null"
        " and source like 'check:%'"
        " and status in ('open', 'acknowledged', 'mitigated', 'monitoring')"
    )
