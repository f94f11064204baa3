"""A press waits for one approval as a whole, and what was spent without one is summed up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.types import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds approvals and spendings. What waited before is asked anew when it is pressed."""
    op.create_table(
        "approvals",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("incident_id", _NUMBER, nullable=False),
        sa.Column("press", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("round", _NUMBER, nullable=False),
        sa.Column("shown", Json(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("told", Json(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_approvals_incident_id_incidents"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.UniqueConstraint("press", name="uq_approvals_press"),
    )
    op.create_index("ix_approvals_incident_id", "approvals", ["incident_id"])
    op.create_index("ix_approvals_state", "approvals", ["state"])
    op.create_table(
        "spendings",
        sa.Column("attempt_id", _NUMBER, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("limit_name", sa.String(), nullable=False),
        sa.Column("minor", _NUMBER, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["action_attempts.id"], name="fk_spendings_attempt_id_action_attempts"
        ),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_spendings"),
    )
    op.create_table(
        "spending_keys",
        sa.Column("attempt_id", _NUMBER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["spendings.attempt_id"], name="fk_spending_keys_attempt_id_spendings"
        ),
        sa.PrimaryKeyConstraint("attempt_id", "key", name="pk_spending_keys"),
    )
    op.create_index("ix_spending_keys_key", "spending_keys", ["key"])
