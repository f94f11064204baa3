"""Ready-made mappings: every file is whole, a shop is told by its tables, whatever their prefix."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlglot import exp, parse

from checks.kinds.base import CheckContext
from checks.kinds.query import QueryCheck
from checks.kinds.query_settings import QueryCheckSettings
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.known_shop import KnownShop, KnownShopError, known_shops, read, recognise
from checks.shop.source import ShopDatabase

BY_NAME = {shop.name: shop for shop in known_shops()}
WOO, MAGENTO = BY_NAME["WooCommerce (HPOS)"], BY_NAME["Magento 2"]
DIALECTS = {"Medusa": "postgres", "django-oscar": "sqlite"}
ONE = """
name: One
version: "1"
source: {project: "https://shop.example", files: [schema.sql]}
ran: false
signature: {tables: [orders]}
mapping: {orders: {from: orders, fields: {key: id}}}
"""


def _sql(shop: KnownShop) -> list[str]:
    """Every piece of SQL in its mapping, as a whole statement."""
    found = []
    for mapped in shop.entities.entities.values():
        base = f"({mapped.select})" if mapped.select else f'"{mapped.table}"'
        base = base.replace('"', "`") if shop in (WOO, MAGENTO) else base
        found.append(mapped.select or f"select 1 from {base}")
        found += [f"select {f.sql} from {base} t" for f in mapped.fields.values() if f.sql]
    return found


@pytest.mark.parametrize("shop", known_shops(), ids=lambda one: one.name)
def test_a_mapping_asks_of_the_tables_that_its_signature_names(shop: KnownShop) -> None:
    """Of no other: those are what is looked for, and what is called otherwise with a prefix."""
    asked = {
        table.name
        for statement in _sql(shop)
        for tree in parse(statement, dialect=DIALECTS.get(shop.name, "mysql"))
        for table in tree.find_all(exp.Table)  # type: ignore[union-attr]
    }
    joins = {
        field.join.from_
        for mapped in shop.entities.entities.values()
        for field in mapped.fields.values()
        if field.join
    }
    tables = {mapped.table for mapped in shop.entities.entities.values() if mapped.table}
    asked |= joins | tables
    assert asked <= set(shop.tables)
    assert {"orders", "order_lines", "payments", "refunds"} <= shop.entities.entities.keys()
    assert all(one.why for one in shop.open)


@pytest.mark.parametrize("shop", known_shops(), ids=lambda one: one.name)
def test_every_known_shop_is_recognised_among_other_tables(shop: KnownShop) -> None:
    found = recognise([*shop.tables, "something", "order_form"])
    assert found is not None
    assert found.mapping == shop.mapping


def test_tables_of_no_known_shop_are_none() -> None:
    assert recognise(["orders", "payments", "customers"]) is None
    assert recognise([*BY_NAME["Medusa"].signature.tables[1:], "something"]) is None


def test_a_prefix_of_the_shops_own_stands_everywhere_in_its_mapping() -> None:
    tables = {f"x9_{table.removeprefix('wp_')}" for table in WOO.tables}
    found = recognise(tables)
    assert found is not None
    assert "wp_" not in str(found.mapping)
    assert set(re.findall(r"\bx9_\w+", str(found.mapping))) == tables


def test_of_several_sites_in_one_database_the_first_is_taken() -> None:
    sites = [p + table.removeprefix("wp_") for p in ("wp_2_", "wp_") for table in WOO.tables]
    found = recognise(sites)
    assert found is not None
    assert found.mapping == WOO.mapping


def test_an_entity_whose_tables_the_shop_lacks_is_left_out() -> None:
    found = recognise(f"mg_{table}" for table in MAGENTO.signature.tables)
    assert found is not None
    assert found.mapping.keys() == MAGENTO.mapping.keys() - {"stock"}
    assert "stock" not in {one.path for one in found.open}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ran: false", "ran: false\nrun: false"), "run is not a key here"),
        (("fields: {key: id}", "fields: {keys: id}"), "has no field “keys”"),
        (("fields: {key: id}", "fields: {total: sum}"), "say its unit"),
        (("tables: [orders]", "tables: []"), "signature.tables"),
        (("ran: false", "ran: false\nbeside: {stock: [a]}"), "beside names “stock”"),
        (
            ("ran: false", "ran: false\nopen: [{path: orders.status, why: x}]"),
            "open names “orders.status”",
        ),
        (("name: One", "name: [One"), "is no YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(change: tuple[str, str], said: str) -> None:
    assert read("one.yaml", ONE).name == "One"
    with pytest.raises(KnownShopError, match=r"^one\.yaml") as caught:
        read("one.yaml", ONE.replace(*change))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("word", "strange"), [("bezahlt", None), ("bezalt", "bezalt")])
def test_the_words_of_a_field_that_is_worked_out_are_known(
    word: str, strange: str | None, tmp_path: Path
) -> None:
    """As those of a column are: what it is mapped to is no unknown word, what it is not is one."""
    path = tmp_path / "shop.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("create table orders (id integer primary key, st text)"))
        connection.execute(text("insert into orders (st) values (:word)"), {"word": word})
    engine.dispose()
    mapped = {
        "from": "orders",
        "fields": {"key": "id", "state": {"sql": "trim(t.st)", "words": {"paid": ["bezahlt"]}}},
    }
    shop = ShopDatabase(
        f"sqlite:///{path}", EntitiesMapping.model_validate({"entities": {"orders": mapped}})
    )
    found = shop.read_now(lambda one: shop.unknown_word(one, "orders", "state"))
    shop.close()
    assert found == strange


async def test_a_count_that_a_shop_keeps_in_decimals_is_told_as_a_number(tmp_path: Path) -> None:
    """It goes into JSON as 2, whatever the column adds."""
    path = tmp_path / "shop.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("create table stock (sku text, there real, promised real)"))
        connection.execute(text("insert into stock values ('A', 1.0, 3.0), ('B', 1.0, 1.5)"))
    engine.dispose()
    fields = {"sku": "sku", "on_hand": "there", "reserved": "promised"}
    mapping = {"entities": {"stock": {"from": "stock", "fields": fields}}}
    shop = ShopDatabase(f"sqlite:///{path}", EntitiesMapping.model_validate(mapping))
    check = QueryCheckSettings.model_validate(
        {
            "name": "short",
            "incident_type": "stock_shortage",
            "subject": "short",
            "subject_by": "sku",
            "facts_from": ["missing"],
            "find": "select s.sku as number, s.sku, s.reserved - s.on_hand as missing "
            "from stock s where s.reserved > s.on_hand",
        }
    )

    async def look(*_: object) -> object:
        raise AssertionError("it asks the database alone")

    now = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
    context = CheckContext(None, shop, "EUR", now, look)  # type: ignore[arg-type]
    found = await QueryCheck(check).run(context)
    shop.close()
    missing = {str(one.facts["sku"]): one.facts["missing"] for one in found.findings}
    assert json.dumps(missing, sort_keys=True) == '{"A": 2, "B": 0.5}'
