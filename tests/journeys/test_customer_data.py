"""A whole session with customers whose data can be recognised: none of it is found afterwards.

Typed and structured. Looked at are the raw bytes of what the bot sent to Slack, its log, the
database's file, its write-ahead log and a backup; on PostgreSQL every row of every table. What is
answered to the one who typed it stands apart: it is theirs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.cli.drill import stories_of
from bot.cli.stack import stack
from sandbox.drills.hands import Json, elements
from sandbox.drills.run import run
from storage.backup import backup
from tests.conftest import pg_database
from tests.journeys.workspace import CS, INCIDENTS, LIN, MEI, Workspace, daytime

STRUCTURED = {
    "name": "馬可儀 Markerine Quill",
    "phone": "0987123987",
    "email": "markerine@quill.example",
    "line_user_id": "LINEMARKERQUILL",
    "line_id": "LINEMARKERQUILL",
    "address": "記號市標誌區暗號路771號",
}
TYPED = ("0976555123", "5105105105105100", "typed-marker@quill.example", "A223456781")
# Answers to the typist alone, and forms in their own hands.
_THEIRS = ("chat.postEphemeral", "views.open", "views.update", "views.push", "response_url")


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("pg", marks=[pytest.mark.postgres, pytest.mark.slow])],
)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """The drills of three sections, lived through by customers with recognisable data."""
    if request.param == "sqlite":
        yield from _lived(tmp_path_factory.mktemp("customers"), None)
        return
    with pg_database(request.getfixturevalue("pg_server")) as url:
        yield from _lived(tmp_path_factory.mktemp("customers"), url)


def _lived(folder: Path, database: str | None) -> Iterator[Workspace]:
    def change(data: dict[str, Any]) -> None:
        daytime(data)
        if database is not None:
            data["database"] = {"url": database}

    with stack(
        folder, shop_options=("--rate", "0"), bot_options=("--control", "0"), change=change
    ) as running:
        _mark(Path(make_url(str(running.shop.says["database"])).database or ""))
        workspace = Workspace(running)
        for section in ("3.2", "2.2", "7.2"):
            report = run(
                stories_of().load(section),
                running.slack_url,
                running.shop_url,
                running.advance,
                lambda _: None,
            )
            assert report.steps_done or report.detected, report.problems
        _type(workspace)
        workspace.settled()
        yield workspace
        workspace.close()


def _mark(shop: Path) -> None:
    """Every customer of the shop gets data that stands nowhere else."""
    with sqlite3.connect(shop, timeout=20) as connection:
        columns = {row[1] for row in connection.execute("pragma table_info(customers)")}
        known = {name: value for name, value in STRUCTURED.items() if name in columns}
        assert {"name", "phone", "email"} <= known.keys()
        connection.execute(
            f"update customers set {', '.join(f'{name} = ?' for name in known)}",
            list(known.values()),
        )
    connection.close()


def _type(workspace: Workspace) -> None:
    """What people type where it does not belong."""
    phone, card, mail, identity = TYPED
    workspace.types(LIN, f"/order {phone}", CS)
    workspace.types(MEI, f"/incident {mail} is angry")
    workspace.types(MEI, f"/incident note 1 電話{phone}聯絡，卡號{card}已扣款")
    workspace.types(LIN, f"/order {identity}", CS)


def _found(raw: bytes | str) -> list[str]:
    data = raw if isinstance(raw, bytes) else raw.encode()
    marks = [*STRUCTURED.values(), "馬可儀", "Markerine", *TYPED]
    return [
        mark
        for mark in dict.fromkeys(marks)
        if mark.encode() in data or json.dumps(mark)[1:-1].encode() in data
    ]


def _sent(workspace: Workspace) -> list[Json]:
    return list(workspace.log()["requests"])


def test_the_session_saw_the_customers(session: Workspace) -> None:
    """The proof that the rest proves something: the shop holds the marks and the bot acted."""
    looked = json.dumps(session.shop.look("/orders?limit=5"), ensure_ascii=False)
    order = session.shop.look("/payments?status=captured")["payments"][0]["order_id"]
    looked += json.dumps(session.shop.look(f"/orders/{order}"), ensure_ascii=False)
    assert _found(looked)
    assert session.shop.mutations()


def test_slack_was_told_nothing_of_them(session: Workspace) -> None:
    public = [one for one in _sent(session) if not str(one["method"]).startswith(_THEIRS)]
    assert len(public) > 20
    told = {one["method"]: _found(json.dumps(one, ensure_ascii=False)) for one in public}
    assert {method: found for method, found in told.items() if found} == {}


def test_nobody_else_sees_what_was_typed(session: Workspace) -> None:
    for person, channel in (("U0SAM", INCIDENTS), ("U0KAI", CS), ("U0JO", INCIDENTS)):
        seen = json.dumps(session.slack.messages(person, channel), ensure_ascii=False)
        assert _found(seen) == []


def test_what_the_shop_says_is_told_to_nobody(session: Workspace) -> None:
    """Not even to the typist: the structured data were never typed."""
    raw = json.dumps(_sent(session), ensure_ascii=False)
    assert not set(_found(raw)) - set(TYPED)


def test_the_log_holds_nothing_of_them(session: Workspace) -> None:
    bot = session.stack.bot
    assert bot is not None
    assert _found(bot.log.read_bytes()) == []


def test_the_database_holds_nothing_of_them(session: Workspace, tmp_path: Path) -> None:
    """File, write-ahead log and backup; or every row of every table."""
    if session.database.exists():
        copy = tmp_path / "backup.db"
        backup(f"sqlite:///{session.database}", copy)
        for file in (*session.database.parent.glob("muster.db*"), copy):
            assert _found(file.read_bytes()) == [], file.name
        return
    for table, rows in _tables(session):
        assert _found(rows) == [], table


def _tables(session: Workspace) -> Iterator[tuple[str, bytes]]:
    """Each table of PostgreSQL as COPY writes it."""
    import yaml

    config = yaml.safe_load(session.stack.config.read_text(encoding="utf-8"))
    address = make_url(config["database"]["url"]).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        names = connection.execute(
            "select tablename from pg_tables where schemaname = 'public'"
        ).fetchall()
        assert len(names) > 10
        for (name,) in names:
            with connection.cursor().copy(f'copy "{name}" to stdout') as copied:  # type: ignore[call-overload]
                yield name, b"".join(bytes(part) for part in copied)


def test_a_form_is_refused_with_its_kind_named(session: Workspace) -> None:
    """What looks personal is said; elements of the card are still there to be pressed."""
    cards = session.cards()
    assert any(elements(card) for card in cards)
    said = session.types(MEI, f"/incident note 1 請撥 {TYPED[0]}")
    assert "phone number" in said
