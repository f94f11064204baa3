"""Told orders: what each was told has a table; what earlier versions sent is entered."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = ("awaiting_approval", "written", "sent", "unknown", "done")  # what gets out, at the end
_TOLD = {"unknown": "unknown", "done": "told"}  # the others are claimed
_SURE = ("claimed", "unknown", "told")
_KINDS_BY_PURPOSE = {"repayment": "pay_link", "difference": "difference_link"}


def upgrade() -> None:
    """Adds the table, and takes over every message and pay link that may have gone out."""
    table = op.create_table(
        "told_orders",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("incident_id", _NUMBER, nullable=False),
        sa.Column("attempt_id", _NUMBER, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["action_attempts.id"],
            name=op.f("fk_told_orders_attempt_id_action_attempts"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_told_orders_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_orders")),
        sa.UniqueConstraint("order_key", "kind", name=op.f("uq_told_orders_order_key_kind")),
    )
    op.create_index("ix_told_orders_attempt", "told_orders", ["attempt_id"])
    _take_over(table)


def _take_over(table: sa.Table) -> None:
    connection = op.get_bind()
    attempts = sa.table(
        "action_attempts",
        *(sa.column(name) for name in ("id", "incident_id", "action", "covers", "params", "state")),
        sa.column("requested_at", sa.DateTime(timezone=True)),
    )
    cases = sa.table("cases", *(sa.column(name) for name in ("id", "key", "kind", "state")))
    rows = connection.execute(
        sa.select(attempts)
        .where(
            attempts.c.state.in_(_STATES),
            attempts.c.covers.is_not(None),
        )
        .order_by(attempts.c.id)
    ).all()
    told: dict[tuple[str, str], dict[str, object]] = {}
    for row in rows:
        params = _json(row.params) or {}
        kind = params.get("template") or _KINDS_BY_PURPOSE.get(str(params.get("purpose")))
        covered = [int(one) for one in _json(row.covers) or ()]
        if not kind or not covered:
            continue
        covered_orders = connection.execute(
            sa.select(cases.c.key, cases.c.state).where(
                cases.c.id.in_(covered), cases.c.kind == "order"
            )
        )
        state = _TOLD.get(row.state, "claimed")
        for key, case_state in covered_orders:
            before = told.get((key, str(kind)))
            if before is not None and _SURE.index(str(before["state"])) > _SURE.index(state):
                continue  # what went out stands, whatever was asked for later
            waiting = state == "told" and case_state == "waiting"
            told[key, str(kind)] = {
                "order_key": key,
                "kind": str(kind),
                "action": row.action,
                "incident_id": row.incident_id,
                "attempt_id": row.id,
                "state": state,
                "at": row.requested_at,
                "facts": json.dumps({"state": "waiting"} if waiting else {}),
            }
    if told:
        connection.execute(table.insert(), list(told.values()))


def _json(value: Any) -> Any:
    """JSON as the column gives it: text on SQLite, decoded or text on PostgreSQL."""
    return json.loads(value) if isinstance(value, str) else value
