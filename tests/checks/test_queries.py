"""Queries over the entities find on any shop and engine what plain Python finds in its rows."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    text,
)

from bot.settings import load_settings
from bot.settings_errors import SettingsError
from checks.queries.compiled_query import QueryError
from checks.queries.compiler import compile_query
from checks.queries.entity_mapping import EntitiesMapping
from checks.queries.missing_index import missing_indexes
from checks.shop import session
from tests import clickhouse
from tests.checks.conftest import ENGINES, address_of
from tests.checks.foreign_shop import ForeignShop
from tests.checks.test_other_schema import check, configuration

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
TAIPEI = ZoneInfo("Asia/Taipei")
WORDS = {"paid": ["BZ", "GZ"], "dispatched": ["VS"], "cancelled": ["ST"]}
ENTITIES: dict[str, Any] = {
    "orders": {
        "from": "kopf",
        "where": "geloescht = 0",
        "fields": {
            "key": {"column": "lfd"},
            "number": {"column": "nr"},
            "state": {"column": "zustand", "words": WORDS},
            "placed_at": {"column": "am", "form": "native", "zone": "Asia/Taipei"},
            "total": {"column": "summe", "unit": "major"},
            "currency": {"column": "waehrung"},
            "customer": {"column": "kunde"},
        },
    },
    "payments": {
        "from": "geld",
        "fields": {
            "order_key": {"column": "kopf"},
            "amount": {"column": "betrag", "unit": "major"},
            "currency": {"column": "waehrung"},
            "state": {"column": "ergebnis", "words": {"captured": [1, 2], "failed": [9]}},
            "created_at": {"column": "um", "form": "epoch"},
        },
    },
}
metadata = MetaData()
kopf = Table(
    "kopf",
    metadata,
    Column("lfd", Integer, primary_key=True),
    Column("nr", String(20)),
    Column("zustand", String(4)),
    Column("am", DateTime),
    Column("summe", Numeric(12, 4)),
    Column("waehrung", String(3)),
    Column("kunde", Integer),
    Column("geloescht", Integer),
)
geld = Table(
    "geld",
    metadata,
    Column("nr", Integer, primary_key=True),
    Column("kopf", Integer),
    Column("betrag", Numeric(12, 4)),
    Column("waehrung", String(3)),
    Column("ergebnis", Integer),
    Column("um", Integer),
)
LATE_AND_UNPAID = """
    select o.number, o.state, o.customer, o.total, o.currency, o.placed_at as entered_at,
           coalesce((select sum(p.amount) from payments p
                     where p.order_key = o.key and p.state = 'captured'), 0) as paid
    from orders o
    where o.state in ('paid', 'dispatched') and o.placed_at < :late
      and o.total <> coalesce((select sum(p.amount) from payments p
                               where p.order_key = o.key and p.state = 'captured'), 0)
      and not exists (select 1 from payments p
                      where p.order_key = o.key and p.created_at >= :recent)
"""
DIGITS = {"TWD": 2, "JPY": 0, "BHD": 3}


def minor(amount: Decimal, currency: str) -> int:
    return int(amount.scaleb(DIGITS[currency]).to_integral_value(ROUND_HALF_UP))


def some_shop(rng: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    orders, payments = [], []
    for lfd in range(1, 60):
        currency = rng.choice(list(DIGITS))
        summe = Decimal(rng.choice(["10", "9.99", "3.3333", "0", "1234.5678"])).quantize(
            Decimal(1).scaleb(-4)
        )
        orders.append(
            {
                "lfd": lfd,
                "nr": f"K{lfd:04d}",
                "zustand": rng.choice(["BZ", "GZ", "VS", "ST", "??", None]),
                "am": (NOW - timedelta(hours=rng.choice([1, 7, 8, 9, 47, 300])))
                .astimezone(TAIPEI)
                .replace(tzinfo=None),
                "summe": summe,
                "waehrung": currency,
                "kunde": rng.choice([None, 1, 2, 3]),
                "geloescht": rng.choice([0, 0, 0, 1]),
            }
        )
        for _ in range(rng.choice([0, 1, 1, 3])):
            payments.append(
                {
                    "nr": len(payments) + 1,
                    "kopf": lfd,
                    "betrag": rng.choice([summe, summe / 3, Decimal("3.3333")]).quantize(
                        Decimal(1).scaleb(-4)
                    ),
                    "waehrung": currency,
                    "ergebnis": rng.choice([1, 2, 9, 7]),
                    "um": int((NOW - timedelta(hours=rng.choice([1, 20]))).timestamp()),
                }
            )
    return orders, payments


def expected(orders: list[dict[str, Any]], payments: list[dict[str, Any]]) -> dict[str, Any]:
    """The same by plain Python, from what the rows say."""
    late, recent = NOW - timedelta(hours=8), NOW - timedelta(hours=12)
    states = {theirs: ours for ours, words in WORDS.items() for theirs in words}
    found = {}
    for order in orders:
        mine = [p for p in payments if p["kopf"] == order["lfd"]]
        paid = sum((p["betrag"] for p in mine if p["ergebnis"] in (1, 2)), Decimal(0))
        placed = order["am"].replace(tzinfo=TAIPEI)
        owed = minor(order["summe"], order["waehrung"])
        had = minor(paid, order["waehrung"])
        if (
            order["geloescht"] == 0
            and states.get(order["zustand"]) in ("paid", "dispatched")
            and placed < late
            and owed != had
            and not any(p["um"] >= recent.timestamp() for p in mine)
        ):
            state = states[order["zustand"]]
            found[order["nr"]] = (state, order["kunde"], owed, order["waehrung"], placed, had)
    return found


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address_of(request, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_it_finds_what_plain_python_finds(url: str, seed: int) -> None:
    """Foreign words, hours ahead of UTC, thirds of a unit, three kinds of digits, deleted rows."""
    orders, payments = some_shop(random.Random(seed))
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == clickhouse.NAME:
            clickhouse.create(engine, metadata)
            clickhouse.insert(engine, kopf, orders)
            clickhouse.insert(engine, geld, payments)
        else:
            metadata.drop_all(connection)
            metadata.create_all(connection)
            connection.execute(kopf.insert(), orders)
            connection.execute(geld.insert(), payments)
    engine.dispose()
    reads = create_engine(url)
    session.prepare(reads, 20.0)  # as the checks ask
    with reads.connect() as connection:
        query = compile_query(
            LATE_AND_UNPAID, EntitiesMapping.model_validate({"entities": ENTITIES}), "TWD"
        )
        late, recent = NOW - timedelta(hours=8), NOW - timedelta(hours=12)
        given = query.bound({"late": late, "recent": recent}, reads.dialect.name)
        rows = connection.execute(text(query.sql(reads.dialect.name)), given).mappings().all()
        read = {one.name: one.mapping for one in query.outputs}["entered_at"]
        assert read is not None
        found = {
            row["number"]: (
                row["state"],
                row["customer"],
                round(row["total"]),
                row["currency"],
                read.read(row["entered_at"]),
                round(row["paid"]),
            )
            for row in rows
        }
    reads.dispose()
    wanted = expected(orders, payments)
    assert found == wanted
    assert wanted, "a seed that plants nothing proves nothing"


def test_a_column_keeps_its_index(tmp_path: Path) -> None:
    """Nothing is wrapped around what is compared: the engine goes by the shop's own index."""
    engine = create_engine(f"sqlite:///{tmp_path / 'laden.db'}")
    query = compile_query(
        "select o.number from orders o where o.state = 'paid' and o.placed_at < :now",
        EntitiesMapping.model_validate({"entities": ENTITIES}),
        "TWD",
    )
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(text("create index am on kopf (zustand, am)"))
        explained = connection.execute(
            text("explain query plan " + query.sql("sqlite")), query.bound({"now": NOW}, "sqlite")
        )
        plan = " ".join(str(row) for row in explained)
    engine.dispose()
    assert "USING INDEX am (zustand=? AND am<?)" in plan


def test_whole_seconds_of_the_shop_are_compared_as_whole_ones(pg_url: str) -> None:
    """Held against a fraction, PostgreSQL reads every row of an integer column as a fraction."""
    engine = create_engine(pg_url)
    entities = {
        "orders": {
            "from": "kopf_s", "form": "epoch", "fields": {"number": "nr", "placed_at": "am"},
        }
    }  # fmt: skip
    query = compile_query(
        "select o.number from orders o where o.placed_at < :now",
        EntitiesMapping.model_validate({"entities": entities}),
        "TWD",
    )
    with engine.begin() as connection:
        connection.execute(text("create temporary table kopf_s (nr text, am int)"))
        connection.execute(text("create index am_s on kopf_s (am)"))
        connection.execute(text("set enable_seqscan = off"))
        given = query.bound({"now": NOW + timedelta(milliseconds=250)}, "postgresql")
        explained = connection.execute(text("explain " + query.sql("postgresql")), given)
        plan = " ".join(str(row) for row in explained)
    engine.dispose()
    assert "Index Cond: (am < " in plan


@pytest.mark.parametrize("url", ENGINES[:3], indirect=True)
def test_a_missing_index_is_named_with_its_statement_until_it_is_there(url: str) -> None:
    """Of a large table that is read whole; what is sent after making it is answered by it."""
    entities = {
        "orders": {
            "from": "viele", "form": "epoch",
            "fields": {"number": "nr", "placed_at": "am", "phone": "tel",
                       "state": {"column": "zustand", "words": {"paid": ["b"]}}},
        }
    }  # fmt: skip
    query = compile_query(
        "select o.number from orders o "
        "where o.state = 'paid' and o.placed_at < :now and o.phone is null",
        EntitiesMapping.model_validate({"entities": entities}),
        "TWD",
    )
    engine = create_engine(url)
    dialect = engine.dialect.name
    sql, given = query.sql(dialect), query.bound({"now": NOW}, dialect)
    explains = {"sqlite": "explain query plan ", "postgresql": "explain "}

    def said() -> list[str]:
        plan = connection.execute(text(explains.get(dialect, "explain ") + sql), given)
        return list(missing_indexes(connection, sql, [dict(row) for row in plan.mappings()]))

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("drop table if exists viele"))
        connection.execute(
            text("create table viele (nr int, zustand varchar(9), am int, tel varchar(9))")
        )
        rows = [{"n": n, "z": "x" if n else "b"} for n in range(500)]
        connection.execute(text("insert into viele values (:n, :z, :n, 'x')"), rows)
        twice = "insert into viele select nr + {0}, zustand, am + {0}, tel from viele"
        for count in (500, 1_000, 2_000, 4_000):
            connection.execute(text(twice.format(count)))
        assert said() == []  # few rows need none
        for count in (8_000, 16_000):
            connection.execute(text(twice.format(count)))
        connection.execute(text("analyze table viele" if dialect == "mysql" else "analyze"))
        (line,) = said()
        statement = line.partition(": ")[2].rstrip(";")
        assert line.startswith("viele is read whole. ")
        assert re.search(r"^CREATE INDEX .*\(.zustand., .am.\)$", statement), statement
        connection.execute(text(statement))
        connection.execute(text("analyze table viele" if dialect == "mysql" else "analyze"))
        assert said() == []
        connection.execute(text("drop table viele"))
    engine.dispose()


WRONG = {
    "select o.key from order o": "there is no “order”",
    "select o.colour from orders o": "orders has no field “colour”",
    "select o.key from orders o where o.state = 'payed'": "“payed” is no state",
    "select o.key from orders o where o.state in ('paid', 'gone')": "“gone” is no state",
    "select * from orders o": "name the columns",
    "delete from orders": "a check only reads",
    "select now() as n from orders o": "there is no function",
    "select sleep(9) as n from orders o": "there is no function “sleep”",
    "select o.key from orders o where": "it cannot be read",
    "select key from orders o join orders p on p.key = o.key": "stands in several tables",
    "select o.key from orders o where o.placed_at < '2026-01-01'": "compared with a parameter",
    "select x.key from orders o": "there is no table “x”",
    "select count(*) from orders o": "needs a name",
    "with a as (select 1) select key from orders": "not understood here",
    "select s.key from shipments s": "“shipments” is not mapped",
    "select p.method from payments p": "payments.method is not mapped",
    "select o.key from orders o join payments p on p.created_at > o.placed_at": "different forms",
    "select o.key from orders o where o.placed_at > (select max(p.created_at) from payments p)": (
        "different forms"
    ),
    "select o.key from mine.orders o": "no “mine” before a table; there is every",
}


@pytest.mark.parametrize("query", WRONG)
def test_what_there_is_not_is_one_sentence(query: str) -> None:
    with pytest.raises(QueryError) as error:
        compile_query(query, EntitiesMapping.model_validate({"entities": ENTITIES}), "TWD")
    assert WRONG[query] in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unit": None}, "orders.total is money: say its unit"),
        ({"words": {"paid": ["x"]}}, "orders.total has no word “paid”"),
    ],
)
def test_a_mapping_without_a_unit_is_refused(change: dict[str, Any], sentence: str) -> None:
    """A guess about money is how a check lies."""
    data = json.loads(json.dumps(ENTITIES))
    data["orders"]["fields"]["total"].update(change)
    with pytest.raises(ValueError, match=sentence):
        EntitiesMapping.model_validate({"entities": data})


@pytest.fixture
def shop(url: str) -> Iterator[ForeignShop]:
    found = ForeignShop(url)
    found.create()
    yield found
    found.close()


def queried(shop: ForeignShop, folder: Path, **changed: Any) -> Path:
    """The foreign shop's configuration with one check, which is a query."""
    path = configuration(shop, folder)
    data = yaml.safe_load(path.read_text("utf-8"))
    find = """
        select o.number, o.customer, o.total, o.currency, o.state, o.state_since as entered_at
        from orders o where o.state in ('awaiting_payment', 'paid') and o.state_since < :late
    """
    one = {
        "name": "spaet",
        "kind": "query",
        "incident_type": "order_state_stuck",
        "subject": "late",
        "subject_by": "state",
        "find": find,
        "parameters": {"late": {"hours": 48}},
    }
    data["checks"] = [{**one, **changed}]
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_a_check_that_is_a_query_finds_exactly_what_was_planted(
    shop: ForeignShop, tmp_path: Path
) -> None:
    shop.order("bezahlt", hours=2)
    late = {shop.order("bezahlt", hours=49), shop.order("gezahlt", hours=480, total="20.50")}
    unpaid = shop.order("offen", hours=50, paid=())
    code, results = check(queried(shop, tmp_path))
    assert code == 1
    found = {one["subject"]: one for one in results["spaet"]["findings"]}
    assert set(found) == {"late=paid", "late=awaiting_payment"}
    paid = found["late=paid"]
    assert {case["key"] for case in paid["cases"]} == late
    assert paid["facts"]["orders"] == 2
    assert paid["facts"]["amount"] == {"minor": 12050, "currency": "EUR"}
    assert [case["key"] for case in found["late=awaiting_payment"]["cases"]] == [unpaid]


def test_a_query_that_cannot_be_is_named_before_anything_runs(
    shop: ForeignShop, tmp_path: Path
) -> None:
    for changed, sentence in (
        ({"find": "select o.nummer from orders o"}, "checks.spaet.find: orders has no field"),
        ({"parameters": {}}, "there is no parameter “:late”; add it."),
        ({"subject_by": "carrier"}, "subject_by: find gives no “carrier”."),
        ({"looked_at": "select count(*) as n from orders o"}, "how many “rows”"),
        (
            {"find": "select o.number from orders o where o.number < :late"},
            "checks.spaet.find: “:late” is a time, held against what is none",
        ),
    ):
        with pytest.raises(SettingsError) as error:
            load_settings(queried(shop, tmp_path, **changed))
        assert sentence in str(error.value)


@pytest.mark.parametrize("url", [ENGINES[0], ENGINES[-1]], indirect=True)
def test_it_is_explained_and_of_nothing_nothing_is_said(shop: ForeignShop, tmp_path: Path) -> None:
    config = queried(shop, tmp_path)

    def muster(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", "check", *arguments, "--config", str(config)],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "not known" in muster()  # the shop has no order at all
    shop.order("bezahlt", hours=2)
    assert "in order" in muster()
    said = muster("spaet", "--explain")
    assert "bestellungen" in said
    assert "0 rows in" in said


def test_a_word_that_nobody_mapped_is_never_all_well(shop: ForeignShop, tmp_path: Path) -> None:
    """A misspelt word finds nothing for ever."""
    shop.order("bezahlt", hours=2)
    _, before = check(queried(shop, tmp_path))
    assert before["spaet"]["healthy"] == ["late"]
    shop.order("verschollen", hours=500)
    _, results = check(queried(shop, tmp_path))
    assert results["spaet"]["healthy"] == []
    assert "orders.state holds “verschollen”" in results["spaet"]["error"]
