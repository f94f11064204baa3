"""A shop whose orders stand in ClickHouse: what is otherwise there, and bends nothing that is seen.

The same faults as on the other engines are planted in `test_detections`, `test_queries` and
`test_other_schema`, whose tests run here too.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, func, select, text

from bot.cli.check import run_once
from bot.settings import parse_settings
from checks.queries.compiled_query import Refused
from checks.queries.compiler import compile_query
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopDatabase, ShopUnavailable
from tests import clickhouse
from tests.checks.foreign_shop import ForeignShop
from tests.checks.test_other_schema import configuration
from tests.checks.test_session import found, orders

pytestmark = pytest.mark.slow
_ENDLESS = "select count() from numbers(1000000000000) where number % 7 = 9"


def read(url: str, sql: str, *, entities: Any = None, timeout: float = 20.0, **values: Any) -> Any:
    """What the shop's database answers to the checks."""
    mapping = EntitiesMapping.model_validate({"entities": entities or orders()})
    shop = ShopDatabase(url, mapping, timeout=timeout)
    try:
        return shop.read_now(lambda c: c.execute(text(sql), values).all())
    finally:
        shop.close()


def write(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def table(since: str, status: str = "String", total: str = "Decimal(12, 2)") -> list[str]:
    """Orders of 38, 46, 50 and 60 hours by the server's own clock: of 48 two are late."""
    made = (
        f"create table orders (id Int64, number String, status {status}, since {since}, "
        f"total {total}) engine = MergeTree order by id"
    )
    rows = [
        f"insert into orders values ({hours}, '{hours}', 'paid', now() - interval {hours} hour, 9)"
        for hours in (38, 46, 50, 60)
    ]
    return ["drop table if exists orders", made, *rows]


@pytest.fixture(scope="module", params=["UTC", "Asia/Taipei"])
def in_zone(request: pytest.FixtureRequest, clickhouse_port: int) -> Iterator[int]:
    """A server whose wall clock is of that zone."""
    with clickhouse.running(request.param) as port:
        yield port


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("DateTime", "String"),
        ("Nullable(DateTime64(3))", "LowCardinality(Nullable(String))"),
        ("DateTime('America/New_York')", "Enum8('paid' = 1, 'x' = 2)"),
        ("Nullable(DateTime64(6, 'Asia/Taipei'))", "Nullable(Enum16('paid' = 700))"),
    ],
)
def test_an_instant_is_one_in_whatever_type_and_zone(
    in_zone: int, tmp_path: Path, since: str, status: str
) -> None:
    """The code and the query see the same; a word that the list does not have finds nothing."""
    url = clickhouse.empty(in_zone)
    write(url, *table(since, status))
    numbers, errors = found(url, tmp_path)
    assert errors == {"code": None, "query": None}
    assert numbers == {"50", "60"}


def test_a_wall_clock_that_was_written_to_a_server_in_utc_is_read_in_its_zone(
    clickhouse_url: str, tmp_path: Path
) -> None:
    """Copied from a shop in Taipei: eight hours later than it was, and the mapping says so."""
    write(clickhouse_url, *table("DateTime"))
    write(clickhouse_url, "alter table orders update since = since + interval 8 hour where 1")
    assert found(clickhouse_url, tmp_path, zone="Asia/Taipei")[0] == {"50", "60"}
    assert found(clickhouse_url, tmp_path)[0] == {"60"}


def test_the_session_only_reads_in_utc_and_ends_in_time(clickhouse_url: str) -> None:
    """Said with every query, and seen to hold before the first."""
    write(clickhouse_url, *table("DateTime"))
    for statement in ("insert into orders select * from orders", "drop table orders"):
        with pytest.raises(ShopUnavailable, match="readonly mode"):
            read(clickhouse_url, statement)
    names = ("readonly", "session_timezone", "max_execution_time", "join_use_nulls")
    asked = ", ".join(f"toString(getSetting('{name}'))" for name in names)
    assert read(clickhouse_url, f"select {asked}", timeout=7.5) == [("2", "UTC", "8", "true")]
    port = clickhouse_url.partition("127.0.0.1:")[2].partition("/")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.read().decode().splitlines()[-1].startswith("muster ")
    began = time.monotonic()
    with pytest.raises(ShopUnavailable, match="Timeout exceeded"):
        read(clickhouse_url, _ENDLESS, timeout=1)
    assert time.monotonic() - began < 5


def test_an_account_that_may_say_no_settings_is_refused_in_one_sentence(
    clickhouse_port: int,
) -> None:
    """Its sums of nothing would be 0 and its times of the server's zone."""
    with pytest.raises(ShopUnavailable, match="give it readonly = 2"):
        read(clickhouse.empty(clickhouse_port, user="narrow"), "select 1")


def test_what_is_wrong_is_said_without_the_query_and_the_address(clickhouse_url: str) -> None:
    write(clickhouse_url, *table("DateTime"))
    with pytest.raises(ShopUnavailable) as said:
        read(clickhouse_url, "select nope from orders where number = :n", n="A SECRET")
    sentence = str(said.value)
    assert "Unknown expression identifier `nope`" in sentence
    assert not any(one in sentence for one in ("SECRET", "select", "http", "\n"))
    gone = clickhouse_url.replace(clickhouse_url.partition("127.0.0.1:")[2], "1/shop")
    with pytest.raises(ShopUnavailable, match="no ClickHouse server answers at its address"):
        read(gone, "select 1")


def test_a_driver_or_an_engine_that_is_missing_is_said_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ShopUnavailable, match="the folder of the in-process engine does not exist"):
        read(clickhouse.in_process(tmp_path / "gone"), "select 1")
    assert not (tmp_path / "gone").exists()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ShopUnavailable, match=r"pip install 'muster\[chdb\]'"):
        read(clickhouse.in_process(tmp_path), "select 1")


def test_large_amounts_have_room(clickhouse_url: str) -> None:
    """A Decimal(9, 2) holds 300,000.00, and not a hundred times that."""
    write(clickhouse_url, *table("DateTime", total="Decimal(9, 2)"))
    write(clickhouse_url, "alter table orders update total = 300000.05 where 1")
    mapping = EntitiesMapping.model_validate({"entities": orders()})
    shop = ShopDatabase(clickhouse_url, mapping)
    asyncio.run(shop.know())
    query = shop.query("select sum(o.total) as paid from orders o", "USD")
    sql = query.sql(clickhouse.NAME)
    [(paid,)] = shop.read_now(
        lambda c: c.execute(text(sql), query.bound({}, clickhouse.NAME)).all()
    )
    assert round(paid) == 4 * 30_000_005
    total = func.sum(shop.orders().minor("total", "USD"))
    assert shop.read_now(lambda c: c.scalar(select(total))) == 4 * 30_000_005
    shop.close()


LINES = {
    "orders": {
        "from": "kopf", "form": "epoch", "where": "lfd > 0",
        "fields": {"key": "lfd", "number": "nr", "customer": "kunde", "placed_at": "am"},
    },
    "order_lines": {
        "from": "zeile", "unit": "major", "currency": "USD",
        "fields": {"order_key": "kopf", "sku": "artikel", "quantity": "menge", "amount": "preis"},
    },
    "scans": {
        "from": "pick",
        "fields": {"order_key": "kopf", "sku": "artikel", "quantity": "menge"},
    },
    "payments": {
        "from": "geld", "form": "epoch",
        "fields": {"key": "nr", "order_key": "kopf", "created_at": "am"},
    },
}  # fmt: skip
OF_A_ROW = {
    "counted": """select o.number,
        (select count(*) from scans s where s.order_key = o.key) as a,
        (select sum(s.quantity) from scans s where s.order_key = o.key) as b,
        (select coalesce(sum(l.amount), 0) from order_lines l where o.key = l.order_key) as c
        from orders o""",
    "none": """select o.number from orders o
        where (select count(*) from scans s where s.order_key = o.key and s.quantity > 1) = 0""",
    "some": """select o.number from orders o
        where o.number is not null and exists (select 1 from order_lines l where l.order_key = o.key
            and l.quantity > (select coalesce(sum(s.quantity), 0) from scans s
                              where s.order_key = l.order_key and s.sku = l.sku))""",
    "twin": """select number from orders where exists (
        select 1 from orders e where e.customer = orders.customer and e.key <> orders.key)""",
    "alone": """select o.number from orders o where not exists (
        select 1 from orders e where e.customer = o.customer and e.key <> o.key)""",
    "last": """select p.key as number from payments p where not exists (
        select 1 from payments q
        where q.order_key = p.order_key and q.created_at > p.created_at)""",
    "either": """select o.number from orders o where o.customer = 1 or not exists (
        select 1 from payments p where p.order_key = o.key
            and (p.created_at > :three or p.created_at is null))""",
    "since": """select o.number from orders o where exists (
        select 1 from payments p where p.order_key = o.key
            and (p.created_at > o.placed_at or o.placed_at is null))""",
    "later": """select o.number, (select count(*) from payments p
        where p.order_key = o.key and p.created_at >= coalesce(o.placed_at, p.created_at)) as n
        from orders o""",
    "odd": """select o.number,
        (select case when count(*) = 0 then 7 when max(s.quantity) > 1 then 1 end from scans s
         where s.order_key = o.key) as d from orders o""",
}  # fmt: skip


DAWN = 1_700_000_000  # seconds since 1970: what lies near to that is no time of a shop's
TIMES = (DAWN + 1, DAWN + 3, DAWN + 5)


def some_lines(rng: random.Random) -> dict[str, list[dict[str, Any]]]:
    def few() -> list[dict[str, Any]]:
        return [
            {"kopf": rng.randint(1, 9), "artikel": rng.choice("AB"), "menge": rng.randint(1, 2)}
            for _ in range(rng.randint(0, 9))
        ]

    lines = [{**one, "preis": rng.choice(["3.33", "0.10"])} for one in few()]
    heads = [
        {
            "lfd": n,
            "nr": f"K{n}",
            "kunde": rng.choice([1, 2, 3, 4, 5, None]),
            "am": rng.choice([DAWN + 2, DAWN + 4, None]),
        }
        for n in range(1, 10)
    ]
    money = [
        {"nr": n, "kopf": rng.choice([*range(1, 9), None]), "am": rng.choice([*TIMES, None])}
        for n in range(1, 12)
    ]
    return {"kopf": heads, "zeile": lines, "pick": few(), "geld": money}


def by_hand(rows: dict[str, list[dict[str, Any]]]) -> dict[str, set[tuple[Any, ...]]]:
    """The same in plain Python."""
    wanted: dict[str, set[tuple[Any, ...]]] = {name: set() for name in OF_A_ROW}
    for order in rows["kopf"]:
        number = order["nr"]
        scans = [one for one in rows["pick"] if one["kopf"] == order["lfd"]]
        lines = [one for one in rows["zeile"] if one["kopf"] == order["lfd"]]
        pieces = [one["menge"] for one in scans]
        cost = sum((Decimal(one["preis"]) for one in lines), Decimal(0)) * 100
        wanted["counted"].add((number, len(scans), sum(pieces) if pieces else None, int(cost)))
        if not any(one > 1 for one in pieces):
            wanted["none"].add((number,))
        for line in lines:
            same = [one["menge"] for one in scans if one["artikel"] == line["artikel"]]
            if line["menge"] > sum(same):
                wanted["some"].add((number,))
        mates = [
            one
            for one in rows["kopf"]
            if order["kunde"] is not None and one["kunde"] == order["kunde"] and one is not order
        ]
        wanted["twin" if mates else "alone"].add((number,))
        times = [one["am"] for one in rows["geld"] if one["kopf"] == order["lfd"]]
        if order["kunde"] == 1 or not any(at is None or at > DAWN + 3 for at in times):
            wanted["either"].add((number,))
        since = order["am"]
        if any(since is None or (at is not None and at > since) for at in times):
            wanted["since"].add((number,))
        later = [at for at in times if at is not None and (since is None or at >= since)]
        wanted["later"].add((number, len(later)))
        odd = 7 if not pieces else 1 if max(pieces) > 1 else None
        wanted["odd"].add((number, odd))
    for one in rows["geld"]:
        after = [
            other
            for other in rows["geld"]
            if None not in (one["kopf"], one["am"], other["am"])
            and other["kopf"] == one["kopf"]
            and other["am"] > one["am"]
        ]
        if not after:
            wanted["last"].add((one["nr"],))
    return wanted


def literal(value: Any) -> str:
    return "null" if value is None else repr(value)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_worked_out_for_a_row_is_so_of_nothing_too(clickhouse_url: str, seed: int) -> None:
    """A count of nothing is 0 and a sum of it null, in the answer, in a condition and within."""
    rows = some_lines(random.Random(seed))
    write(
        clickhouse_url,
        "create table kopf (lfd Int64, nr String, kunde Nullable(Int64), am Nullable(Int64)) "
        "engine = MergeTree order by lfd",
        "create table geld (nr Int64, kopf Nullable(Int64), am Nullable(Int64)) "
        "engine = MergeTree order by nr",
        "create table zeile (kopf Int64, artikel String, menge Int32, preis Decimal(9, 2)) "
        "engine = MergeTree order by kopf",
        "create table pick (kopf Nullable(Int32), artikel String, menge UInt8) "
        "engine = MergeTree order by tuple()",
        *(
            f"insert into {name} values ({', '.join(map(literal, row.values()))})"
            for name, many in rows.items()
            for row in many
        ),
    )
    mapping = EntitiesMapping.model_validate({"entities": LINES})
    got = {}
    for name, query in OF_A_ROW.items():
        made = compile_query(query, mapping, "USD")
        answer = read(
            clickhouse_url, made.sql(clickhouse.NAME), entities=LINES,
            **made.bound({"three": datetime.fromtimestamp(DAWN + 3, UTC)}, clickhouse.NAME),
        )  # fmt: skip
        got[name] = {tuple(row)[: len(made.outputs)] for row in answer}  # without what names rows
    assert got == by_hand(rows)


CANNOT = (
    "(select count(*) from scans s where s.quantity < o.key) = 0",
    "(select p.created_at from payments p where p.order_key = o.key) < :now",
    "exists (select 1 from payments p where p.created_at > o.placed_at)",
)


@pytest.mark.parametrize("asked", CANNOT)
def test_what_cannot_be_joined_is_refused_there_and_nowhere_else(asked: str) -> None:
    """ClickHouse's own answer would be null for a count of nothing, and nothing would say so."""
    query = compile_query(
        f"select o.number from orders o where {asked}",
        EntitiesMapping.model_validate({"entities": LINES}),
        "USD",
    )
    assert "muster_j" not in query.sql("postgresql")
    with pytest.raises(Refused, match=r"ClickHouse can answer “SELECT .*…” for a row only by"):
        query.sql(clickhouse.NAME)


def test_what_a_join_does_not_find_is_nothing(clickhouse_url: str) -> None:
    """Not an empty text, a zero or 1970; the letters of every language have their small ones."""
    write(
        clickhouse_url,
        "create table kopf (lfd Int64, nr String, ort Int64) engine = MergeTree order by lfd",
        "create table ort (id Int64, plz Int32) engine = MergeTree order by id",
        "insert into kopf values (1, 'Ä1', 5), (2, 'Ä2', 6)",
        "insert into ort values (5, 106)",
    )
    join = {"from": "ort", "on": {"id": "ort"}, "column": "plz"}
    entities = {"orders": {"from": "kopf", "fields": {"number": "nr", "postcode": {"join": join}}}}
    made = compile_query(
        "select lower(o.number) as number from orders o where o.postcode is null",
        EntitiesMapping.model_validate({"entities": entities}),
        "USD",
    )
    sql = made.sql(clickhouse.NAME)
    assert read(clickhouse_url, sql, entities=entities) == [("ä2",)]
    newest = "select max(lfd), count(*), sum(lfd) from kopf where lfd > 9"
    assert read(clickhouse_url, newest, entities=entities) == [(None, 0, None)]


def test_what_is_missing_or_stands_there_twice_is_mapped_as_the_page_says(
    clickhouse_url: str,
) -> None:
    """1970 and 0 for what is missing, versions that were never merged, a table that is called as
    the query calls it."""
    write(
        clickhouse_url,
        "create table orders (id Int64, nr String, kunde Int64, bis DateTime, v Int8) "
        "engine = ReplacingMergeTree(v) order by id",
        "system stop merges orders",
        *(
            f"insert into orders values ({row})"
            for row in (
                "1, 'K1', 0, 0, 1", "2, 'K2', 0, '2026-01-01 00:00:00', 1",
                "3, 'K3', 7, '2026-01-02 00:00:00', 1", "3, 'K3', 8, '2026-01-02 00:00:00', 2",
                "4, 'K4', 7, 0, 1", "5, 'K5', 8, 0, 1",
            )
        ),
    )  # fmt: skip
    fields = {
        "key": "id",
        "number": "nr",
        "customer": {"sql": "nullIf(kunde, 0)"},
        "promised_at": {"sql": "nullIf(bis, toDateTime(0))", "form": "aware"},
    }
    mapped = {"select": "select * from orders final", "zone": "Asia/Taipei", "fields": fields}
    plain = {"from": "orders", "fields": {"key": "id", "number": "nr", "customer": "kunde"}}

    def asked(query: str, orders: dict[str, Any]) -> list[str]:
        mapping = EntitiesMapping.model_validate({"entities": {"orders": orders}})
        made = compile_query(query, mapping, "USD")
        given = made.bound({"late": datetime(2026, 1, 1, 1, tzinfo=UTC)}, clickhouse.NAME)
        answer = read(
            clickhouse_url, made.sql(clickhouse.NAME), entities={"orders": orders}, **given
        )
        return sorted(row[0] for row in answer)

    assert asked("select o.number from orders o where o.promised_at < :late", mapped) == ["K2"]
    twin = """select number from orders where exists (select 1 from orders e
        where e.customer = orders.customer and e.key <> orders.key)"""
    assert asked(twin, mapped) == ["K3", "K5"]
    assert asked(twin, plain) == ["K1", "K2", "K3", "K3", "K4", "K5"]


def test_money_of_an_order_without_a_currency_is_seen(clickhouse_url: str, tmp_path: Path) -> None:
    """What is asked of each row is null there where the row holds a null: such an order would hold
    nothing, and a cancelled one is right so."""
    write(
        clickhouse_url,
        "create table kopf (id Int64, nr String, stand String, seit DateTime, summe Decimal(9, 2), "
        "geld Nullable(String)) engine = MergeTree order by id",
        "create table zahlung (kopf Int64, summe Decimal(9, 2), stand String, um DateTime, "
        "geld Nullable(String)) engine = MergeTree order by kopf",
        "insert into kopf select number, concat('K', toString(number)), 'cancelled', "
        "now() - interval 1 hour, 100, if(number = 1, null, 'EUR') from numbers(3)",
        "insert into zahlung values (1, 100, 'captured', now() - interval 2 hour, null)",
    )
    once = {"unit": "major", "form": "native"}
    mapping = {
        "orders": {
            "from": "kopf", **once,
            "fields": {"key": "id", "number": "nr", "state": "stand", "state_since": "seit",
                       "total": "summe", "currency": "geld"},
        },
        "payments": {
            "from": "zahlung", **once,
            "fields": {"order_key": "kopf", "amount": "summe", "state": "stand",
                       "created_at": "um", "currency": "geld"},
        },
    }  # fmt: skip
    data = {
        "slack": {"channels": {"incidents": {"id": "C1"}}},
        "roles": {"oncall": {"people": ["U1"]}},
        "shop": {
            "name": "S", "currency": "EUR", "database_url": clickhouse_url, "mapping": mapping,
        },
        "checks": [{"name": "amounts", "kind": "amount_mismatch"}],
    }  # fmt: skip
    (result,) = asyncio.run(run_once(parse_settings(data), ("amounts",)))
    assert result.error is None
    (finding,) = result.findings
    assert [case.key for case in finding.cases] == ["K1"]
    assert finding.cases[0].facts["why"] == "kept"


@contextmanager
def command_line(url: str, folder: Path) -> Iterator[Any]:
    shop = ForeignShop(url)
    shop.create()
    wrong = shop.order("bezahlt", paid=("110.00",))
    late = shop.order("bezahlt", hours=49)
    shop.close()
    config = configuration(shop, folder)

    def muster(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    yield muster, config, wrong, late


@pytest.mark.parametrize("where", ["server", "process"])
def test_it_is_inspected_verified_checked_and_explained(
    clickhouse_url: str, tmp_path: Path, where: str
) -> None:
    """Through the command line, on a server and on a folder that the engine opens itself."""
    data = tmp_path / "data"
    data.mkdir()
    url = clickhouse_url if where == "server" else clickhouse.in_process(data)
    with command_line(url, tmp_path) as (muster, config, wrong, late):
        code, said = muster("check", "--config", str(config))
        assert code == 1
        assert wrong in said
        assert late in said
        code, said = muster("check", "payment-without-order", "--explain", "--config", str(config))
        assert code == 0, said
        assert "ReadFromMergeTree" in said
        assert "0 rows in" in said
        assert "INDEX" not in said
        code, said = muster("shop", "verify", "--config", str(config))
        assert "orders: 2 rows of bestellungen" in said
        assert "50.0 % of 2 paid orders hold what they cost" in said
        assert re.search(r"Checks that can be asked .*payment-without-order", said)
        code, said = muster("shop", "inspect", url)
        assert code == 0, said
        proposed = yaml.safe_load(said.partition("shop:")[1] + said.partition("shop:")[2])
        assert proposed
