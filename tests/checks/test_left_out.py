"""What a check cannot judge is counted and said, and is never called in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bot.cli.check import _show, run_once
from bot.cli.doctor import _looked
from bot.settings import parse_settings
from checks.model import CheckResult
from checks.queries.entity_mapping import EntitiesMapping, EntityMapping, FieldMapping, Form
from checks.shop.rows_seen import looked_at, unread_of, unread_sentence
from checks.shop.source import ShopDatabase
from tests.checks.conftest import ENGINES, address_of
from tests.checks.foreign_shop import MAPPING, ForeignShop, bestellungen, zahlungen

STUCK = {"name": "stuck", "kind": "stuck_orders", "limits": {"paid": 48}}
AMOUNTS = {"name": "amounts", "kind": "amount_mismatch"}
CARD = {"name": "card", "kind": "payment_channel", "channel": {"id": "karte", "name": "Karte"}}
LATE = {
    "name": "late",
    "kind": "query",
    "incident_type": "order_state_stuck",
    "subject": "late",
    "parameters": {"late": {"hours": 48}},
    "find": "select o.number, o.state_since as entered_at from orders o "
    "where o.state = 'paid' and o.state_since < :late",
}
CHECKS = (STUCK, AMOUNTS, CARD, LATE)


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForeignShop]:
    found = ForeignShop(address_of(request, tmp_path))
    found.create()
    yield found
    found.close()


def looked(
    shop: ForeignShop, *checks: dict[str, Any], mapping: Any = MAPPING
) -> dict[str, CheckResult]:
    settings = parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "Laden", "currency": "EUR", "database_url": shop.url, "mapping": mapping,
            },
            "checks": list(checks),
        }
    )  # fmt: skip
    found = asyncio.run(run_once(settings, tuple(one["name"] for one in checks)))
    assert [one.error for one in found] == [None] * len(checks)
    return {one.name: one for one in found}


def without(shop: ForeignShop, column: str, *, lfd: int, **more: Any) -> None:
    """An order that holds nothing in one of its columns."""
    at = shop.now - timedelta(hours=1)
    order = {
        "lfd": lfd, "bestellnr": f"B{lfd:05d}", "kunde": 1, "zustand": "bezahlt",
        "zustand_seit": at, "angelegt": at, "brutto": 100, "rabatt": 0,
    }  # fmt: skip
    shop._write((bestellungen, {**order, column: None, **more}))
    payment = {
        "nr": f"w{lfd}", "bestellung": lfd, "weg": "karte", "betrag": 100, "ergebnis": "ok",
        "um": at,
    }  # fmt: skip
    shop._write((zahlungen, payment))


def said(result: CheckResult) -> list[str]:
    return [unread_sentence(one) for one in result.figures["unread"]]


def test_rows_that_no_check_can_judge_are_said_beside_what_is_in_order(shop: ForeignShop) -> None:
    for _ in range(4):
        shop.order("bezahlt")
    without(shop, "zustand_seit", lfd=901)
    found = looked(shop, *CHECKS)
    told = "no state_since that can be read in 1 of 5 orders (B00901)"
    assert {name: said(one) for name, one in found.items()} == {
        "stuck": [told], "amounts": [told], "card": [], "late": [told],
    }  # fmt: skip
    assert all(one.healthy_subjects and not one.findings for one in found.values())
    windows = [looked_at(one.figures["rows"], one.ran_at) for one in found.values()]
    assert windows == [
        "orders: 5 looked at",
        "orders of the last 30 days: 4 looked at",
        "payments of the last 7 days: 5 looked at",
        "orders: 5 looked at",
    ]


def test_they_stand_in_the_finding_too(shop: ForeignShop) -> None:
    shop.order("bezahlt", hours=99, paid=("60.00",))
    for lfd in (901, 902, 903, 904):
        without(shop, "zustand_seit", lfd=lfd)
    for name, result in looked(shop, STUCK, AMOUNTS, LATE).items():
        [finding] = result.findings
        [unread] = finding.facts["unread"]
        assert (unread["entity"], unread["kind"], unread["rows"]) == ("orders", "instant", 4), name
        assert len(unread["some"]) == 3


def test_mostly_nothing_that_can_be_read_is_never_in_order(shop: ForeignShop) -> None:
    """Each check by a column of its own: where one half is left out nothing is said of the rest."""
    shop.order("bezahlt")
    without(shop, "zustand_seit", lfd=901)
    found = looked(shop, STUCK, AMOUNTS, LATE)
    assert {name: one.healthy_subjects for name, one in found.items()} == dict.fromkeys(found, ())


@pytest.mark.parametrize(
    ("check", "table", "column", "sentence"),
    [
        (AMOUNTS, "bestellungen", "brutto", "no total that can be read in 3 of 3 orders"),
        (AMOUNTS, "zahlungen", "betrag", "no amount that can be read in 3 of 3 payments"),
        (AMOUNTS, "zahlungen", "bestellung", "no order_key that can be read in 3 of 3 payments"),
        (STUCK, "bestellungen", "zustand", "no state that can be read in 3 of 3 orders"),
        (CARD, "zahlungen", "um", "no created_at that can be read in 3 of 3 payments"),
        (CARD, "zahlungen", "ergebnis", "no state that can be read in 3 of 3 payments"),
    ],
)
def test_whatever_a_check_goes_by(
    tmp_path: Path, check: dict[str, Any], table: str, column: str, sentence: str
) -> None:
    shop = ForeignShop(f"sqlite:///{tmp_path / 'laden.db'}")
    shop.create()
    for _ in range(3):
        shop.order("bezahlt")
    engine = create_engine(shop.url)
    with engine.begin() as connection:
        connection.execute(text(f"update {table} set {column} = null"))
    engine.dispose()
    [result] = looked(shop, check).values()
    assert result.healthy_subjects == ()
    assert any(one.startswith(sentence) for one in said(result)), said(result)
    shop.close()


@pytest.mark.parametrize(
    ("held", "form"),
    [
        ("0000-00-00 00:00:00", "native"),
        ("", "sql"),
        ("not a date", "iso"),
        ("31.12.2026 10:00", "sql"),
        ("0", "epoch"),
        ("soon", "epoch_ms"),
        ("1970-01-01 00:00:00", "native"),
    ],
)
def test_what_is_no_time_is_left_out_as_what_is_missing(
    tmp_path: Path, held: str, form: str
) -> None:
    """In any form; SQLite keeps whatever it is given."""
    shop = ForeignShop(f"sqlite:///{tmp_path / 'laden.db'}")
    shop.create()
    shop.close()
    engine = create_engine(shop.url)
    moment = shop.now - timedelta(hours=1)
    good: Any = f"{moment:%Y-%m-%d %H:%M:%S}"
    if form.startswith("epoch"):
        good = int(moment.timestamp()) * (1000 if form == "epoch_ms" else 1)
    with engine.begin() as connection:
        connection.execute(
            text("create table o (id integer, nr text, z text, seit, summe numeric)")
        )
        for key in range(1, 5):
            seit = held if key == 4 else good
            connection.execute(
                text("insert into o values (:key, :nr, 'bezahlt', :seit, 10)"),
                {"key": key, "nr": f"N{key}", "seit": seit},
            )
    engine.dispose()
    mapping = {
        "orders": {
            "from": "o", "unit": "major", "form": form, "zone": "UTC",
            "fields": {
                "key": "id", "number": "nr", "state_since": "seit", "total": "summe",
                "state": {"column": "z", "words": {"paid": ["bezahlt"]}},
            },
        }
    }  # fmt: skip
    for name, result in looked(shop, STUCK, LATE, mapping=mapping).items():
        assert said(result) == ["no state_since that can be read in 1 of 4 orders (N4)"], name


HELD = (
    "2026-11-01 10:00:00", "2026-11-01T10:00:00", "2026-11-01T10:00:00Z", "1999-01-01 00:00:00",
    "9999-12-31 23:59:59", "2026-12-31", None, "", " ", "0000-00-00 00:00:00", "not a date",
    "31.12.2026 10:00", "2026-13-01 00:00:00", "2026-00-10 00:00:00", "2026-11-41 10:00:00",
    "11/30/2026", "yesterday", "1700000000", "1970-01-01 00:00:00", "N/A", "-",
)  # fmt: skip


def is_read(value: str | None) -> bool:
    """Whether it is a time that an order can have, in plain Python."""
    try:
        return datetime.strptime(str(value)[:10], "%Y-%m-%d").year > 1970  # noqa: DTZ007 - a day
    except ValueError:
        return False


@pytest.mark.parametrize(("seed", "form"), [(0, "sql"), (1, "iso"), (2, "iso_z")])
def test_each_engine_reads_as_plain_python_does(shop: ForeignShop, seed: int, form: Form) -> None:
    """Of random rows the same are left out, also where a time is a text of whatever kind."""
    rng = random.Random(seed)
    rows = [(1, HELD[2]), *((key, rng.choice(HELD)) for key in range(2, 40))]
    engine = create_engine(shop.url)
    clickhouse = engine.dialect.name == "clickhousedb"
    kind, suffix = "varchar(40)", ""
    if clickhouse:
        kind, suffix = "Nullable(String)", " engine = MergeTree order by id"
    with engine.begin() as connection:
        connection.execute(text("drop table if exists o"))
        connection.execute(text(f"create table o (id integer, seit {kind}){suffix}"))
        for key, held in rows:
            asked = text("insert into o values (:key, :held)")
            connection.execute(asked, {"key": key, "held": held})
    engine.dispose()
    fields = {
        "key": FieldMapping(column="id"),
        "state_since": FieldMapping(column="seit", form=form, zone="Asia/Taipei"),
    }
    mapping = EntitiesMapping(
        entities={"orders": EntityMapping.model_validate({"from": "o", "fields": fields})}
    )
    database = ShopDatabase(shop.url, mapping)
    table = database.orders()
    found = database.read_now(lambda c: unread_of(c, table, ["state_since"])[1])
    database.close()
    missing = [str(key) for key, held in rows if not is_read(held)]
    assert [one.rows for one in found] == [len(missing)]
    assert {name for one in found for name in one.some} <= set(missing)


def test_what_a_row_may_lack_is_no_fault(shop: ForeignShop) -> None:
    """A guest is nobody's, an order without a promise is promised to nobody: only where all are
    so, nothing was looked at."""
    mapping = deepcopy(MAPPING)
    mapping["orders"]["fields"]["promised_at"] = "angelegt"
    promised = {**LATE, "find": str(LATE["find"]).replace("state_since", "promised_at")}
    shop.order("bezahlt")
    for lfd in (901, 902, 903):
        without(shop, "angelegt", lfd=lfd)
    [result] = looked(shop, promised, mapping=mapping).values()
    assert result.healthy_subjects == ("late",)
    assert said(result)[0].startswith("no promised_at that can be read in 3 of 4 orders")


def test_an_order_without_a_number_is_called_by_its_key(shop: ForeignShop) -> None:
    """Never by None, and never is it lost."""
    old = shop.now - timedelta(hours=99)
    without(shop, "bestellnr", lfd=901, zustand_seit=old, brutto=90)
    for name, result in looked(shop, STUCK, AMOUNTS, LATE).items():
        assert [c.key for f in result.findings for c in f.cases] == ["901"], name


def test_the_terminal_and_doctor_say_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what is in order, and instead of it where it is too much."""
    monkeypatch.setenv("COLUMNS", "200")  # no line is wrapped, whoever runs the test
    shop = ForeignShop(f"sqlite:///{tmp_path / 'laden.db'}")
    shop.create()
    for _ in range(3):
        shop.order("bezahlt")
    without(shop, "zustand_seit", lfd=901)
    told = "no state_since that can be read in 1 of 4 orders (B00901)"
    _show(list(looked(shop, AMOUNTS).values()))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    seen = "orders of the last 30 days: 3 looked at"
    assert lines[1:] == [
        ["amounts", "in", "order", "orders:amount", *seen.split()],
        ["amounts", "left", "out", *told.split()],
    ]
    [result] = looked(shop, AMOUNTS).values()
    assert list(_looked(result)) == [
        ("ok", "Check amounts: in order."),
        ("look", f"Check amounts leaves out: {told}."),
    ]
    for lfd in (902, 903):
        without(shop, "zustand_seit", lfd=lfd)
    [result] = looked(shop, AMOUNTS).values()
    assert next(_looked(result)) == ("look", "Check amounts says nothing: too much is left out.")
    shop.close()


@pytest.mark.parametrize("check", [STUCK, AMOUNTS, CARD, LATE])
def test_what_was_found_is_not_lost_for_what_is_counted(
    tmp_path: Path, check: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where counting does not end, that is said; what is found is found, and nothing is well."""

    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("checks.shop.rows_seen._counted", never)
    shop = ForeignShop(f"sqlite:///{tmp_path / 'laden.db'}")
    shop.create()
    hasty = {**check, "deadline": 2.0}
    shop.order("bezahlt")
    [well] = looked(shop, hasty).values()
    assert well.healthy_subjects == ()
    assert "were not counted: that took longer than" in looked_at(well.figures["rows"], well.ran_at)
    shop.order("bezahlt", hours=99, paid=("60.00",))
    for _ in range(20):
        shop.order("offen", hours=0.01, result="abgelehnt", paid_hours=0.01)
    [found] = looked(shop, hasty).values()
    assert found.findings
    shop.close()
