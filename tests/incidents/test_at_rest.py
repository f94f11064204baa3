"""Nothing of a customer stands in clear: in the database's file, its log, a backup, a message."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from bot.cli.doctor import _database
from bot.settings import Secrets, parse_settings
from incidents.shop_actions.action_attempts import AttemptBook
from plan import answer_fields
from plan.loader import load_plan
from storage import forgetting, outbox, work
from storage.backup import backup, older_copies
from storage.cipher import AesCipher
from storage.database import Database
from storage.engines import writing_engine
from storage.models import ActionAttempt, AttemptState, WorkItem
from storage.upgrade import alembic_config, upgrade
from tests.conftest import KEY
from tests.incidents.world import MEI, World, channel_down

MARKERS = (
    "王小明",
    "Wang Xiaoming",
    "0912000111",
    "marker@example.com",
    "LINE-MARKER",
    "府前街77號",
)
ANSWER = {
    "id": "T-1",
    "status": "paid",
    "customer": {
        "name": "王小明 Wang Xiaoming",
        "phone": "0912000111",
        "email": "marker@example.com",
        "line_id": "LINE-MARKER",
        "address": "府前街77號",
    },
}


def hits(path: Path) -> list[str]:
    """Markers in the raw bytes of a database, whole and as JSON escapes them."""
    raw = b"".join(
        file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")) if file.is_file()
    )
    return [
        mark for mark in MARKERS if mark.encode() in raw or mark.encode("unicode_escape") in raw
    ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.create(tmp_path)
    yield world
    world.close()


def settled_attempt(world: World) -> ActionAttempt:
    """A button was pressed, and the shop answered with its customer's data."""
    world.channel_fails(3)
    world.take(MEI)
    world.press(MEI, "3.3.1.s2", "switch")
    [attempt] = world.pending_attempts()
    book = AttemptBook(world.house)
    world.write(lambda s: book.sent(s, attempt.id, {**ANSWER, "channel": "northpay"}, world.now))
    world.settle(attempt, AttemptState.SENT, response=ANSWER, after=ANSWER)
    return attempt


def test_of_the_shops_answer_only_what_the_plan_names_is_kept(world: World, tmp_path: Path) -> None:
    attempt = settled_attempt(world)
    [row] = [one for one in world.all(ActionAttempt) if one.id == attempt.id]
    assert row.response == {"id": "T-1", "status": "paid"}
    assert "customer" not in (row.before or {})
    assert "customer" not in (row.after or {})
    assert hits(tmp_path / "muster.db") == []


def test_what_is_kept_is_encrypted(world: World) -> None:
    settled_attempt(world)
    columns = world.read(
        lambda s: s.execute(text("select typeof(response), response from action_attempts")).all()
    )
    assert [kind for kind, _ in columns] == ["blob"]
    assert b"T-1" not in columns[0][1]


def test_the_names_come_from_the_plan() -> None:
    named = answer_fields.names_of(load_plan().plan)
    assert {"servers", "traffic", "methods", "route", "id", "url"} <= named
    assert not named & {"customer", "name", "phone", "email", "address", "line_id"}


def test_the_shops_sentence_is_screened_before_it_is_shown(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    world.press(MEI, "3.3.1.s2", "switch")
    [attempt] = world.pending_attempts()
    detail = "card 4111 1111 1111 1111 of 0912345678 refused"
    world.settle(attempt, AttemptState.FAILED, problem="refused", detail=detail)
    [row] = [one for one in world.all(ActionAttempt) if one.id == attempt.id]
    assert row.problem_detail is not None
    assert row.problem_detail.reveal() == "card ••• of ••• refused"


def test_a_payments_stage_is_screened(world: World) -> None:
    for _ in range(3):
        world.check(channel_down(world.now, stage={"code": "declined for 0912345678", "count": 54}))
    assert world.incident().facts["stage"]["code"] == "declined for •••"


def test_what_was_typed_stands_in_no_row_in_clear(world: World, tmp_path: Path) -> None:
    """`/order 0912…` and an unknown sub-command are answered from the encrypted part."""

    def unit(session: Session) -> None:
        outbox.respond(
            session, key="a", response_url="https://x", template="answer", person=MEI,
            params={"code": "order_unknown", "params": {"order": "0912000111"}}, now=world.now,
        )  # fmt: skip
        outbox.ephemeral(
            session, key="b", template="answer", person=MEI, channel="C", now=world.now,
            params={"code": "unknown_subcommand", "params": {"typed": "王小明"}},
        )  # fmt: skip
        outbox.direct(
            session, key="c", template="answer", person=MEI, incident=None, now=world.now,
            params={"params": {"typed": "marker@example.com"}}, typed=True,
        )  # fmt: skip

    world.write(unit)
    assert hits(tmp_path / "muster.db") == []
    assert [one.payload["params"] for one in world.messages()] == [{}, {}, {}]
    assert all(one.secret["params"] for one in world.messages())


def test_after_thirty_days_it_is_forgotten(world: World) -> None:
    """Of a closed incident; and what was parked is not kept for ever."""
    attempt = settled_attempt(world)
    world.settle(attempt, AttemptState.DONE, response=ANSWER, after=ANSWER)

    def park(session: Session) -> None:
        work.enqueue(
            session, kind="intake", key="old", payload={}, due=world.now, now=world.now,
            secret={"text": "0912000111"},
        )  # fmt: skip
        [item] = work.claim(session, "intake", owner="b", now=world.now, limit=1)
        work.park(session, item.id, item.epoch, "no handler")

    world.write(park)
    later = world.now + timedelta(days=31)
    assert world.read(lambda s: forgetting.outlived(s, world.now))[1] == []
    attempts, items = world.read(lambda s: forgetting.outlived(s, later))
    assert attempts == []  # the incident is open: its way back needs them
    world.write(lambda s: s.execute(text("update incidents set status = 'resolved'")))
    attempts, items = world.read(lambda s: forgetting.outlived(s, later))
    world.write(lambda s: forgetting.forget(s, attempts, items))
    [row] = [one for one in world.all(ActionAttempt) if one.id == attempt.id]
    assert (row.before, row.after, row.response) == (None, None, None)
    assert world.all(WorkItem, WorkItem.key == "old") == []


def old_database(path: Path) -> None:
    """As the version before left it: the shop's answer and a typed number as plain JSON."""
    engine = writing_engine(create_engine(f"sqlite:///{path}").url, AesCipher(KEY))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0006")
    engine.dispose()
    answer = '{"customer": {"name": "王小明", "phone": "0912000111"}, "id": "T-1"}'
    with sqlite3.connect(path) as raw:
        raw.execute("pragma foreign_keys = off")
        raw.execute(
            "insert into action_attempts (id, key, incident_id, press, action, params, state,"
            " before, after, response, requested_by, requested_at, looks)"
            " values (1, 'k', 1, 'p', 'refund', '{}', 'done', ?, ?, ?, 'U', '2026-11-01', 0)",
            (answer, None, answer),
        )
        payload = {"code": "order_unknown", "params": {"order": "0912000111"}}
        payload = {"do": "ephemeral", "message": "x", "params": payload}
        for number, state in ((1, "done"), (2, "pending")):
            raw.execute(
                "insert into work (id, kind, key, priority, due, epoch, settled_epoch, attempts,"
                " state, payload, created_at, behind) values (?, 'message', ?, 5, '2026-11-01', 0,"
                " 0, 0, ?, ?, '2026-11-01', 0)",
                (number, f"m{number}", state, json.dumps(payload)),
            )
    raw.close()


def test_an_upgrade_leaves_nothing_of_earlier_versions_in_clear(tmp_path: Path) -> None:
    """Neither in a row nor in a freed page nor in the write-ahead log; nothing is lost by it."""
    path = tmp_path / "muster.db"
    old_database(path)
    assert hits(path)
    upgrade(f"sqlite:///{path}", KEY)
    assert hits(path) == []
    database = Database.open(f"sqlite:///{path}", key=KEY)
    row = database.read_now(lambda s: s.get_one(ActionAttempt, 1))
    assert row.response["customer"]["phone"] == "0912000111"
    done, waiting = database.read_now(
        lambda s: [(i.payload["params"], i.secret) for i in s.query(WorkItem).order_by(WorkItem.id)]
    )
    assert done == ({}, None)
    assert waiting[1]["params"]["params"] == {"order": "0912000111"}
    database.close_now()


def test_files_are_their_owners_alone(world: World, tmp_path: Path) -> None:
    world.channel_fails(1)
    backup(f"sqlite:///{tmp_path}/muster.db", tmp_path / "copy.db")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("*.db*")}
    assert {"muster.db", "muster.db-wal", "copy.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_older_backups_are_named(world: World, tmp_path: Path) -> None:
    old_database(tmp_path / "monday.db")
    backup(f"sqlite:///{tmp_path}/muster.db", tmp_path / "today.db")
    url = f"sqlite:///{tmp_path}/muster.db"
    assert older_copies(url) == [tmp_path / "monday.db"]
    data: dict[str, Any] = {
        "slack": {"channels": {"incidents": {"id": "C0INC"}}},
        "roles": {"oncall": {"people": [MEI]}},
        "shop": {"name": "Lab", "currency": "TWD"},
        "database": {"url": url},
    }
    said = _database(parse_settings(data), Secrets("x", "x", None, KEY))
    assert any("monday.db is of an earlier version" in sentence for _, sentence in said)
