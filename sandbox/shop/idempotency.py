"""One effect per idempotency key, and the log of every attempt, in the effect's own transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.shop.clock import stamp
from sandbox.shop.problems import Problem
from sandbox.shop.store import Row, one, rows

__all__ = ["Command", "Reply", "execute", "known", "log", "mutations"]


@dataclass(frozen=True)
class Command:
    """A request that may change the shop. `body` is the JSON object that came with it."""

    method: str
    path: str
    key: str | None
    body: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """The same for the same request, however its JSON was written."""
        text = json.dumps([self.method, self.path, self.body], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """`effect`: something in the shop changed by this very attempt."""

    body: Any
    status: int = 200
    effect: bool = True
    replayed: bool = False


def execute(
    c: sqlite3.Connection,
    command: Command,
    now: datetime,
    work: Callable[[sqlite3.Connection], Reply],
) -> Reply:
    """Does the work once per key. Call it within one transaction.

    Only what succeeded is kept under its key: a refusal had no effect, so the same key may be tried
    again. The caller's transaction makes key and effect one: two equal requests at the same moment,
    or a kill between them, never give two effects or a key without its effect.
    """
    if command.key is not None:
        kept = one(c, "SELECT * FROM idempotency WHERE key = ?", (command.key,))
        if kept is not None:
            return _again(c, command, kept, now)
    c.execute("SAVEPOINT effect")
    try:
        reply = work(c)
    except Problem as problem:
        c.execute("ROLLBACK TO effect")
        c.execute("RELEASE effect")
        reply = Reply(problem.body(), problem.status, effect=False)
    else:
        c.execute("RELEASE effect")
        if command.key is not None:
            c.execute(
                "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)",
                (
                    command.key,
                    command.fingerprint,
                    reply.status,
                    json.dumps(reply.body, ensure_ascii=False),
                    stamp(now),
                ),
            )
    log(c, command, reply, now)
    return reply


def _again(c: sqlite3.Connection, command: Command, kept: Row, now: datetime) -> Reply:
    if kept["fingerprint"] == command.fingerprint:
        reply = Reply(json.loads(kept["response"]), kept["status"], effect=False, replayed=True)
    else:
        problem = Problem(
            422,
            "key_reused",
            "This Idempotency-Key was used for another request: send a new key.",
        )
        reply = Reply(problem.body(), problem.status, effect=False)
    log(c, command, reply, now)
    return reply


def log(c: sqlite3.Connection, command: Command, reply: Reply, now: datetime) -> None:
    """Every attempt stands in the log, with what it was answered and whether it had an effect."""
    c.execute(
        "INSERT INTO mutations (at, method, path, idempotency_key, body, status, replayed, effect) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stamp(now),
            command.method,
            command.path,
            command.key,
            json.dumps(command.body, ensure_ascii=False),
            reply.status,
            int(reply.replayed),
            int(reply.effect),
        ),
    )


def known(c: sqlite3.Connection, key: str) -> Row:
    """What was answered under the key. Raises Problem 404: it had no effect so far."""
    kept = one(c, "SELECT * FROM idempotency WHERE key = ?", (key,))
    if kept is None:
        raise Problem(404, "key_not_found", "This key had no effect.")
    return {
        "key": key,
        "status": kept["status"],
        "response": json.loads(kept["response"]),
        "at": kept["at"],
    }


def mutations(
    c: sqlite3.Connection, *, since: int = 0, key: str | None = None, limit: int = 1000
) -> list[Row]:
    """The log after entry `since`, oldest first."""
    found = rows(
        c,
        "SELECT * FROM mutations WHERE id > ? AND (? IS NULL OR idempotency_key = ?) "
        "ORDER BY id LIMIT ?",
        (since, key, key, limit),
    )
    for entry in found:
        entry["body"] = json.loads(entry["body"] or "{}")
        entry["replayed"], entry["effect"] = bool(entry["replayed"]), bool(entry["effect"])
    return found
