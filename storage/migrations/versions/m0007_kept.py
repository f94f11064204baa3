"""Answers of the shop stand encrypted; what was told to one person is not kept in clear."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.types import EncryptedJson

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SEEN = ("before", "after", "response")
_ANSWERS = ("ephemeral", "respond", "view")


def upgrade() -> None:
    """Encrypts the answers of the shop; empties the parameters of answers that have gone out."""
    connection = op.get_bind()
    _encrypt_attempts(connection)
    _empty_answers(connection)


def _encrypt_attempts(connection: sa.Connection) -> None:
    clear = sa.table("action_attempts", sa.column("id"), *(sa.column(name) for name in _SEEN))
    rows = [
        {"row": row.id, **{name: _read(getattr(row, name)) for name in _SEEN}}
        for row in connection.execute(sa.select(clear))
        if any(getattr(row, name) is not None for name in _SEEN)
    ]
    for name in _SEEN:
        op.drop_column("action_attempts", name)
        op.add_column("action_attempts", sa.Column(name, sa.LargeBinary(), nullable=True))
    sealed = sa.table(
        "action_attempts",
        sa.column("id", sa.Integer),
        *(sa.column(name, EncryptedJson) for name in _SEEN),
    )
    if rows:
        connection.execute(
            sa.update(sealed)
            .where(sealed.c.id == sa.bindparam("row"))
            .values({name: sa.bindparam(name, type_=EncryptedJson) for name in _SEEN}),
            rows,
        )


def _read(text: Any) -> Any:
    return None if text is None else json.loads(text)


def _empty_answers(connection: sa.Connection) -> None:
    """Those that have not gone out yet keep their words, in the encrypted part."""
    work = sa.table(
        "work",
        sa.column("id", sa.Integer),
        sa.column("kind", sa.String),
        sa.column("state", sa.String),
        sa.column("payload", sa.Text),
        sa.column("secret", EncryptedJson),
    )
    likely = sa.or_(*(work.c.payload.like(f'%"do": "{each}"%') for each in _ANSWERS))
    for row in connection.execute(sa.select(work).where(work.c.kind == "message", likely)).all():
        payload = json.loads(row.payload)
        params = payload.get("params")
        if payload.get("do") not in _ANSWERS or not params:
            continue
        values: dict[str, Any] = {"payload": json.dumps({**payload, "params": {}}, sort_keys=True)}
        if row.state != "done":
            secret = row.secret or {}
            hidden = secret if payload["do"] == "respond" else {"data": row.secret}
            values["secret"] = {**hidden, "params": params}
        connection.execute(sa.update(work).where(work.c.id == row.id).values(values))
