"""State of a press: how it stands is counted from its index alone: the state beside it."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the state into the index of presses."""
    op.drop_index("ix_action_attempts_press", table_name="action_attempts")
    op.create_index("ix_action_attempts_press", "action_attempts", ["press", "state"])
