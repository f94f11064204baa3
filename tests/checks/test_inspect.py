"""Of a shop whose names say nothing, inspect proposes what verify accepts and checks find by."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import MetaData, String, Text, create_engine, text

import bot.cli
from bot import strict_yaml
from bot.cli.check import run_once
from bot.cli.shop import _verify
from bot.cli.shop import command as shop_command
from bot.settings import Settings, parse_settings
from checks.queries.entity import entities
from checks.shop.inspect import propose
from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.forms_found import unit_of
from checks.shop.inspection.proposal import printed
from checks.shop.inspection.vocabulary import meaning, vocabulary, words_of_state
from checks.shop.known_shop import KnownShop, known_shops
from sandbox.shop.schema import SCHEMA
from sandbox.shop.seed import seed
from tests.checks import foreign_shop, whole_shop
from tests.checks.renamed_shop import RenamedShop, answered, differences
from tests.checks.shop_life import Life, plant

DEMO = Path(bot.cli.__file__).parent / "data" / "demo.yaml"
NOW = datetime.now(UTC).replace(microsecond=0)
CHECKS = [
    {"name": "amounts", "kind": "amount_mismatch"},
    {"name": "late", "kind": "stuck_orders", "limits": {"paid": 24}},
]


def settings(url: str, mapping: Mapping[str, Any]) -> Settings:
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "S", "currency": "EUR", "database_url": url,
                "mapping": yaml.safe_load(yaml.safe_dump(dict(mapping))),
            },
            # What is written in `checks` needs its fields; detections are off where they lack one.
            "checks": CHECKS if "state_since" in mapping["orders"]["fields"] else [],
        }
    )  # fmt: skip


def found_by(config: Settings) -> dict[str, set[str]]:
    results = asyncio.run(run_once(config, ()))
    assert {one.name: one.error for one in results if one.error} == {}
    found = {one.name: {c.key for f in one.findings for c in f.cases} for one in results}
    return {name: cases for name, cases in found.items() if cases}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'laden.db'}"
    fixture = "pg_url" if request.param == "postgresql" else "mariadb_url"
    return str(request.getfixturevalue(fixture))


def _with_placed_at() -> dict[str, Any]:
    mapping = yaml.safe_load(yaml.safe_dump(foreign_shop.MAPPING))
    mapping["orders"]["fields"]["placed_at"] = "angelegt"
    return dict(mapping)


# A schema with its own mapping, and how many questions at most are left to a person.
SCHEMAS: Mapping[str, tuple[MetaData, Mapping[str, Any], int]] = {
    "foreign": (foreign_shop.metadata, _with_placed_at(), 1),
    "whole": (whole_shop.metadata, whole_shop.mapped(), 10),
}


# One of them in the ordinary run, all of them in the full one.
ORDINARY = ("sqlite", "whole", False)
EVERY = [
    pytest.param(
        engine, schema, declared, id=f"{engine}-{schema}-{'keys' if declared else 'no-keys'}",
        marks=[] if (engine, schema, declared) == ORDINARY else [pytest.mark.slow],
    )
    for engine in ("sqlite", "postgresql", "mariadb")
    for schema in SCHEMAS
    for declared in (True, False)
]  # fmt: skip


@pytest.mark.parametrize(("url", "schema", "declared"), EVERY, indirect=["url"])
def test_names_that_say_nothing_leave_only_what_cannot_be_known(
    url: str, schema: str, declared: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is open is answered, the rest is as proposed: it finds every planted fault, no other."""
    metadata, mapping, questions = SCHEMAS[schema]
    shop = RenamedShop(url, metadata, mapping, declared=declared)
    life = Life(NOW)
    life.whole()
    planted = list(plant(life, declared=declared))
    shop.write(life.rows)
    proposal = propose(url)
    assert differences(proposal, shop.truth) == {}
    assert len(proposal.open) <= questions, proposal.of("open")
    config = settings(url, answered(proposal, shop.truth))
    assert asyncio.run(_verify(config)) == 0, capsys.readouterr().out
    watched = {check.name for check in config.checks}
    assert watched == {check.name for check in settings(url, shop.truth).checks}
    wanted: dict[str, set[str]] = {}
    for check, case in planted:
        if check in watched:
            wanted.setdefault(check, set()).add(case)
    assert found_by(config) == wanted
    shop.close()


@pytest.mark.slow
@pytest.mark.parametrize("declared", [True, False], ids=["keys", "no-keys"])
def test_the_demo_shop_is_known_by_its_rows_alone(
    url: str, declared: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its seventeen tables under other names, five of them with amounts of orders: no question."""
    source = sqlite3.connect(tmp_path / "demo.db")
    source.row_factory = sqlite3.Row
    source.executescript(SCHEMA)
    seed(source, random.Random(5), NOW)
    delivered = "select id, number from orders where status = 'delivered'"
    less_paid = source.execute(delivered).fetchone()
    less = "update payments set amount_minor = amount_minor - 100 where order_id = ?"
    source.execute(less, (less_paid["id"],))
    source.commit()
    engine = create_engine(f"sqlite:///{tmp_path / 'demo.db'}")
    metadata = MetaData()
    metadata.reflect(engine)
    engine.dispose()
    for table in metadata.tables.values():  # MariaDB wants the length of a text that is a key
        for column in table.columns:
            if isinstance(column.type, Text):
                key = column.primary_key or column.name.endswith("_id")
                column.type = String(60) if key else Text()
    mapping = yaml.safe_load(DEMO.read_text("utf-8"))["shop"]["mapping"]
    shop = RenamedShop(url, metadata, mapping, declared=declared)
    for name in _parents_first(metadata):
        shop.copy(name, [dict(row) for row in source.execute(f"select * from {name}")])
    source.close()
    proposal = propose(url)
    assert differences(proposal, shop.truth) == {}
    assert proposal.open == []
    assert {"orders", "payments", "state_changes", "customers"} == proposal.mapping.keys()
    config = settings(url, answered(proposal, shop.truth))
    assert asyncio.run(_verify(config)) == 0, capsys.readouterr().out
    found = found_by(config)
    assert found["amounts"] == {less_paid["number"]}
    assert found == found_by(settings(url, shop.truth))
    shop.close()


def _parents_first(metadata: MetaData) -> list[str]:
    first = ["customers", "orders", "payments"]
    return [*first, *(name for name in metadata.tables if name not in first)]


NAMED = """
create table "{s}Customer" (id integer primary key, locale text);
create table "{s}Order" (id integer primary key, "orderNo" text, "customerId" integer
  references "{s}Customer" (id), status text, "updatedAt" text, "createdAt" text, total integer);
create table "{s}OrderItem" (id integer primary key, "orderId" integer references "{s}Order" (id),
  sku text, qty integer, "lineTotal" integer);
create table "{s}Payment" (id integer primary key, "orderId" integer references "{s}Order" (id),
  gateway text, amount integer, status text, "createdAt" text);
create table "{s}Refund" (id integer primary key, "orderId" integer, amount integer);
create table "{s}orders_backup" (id integer primary key, "orderNo" text, status text,
  total integer);
"""


def named(run: Callable[[str], object], schema: str = "") -> None:
    """A small shop under names as people give them, with a copy of its orders beside it."""
    prefix = f'{schema}"."' if schema else ""
    for statement in NAMED.format(s=prefix).split(";")[:-1]:
        run(statement)
    for key in range(1, 5):
        run(f"""insert into "{prefix}Customer" values ({key}, 'de')""")
    states = ("paid", "packing", "shipped", "cancelled")
    for key in range(1, 13):
        at = f"2026-11-{key:02d}T10:00:00Z"
        state = states[key % 4]
        run(
            f"""insert into "{prefix}Order" values
            ({key}, 'A-{key}', {key % 4 + 1}, '{state}', '{at}', '{at}', {1995 * key})"""
        )
        run(
            f"""insert into "{prefix}OrderItem" values ({key}, {key}, 'TEA', {key}, {1995 * key})"""
        )
        run(
            f"""insert into "{prefix}Payment" values
            ({key}, {key}, 'northpay', {1995 * key}, 'captured', '{at}')"""
        )


def test_each_field_says_what_it_rests_on_and_what_is_open_is_asked_once(tmp_path: Path) -> None:
    """What is printed is YAML that loads, with its reasons beside it."""
    path = tmp_path / "laden.db"
    with sqlite3.connect(path) as connection:
        named(connection.execute)
    proposal = propose(f"sqlite:///{path}")
    assert proposal.open == ["unit", "orders.fields.state.words"]
    assert "packing (3 rows, 100 % paid)" in proposal.judged["orders.fields.state.words"].reason
    said = {path: one.certainty for path, one in proposal.judged.items()}
    assert said["payments.fields.order_key"] == "sure"
    assert said["orders.fields.total"] == "sure"
    # A guess, though its name is right: it moves with every change of the row.
    assert said["orders.fields.state_since"] == "guess"
    assert said["payments.fields.state.words"] == "guess"
    lines = list(printed(proposal, "postgresql://me:secret@host/shop"))
    whole = "\n".join(lines)
    assert strict_yaml.read(whole)["shop"]["mapping"] == proposal.mapping
    assert "secret" not in whole
    assert "        order_key: orderId  # sure: its foreign key refers to Order.id" in lines
    asked = lines[lines.index("# To be answered:") :]
    assert sum("packing" in line for line in asked) == 1
    assert any("Refund is called like refunds and is empty" in line for line in lines)
    assert any("Not used: Refund, orders_backup" in line for line in lines)


@pytest.mark.slow
def test_a_shop_in_a_schema_of_its_own_is_found_there(pg_url: str) -> None:
    engine = create_engine(pg_url)
    with engine.begin() as connection:
        connection.execute(text('create schema "Shop"'))
        named(lambda statement: connection.execute(text(statement)), "Shop")
    proposal = propose(pg_url)
    assert proposal.mapping["orders"]["from"] == "Shop.Order"
    assert proposal.mapping["payments"]["from"] == "Shop.Payment"
    words = {"paid": ["paid"], "dispatched": ["shipped"], "cancelled": ["cancelled"]}
    mapping = yaml.safe_load(yaml.safe_dump(proposal.mapping))
    mapping["orders"]["fields"]["state"] = {"column": "status", "words": words,
                                            "ignore": ["packing"]}  # fmt: skip
    assert asyncio.run(_verify(settings(pg_url, mapping))) == 0
    with engine.begin() as connection:
        connection.execute(text('drop schema "Shop" cascade'))
    engine.dispose()


def test_signs_of_money_are_never_called_sure_without_a_sign_of_them() -> None:
    """1990 may be 19.90 or 1990: only the name, fractions or the currency say which."""
    now = datetime.now(UTC)

    def judged(name: str, values: tuple[Any, ...], currencies: set[str]) -> tuple[str, str]:
        unit, why = unit_of(ColumnSeen(name, None, values, now), currencies)
        return unit, why.certainty

    assert judged("c1", (1990, 250, 1199), {"EUR"}) == ("minor", "open")
    assert judged("c1", (199000, 25000), {"TWD"}) == ("minor", "guess")
    assert judged("c1", (1990, 250, 1199), {"TWD"}) == ("major", "guess")
    assert judged("c1", (1990, 250, 1199), set()) == ("minor", "open")
    assert judged("price_cents", (1990, 250), {"EUR"}) == ("minor", "sure")
    assert judged("c1", (Decimal("19.90"), Decimal("2.50")), {"EUR"}) == ("major", "sure")


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ((1_764_400_000, 1_764_500_000), "epoch"),
        ((1_764_400_000_000, 1_764_500_000_000), "epoch_ms"),
        (("2026-11-01T08:00:00Z",), "iso_z"),
        (("2026-11-01T08:00:00",), "iso"),
        (("2026-11-01 08:00:00",), "sql"),
        (("2026-11-01", "soon"), None),
        ((199_000, 25_000), None),
    ],
)
def test_the_form_of_a_time_is_seen_in_what_it_holds(
    values: tuple[Any, ...], form: str | None
) -> None:
    assert ColumnSeen("c", None, values, NOW).form == form


@pytest.mark.parametrize(
    ("place", "word", "ours"),
    [
        ("orders.state", "wc-processing", "paid"),
        ("orders.state", "En attente de paiement", "awaiting_payment"),
        ("orders.state", "Expédiée", "dispatched"),
        ("orders.state", "已付款", "paid"),
        ("orders.state", "Storniert", "cancelled"),
        ("orders.state", "checkout-draft", "ignore"),
        ("payments.state", "abgelehnt", "failed"),
        ("orders.state", "packing", None),
        ("orders.state", 20, None),
    ],
)
def test_words_of_several_languages_are_known_and_numbers_are_not(
    place: str, word: object, ours: str | None
) -> None:
    assert meaning(place, word) == ours


def test_no_word_of_the_vocabulary_means_two_things() -> None:
    """Each stands once in its place, and every place and word is one of ours."""
    known = vocabulary()
    for place, words in known.words.items():
        entity, _, field = place.partition(".")
        assert words.keys() <= set(entities()[entity].fields[field].words), place
        every = [word for theirs in words.values() for word in theirs]
        assert sorted(every) == sorted(set(every)), place
        assert not set(every) & known.ignored.get(place, frozenset()), place
        for word in every:
            assert "_".join(words_of_state(word)) == word, (place, word)
    assert known.tables.keys() - {"addresses"} <= entities().keys()
    for entity, fields in known.fields.items():
        assert fields.keys() <= entities()[entity].fields.keys(), entity


LARGE = """
create table t1 (c1 integer primary key, c2 text, c3 text, c4 text, c5 numeric(12, 2));
create table t2 (c1 integer primary key, c2 integer, c3 text, c4 numeric(12, 2), c5 text, c6 text);
create table t3 (c1 integer primary key, c2 integer, c3 text, c4 text, c5 text);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 30000)
insert into t1 select i, 'W' || (i + 1000),
  case when i % 11 = 0 then 'cancelled' when i > 28000 then 'paid' else 'completed' end,
  datetime('2024-01-01', '+' || i || ' minutes'), 10 + (i * 7919 % 9000) / 100.0 from n;
insert into t2 select c1, c1, 'northpay', c5,
  case when c1 % 11 = 0 then 'failed' else 'captured' end, c4 from t1;
insert into t3 select c1 * 2, c1, 'pending', 'paid', c4 from t1 where c1 % 11 <> 0;
insert into t3 select c1 * 2 + 1, c1, 'paid', 'completed', datetime(c4, '+1 day') from t1
  where c1 % 11 <> 0 and c1 <= 28000;
insert into t3 select c1 * 2 + 1, c1, 'pending', 'cancelled', c4 from t1 where c1 % 11 = 0;
"""


@pytest.mark.slow
def test_of_a_large_shop_older_rows_are_looked_at_too(tmp_path: Path) -> None:
    """Its newest thousand orders are a day old, and none of them has gone its whole way."""
    path = tmp_path / "laden.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(LARGE)
    proposal = propose(f"sqlite:///{path}")
    assert proposal.open == ["zone"]
    tables = {entity: one["from"] for entity, one in proposal.mapping.items()}
    assert tables == {"orders": "t1", "payments": "t2", "state_changes": "t3"}
    state = proposal.mapping["orders"]["fields"]["state"]
    words = {"awaiting_payment", "paid", "completed", "cancelled"}
    assert (state["column"], set(state["words"])) == ("c3", words)
    changes = proposal.mapping["state_changes"]["fields"]
    assert (changes["from_state"]["column"], changes["to_state"]["column"]) == ("c3", "c4")


@pytest.mark.parametrize("known", known_shops(), ids=lambda one: one.name)
def test_a_known_shop_is_proposed_as_it_is_known_and_as_any_other_without_signatures(
    known: KnownShop, tmp_path: Path
) -> None:
    """What is printed loads as its mapping; what a person must answer stands there as open."""
    path = tmp_path / "laden.db"
    with sqlite3.connect(path) as connection:
        for table in known.tables:
            connection.execute(f'create table "{table}" (id integer primary key)')
    url = f"sqlite:///{path}"
    proposal = propose(url)
    loaded = strict_yaml.read("\n".join(printed(proposal, url)))["shop"]["mapping"]
    assert _stripped(loaded) == _stripped(known.mapping)
    assert set(proposal.open) == {one.path for one in known.open}
    assert {proposal.judged[e].certainty for e in known.mapping if e not in proposal.open} <= {
        "sure" if known.ran else "guess"
    }
    assert propose(url, signatures=False).mapping == {}
    said = CliRunner().invoke(shop_command, ["inspect", url]).output
    assert known.source.project in said
    bare = CliRunner().invoke(shop_command, ["inspect", "--no-signatures", url]).output
    assert "No table looks like orders" in bare


def _stripped(value: Any) -> Any:
    """Texts without what stands around them."""
    if isinstance(value, dict):
        return {key: _stripped(one) for key, one in value.items()}
    return value.strip() if isinstance(value, str) else value


def test_of_two_amounts_that_agree_neither_is_sure(tmp_path: Path) -> None:
    """Lines with and without tax, in a shop without any yet."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as shop:
        shop.executescript(
            "create table orders (id integer primary key, number text, status text,"
            " total numeric(12,2), placed_at timestamp);"
            "create table order_lines (id integer primary key,"
            " order_id integer references orders (id), sku text, quantity integer,"
            " net numeric(12,2), gross numeric(12,2));"
        )
        for key in range(1, 61):
            shop.execute(
                "insert into orders values (?, ?, 'paid', ?, ?)",
                (key, f"N{key:04d}", 3 * key, f"2026-09-{1 + key % 28:02d} 10:00:00"),
            )
            shop.executemany(
                "insert into order_lines values (?, ?, ?, 1, ?, ?)",
                [
                    (2 * key, key, f"A{key % 7}", key, key),
                    (2 * key + 1, key, "B", 2 * key, 2 * key),
                ],
            )
    lines = list(printed(propose(f"sqlite:///{path}"), "sqlite:///shop.db"))
    [amount] = [line for line in lines if line.strip().startswith("amount:")]
    assert "# guess:" in amount
    assert "so does" in amount
