"""Session with the shop's database: neither the server's zone nor its types bend what is seen."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from bot.cli.check import as_json_of, run_once
from bot.settings import load_settings
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopDatabase, ShopUnavailable

FIELDS = {"key": "id", "number": "number", "state": "status", "state_since": "since"}


def orders(
    unit: str = "major", *, words: Any = None, form: str = "native", zone: str | None = None
) -> dict[str, Any]:
    """The mapping of a shop that has orders alone."""
    state = {"column": "status", "words": words or {}}
    total = {"column": "total", "unit": unit}
    return {
        "orders": {
            "from": "orders",
            "form": form,
            **({"zone": zone} if zone else {}),
            "fields": {**FIELDS, "state": state, "total": total},
        }
    }


TABLE = """create table orders (id int primary key, number {number}, status {status},
                               since {since}, total numeric(12, 2))"""
HOURS = (38, 46, 50, 60)  # with a limit of 48: two are found, whoever's clock the server shows


def found(url: str, folder: Path, **mapping: Any) -> tuple[set[str], dict[str, str | None]]:
    """What both kinds of checks find, as the command line says it: numbers, errors by check."""
    data = {
        "slack": {"channels": {"incidents": {"id": "C1"}}},
        "roles": {"oncall": {"people": ["U1"]}},
        "shop": {
            "name": "S",
            "currency": "USD",
            "database_url": url,
            "mapping": orders(**mapping),
        },
        "checks": [
            {"name": "code", "kind": "stuck_orders", "limits": {"paid": 48}},
            {
                "name": "query",
                "kind": "query",
                "incident_type": "order_state_stuck",
                "subject": "late",
                "parameters": {"late": {"hours": 48}},
                "find": "select o.number, o.state_since as entered_at from orders o "
                "where o.state = 'paid' and o.state_since < :late and o.state <> 'refunded'",
            },
        ],
    }
    path = folder / "muster.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    done = asyncio.run(run_once(load_settings(path), ()))
    results = [as_json_of(result) for result in done]
    numbers = [
        {case["key"] for finding in one["findings"] for case in finding["cases"]} for one in results
    ]
    assert numbers[0] == numbers[1], "the kind of code and the query see the same"
    return numbers[0], {one["check"]: one["error"] for one in results}


@contextmanager
def filled(url: str, word: str, **kinds: str) -> Iterator[None]:
    """The table with an order of each age; its times by the server's own clock."""
    engine = create_engine(url)
    ago = (
        "now() - interval '{} hours'"
        if engine.dialect.name == "postgresql"
        else "now() - interval {} hour"
    )
    with engine.begin() as connection:
        connection.execute(text("drop table if exists orders"))
        connection.execute(text(TABLE.format(**kinds)))
        for hours in HOURS:
            sql = f"insert into orders values ({hours}, '{hours}', {word}, {ago.format(hours)}, 9)"
            connection.execute(text(sql))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("drop table orders"))
        engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("zone", ["UTC", "Asia/Taipei", "America/New_York"])
def test_an_instant_is_one_whatever_zone_the_server_is_in(
    pg_url: str, tmp_path: Path, zone: str
) -> None:
    engine = create_engine(pg_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.scalar(text("select current_database()"))
        connection.execute(text(f"alter database \"{name}\" set timezone = '{zone}'"))
    engine.dispose()
    with filled(pg_url, "'paid'", number="text", status="text", since="timestamptz"):
        numbers, errors = found(pg_url, tmp_path)
    assert errors == {"code": None, "query": None}
    assert numbers == {"50", "60"}


@pytest.mark.parametrize("zone", ["+00:00", "+08:00", "-05:00"])
def test_so_it_is_on_mariadb(mariadb_url: str, tmp_path: Path, zone: str) -> None:
    engine = create_engine(mariadb_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"set global time_zone = '{zone}'"))
    try:
        kinds = {"number": "varchar(20)", "status": "varchar(20)", "since": "timestamp"}
        with filled(mariadb_url, "'paid'", **kinds):
            numbers, errors = found(mariadb_url, tmp_path)
    finally:
        with engine.connect() as connection:
            connection.execute(text("set global time_zone = 'SYSTEM'"))
        engine.dispose()
    assert errors == {"code": None, "query": None}
    assert numbers == {"50", "60"}


@pytest.mark.postgres
def test_words_of_a_closed_list_are_compared_as_its_own(pg_url: str, tmp_path: Path) -> None:
    """Also those of ours that the list does not have: they are in no row."""
    engine = create_engine(pg_url)
    with engine.begin() as connection:
        connection.execute(text("create type ost as enum ('NEW', 'PAID', 'SHIPPED')"))
    engine.dispose()
    with filled(pg_url, "'PAID'", number="text", status="ost", since="timestamptz"):
        numbers, errors = found(pg_url, tmp_path, words={"paid": ["PAID", "SETTLED"]})
    assert errors == {"code": None, "query": None}
    assert numbers == {"50", "60"}


@pytest.mark.postgres
@pytest.mark.parametrize("word", [2, "2"])
def test_numbers_are_compared_as_numbers(pg_url: str, tmp_path: Path, word: int | str) -> None:
    with filled(pg_url, "2", number="int", status="int", since="timestamptz"):
        numbers, errors = found(pg_url, tmp_path, words={"paid": [word]})
    assert errors == {"code": None, "query": None}
    assert numbers == {"50", "60"}


@pytest.mark.parametrize("name", ["shop #1.db", "shop?x.db", "shop%41.db", "shop 2.db", "商店.db"])
def test_the_file_that_is_named_is_read_and_none_is_made(tmp_path: Path, name: str) -> None:
    made = tmp_path / "plain.db"
    engine = create_engine(f"sqlite:///{made}")
    with engine.begin() as connection:
        connection.execute(text(TABLE.format(number="text", status="text", since="text")))
        connection.execute(
            text("insert into orders values (1, 'A', 'paid', '2020-01-01T00:00:00Z', 9)")
        )
    engine.dispose()
    shutil.move(made, tmp_path / name)
    url = URL.create("sqlite", database=str(tmp_path / name)).render_as_string()
    numbers, errors = found(url, tmp_path, form="iso_z")
    assert errors == {"code": None, "query": None}
    assert numbers == {"A"}
    (tmp_path / name).unlink()
    _, errors = found(url, tmp_path, form="iso_z")
    assert all(errors.values())
    assert {path.name for path in tmp_path.iterdir()} == {"muster.yaml"}


def read(url: str, sql: str, timeout: float = 20.0) -> Any:
    mapping = EntitiesMapping.model_validate({"entities": orders("minor")})
    shop = ShopDatabase(url, mapping, timeout=timeout)
    try:
        return asyncio.run(shop.read(lambda connection: connection.execute(text(sql)).all()))
    finally:
        shop.close()


@pytest.mark.parametrize("engine", ["sqlite", "pg_url", "mariadb_url"])
def test_a_shop_is_never_written_and_never_asked_for_long(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = request.getfixturevalue(engine) if engine != "sqlite" else f"sqlite:///{tmp_path}/s.db"
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text("create table if not exists kept (id int)"))
    for sql in ("insert into kept values (1)", "create table more (id int)"):
        with pytest.raises(ShopUnavailable):
            read(url, sql)
    slow = {
        "sqlite": "with recursive n(x) as (select 1 union all select x + 1 from n) "
        "select count(*) from n",
        "pg_url": "select pg_sleep(60)",
        "mariadb_url": "select sleep(60) from information_schema.tables",
    }[engine]
    began = time.monotonic()
    with pytest.raises(ShopUnavailable):
        read(url, slow, timeout=0.5)
    assert time.monotonic() - began < 20
    with made.begin() as connection:
        assert connection.execute(text("select count(*) from kept")).scalar() == 0
    made.dispose()


@pytest.mark.parametrize(
    ("kind", "amounts", "sentence"),
    [
        ("varchar(20)", "major", "orders.total is text, which is no amount"),
        ("numeric(12, 2)", "minor", "orders.total holds decimals"),
        ("double precision", "minor", "orders.total holds decimals"),
        ("numeric(12, 0)", "minor", None),
        ("bigint", "minor", None),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite", "pg_url", "mariadb_url"])
def test_what_is_no_exact_amount_is_never_compared(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    engine: str,
    kind: str,
    amounts: str,
    sentence: str | None,
) -> None:
    """“12,50” is 12 to a cast, and 99.99 is 99: another amount, in silence."""
    url = request.getfixturevalue(engine) if engine != "sqlite" else f"sqlite:///{tmp_path}/s.db"
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text(f"create table orders (id int, total {kind})"))
        connection.execute(text("insert into orders values (1, 99)"))
    made.dispose()
    mapping = EntitiesMapping.model_validate({"entities": orders(amounts)})
    shop = ShopDatabase(url, mapping)
    try:
        asyncio.run(shop.read(lambda connection: None))
        said = None
    except ShopUnavailable as error:
        said = str(error)
    finally:
        shop.close()
    assert (said is None) if sentence is None else (sentence in str(said))
