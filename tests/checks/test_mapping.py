"""A mapping is one form for every check, also for what stands in another table or in no column."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, create_engine, text

from bot.cli.check import run_once
from bot.cli.shop import _verify
from bot.settings import Settings, parse_settings
from bot.settings_errors import SettingsError
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopDatabase
from checks.shop.verification import Seen, verified
from tests.checks import whole_shop

NOW = datetime.now(UTC).replace(microsecond=0)
TABLES = (
    """create table kopf (id int primary key, kind int, person int, since {when},
                          net numeric(12, 2), tax numeric(12, 2), gone int)""",
    "create table wort (kind int primary key, name varchar(20))",
    "create table person (id int primary key, tongue varchar(10))",
)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'laden.db'}"
    else:
        fixture = "pg_url" if request.param == "postgresql" else "mariadb_url"
        url = str(request.getfixturevalue(fixture))
    found = create_engine(url)
    with found.begin() as connection:
        for name in ("kopf", "wort", "person"):
            connection.execute(text(f"drop table if exists {name}"))
        for table in TABLES:
            when = "timestamp" if request.param == "postgresql" else "datetime"
            connection.execute(text(table.format(when=when)))
        connection.execute(text("insert into wort values (1, 'bezahlt'), (2, 'versandt')"))
        connection.execute(text("insert into person values (7, 'zh_TW'), (8, 'en')"))
    yield found
    found.dispose()


def add(
    engine: Engine, key: int, kind: int, hours: float, *, person: int = 7, gone: int = 0
) -> None:
    since = (NOW - timedelta(hours=hours)).replace(tzinfo=None)
    with engine.begin() as connection:
        connection.execute(
            text("insert into kopf values (:id, :kind, :person, :since, 90, 10, :gone)"),
            {"id": key, "kind": kind, "person": person, "since": since, "gone": gone},
        )


# Its state is a word in another table, its total is no column, and voided orders are still there.
BY_JOIN: dict[str, Any] = {
    "orders": {
        "from": "kopf",
        "where": "gone = 0",
        "unit": "major",
        "form": "native",
        "fields": {
            "key": "id",
            "number": {"sql": "'K' || t.id"},
            "state": {
                "join": {"from": "wort", "on": {"kind": "kind"}, "column": "name"},
                "words": {"paid": ["bezahlt"], "dispatched": ["versandt"]},
            },
            "state_since": "since",
            "total": {"sql": "net + tax"},
            "customer": "person",
            "language": {"join": {"from": "person", "on": {"id": "person"}, "column": "tongue"}},
        },
    }
}
BY_SELECT: dict[str, Any] = {
    "orders": {
        "select": "select k.id, w.name as state, k.since, k.net + k.tax as total, k.person, "
        "p.tongue from kopf k join wort w on w.kind = k.kind join person p on p.id = k.person "
        "where k.gone = 0",
        "unit": "major",
        "form": "native",
        "fields": {
            "key": "id",
            "number": {"sql": "'K' || t.id"},
            "state": {"column": "state", "words": {"paid": ["bezahlt"]}, "ignore": ["versandt"]},
            "state_since": "since",
            "total": "total",
            "customer": "person",
            "language": "tongue",
        },
    }
}


def as_said(engine: Engine, mapping: dict[str, Any]) -> dict[str, Any]:
    """A piece of the shop's SQL is in its own engine's words."""
    made: dict[str, Any] = yaml.safe_load(yaml.safe_dump(mapping))
    if engine.dialect.name in ("mysql", "mariadb"):
        made["orders"]["fields"]["number"] = {"sql": "concat('K', t.id)"}
    return made


def settings(url: str, mapping: dict[str, Any]) -> Settings:
    query = {
        "name": "query", "kind": "query", "incident_type": "order_state_stuck", "subject": "late",
        "parameters": {"late": {"hours": 48}},
        "find": "select o.number, o.customer, o.total, o.currency, o.state_since as entered_at "
        "from orders o where o.state = 'paid' and o.state_since < :late",
    }  # fmt: skip
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {"name": "S", "currency": "TWD", "database_url": url, "mapping": mapping},
            "checks": [{"name": "code", "kind": "stuck_orders", "limits": {"paid": 48}}, query],
        }
    )


@pytest.mark.parametrize("mapping", [BY_JOIN, BY_SELECT], ids=["join", "select"])
def test_a_field_stands_in_another_table_or_in_none(
    engine: Engine, mapping: dict[str, Any]
) -> None:
    """The check that is code and the one that is a query see the same orders and amounts."""
    mapping = as_said(engine, mapping)
    add(engine, 1, 1, hours=50)
    add(engine, 2, 1, hours=46)
    add(engine, 3, 2, hours=60)
    add(engine, 4, 1, hours=70, gone=1)
    add(engine, 5, 1, hours=60, person=8)
    url = engine.url.render_as_string(hide_password=False)
    results = {one.name: one for one in asyncio.run(run_once(settings(url, mapping), ()))}
    for name in ("code", "query"):
        result = results[name]
        assert result.error is None, name
        (finding,) = result.findings
        assert {case.key for case in finding.cases} == {"K1", "K5"}, name
        assert finding.facts["amount"] == {"minor": 20000, "currency": "TWD"}, name
        assert finding.facts["customers"] == 2, name
    spoken = {c.key: c.facts["language"] for c in results["code"].findings[0].cases}
    assert spoken == {"K1": "zh-Hant", "K5": "en"}


def test_an_empty_text_in_a_joined_table_is_a_missing_one(engine: Engine) -> None:
    """As in a column of its own: `is null` finds it."""
    with engine.begin() as connection:
        connection.execute(text("insert into person values (9, '')"))
    add(engine, 1, 1, hours=50, person=9)
    add(engine, 2, 1, hours=50, person=8)
    url = engine.url.render_as_string(hide_password=False)
    shop = ShopDatabase(url, EntitiesMapping.model_validate({"entities": as_said(engine, BY_JOIN)}))
    asyncio.run(shop.know())
    query = shop.query("select o.number from orders o where o.language is null", "TWD")
    name = engine.dialect.name
    with engine.connect() as connection:
        rows = connection.execute(text(query.sql(name)), query.bound({}, name)).all()
    shop.close()
    assert [row[0] for row in rows] == ["K1"]


def test_the_form_of_before_is_refused_with_the_new_one_printed() -> None:
    old = {
        "orders": {
            "table": "o", "times": "iso", "zone": "Asia/Taipei", "amounts": "major",
            "statuses": {"paid": ["P"], "packing": ["K"]},
            "columns": {"id": "id", "number": "nr", "status": "st", "status_since": "since",
                        "created_at": "made", "total": "sum"},
        },
        "history": {"table": "h", "columns": {"order": "o", "from_status": "a", "to_status": "b",
                                              "at": "at"}},
    }  # fmt: skip
    with pytest.raises(SettingsError) as error:
        settings("sqlite:///none.db", old)
    (sentence,) = error.value.problems
    told, _, printed = sentence.partition("stands:\n")
    assert told.startswith("muster.yaml: shop.mapping is written in the form of before")
    mapping = yaml.safe_load(printed)["mapping"]
    assert mapping["orders"]["fields"] == {
        "key": "id", "number": "nr", "state_since": "since", "placed_at": "made", "total": "sum",
        "state": {"column": "st", "words": {"paid": ["P"]}, "own": {"packing": ["K"]}},
    }  # fmt: skip
    assert (mapping["orders"]["form"], mapping["orders"]["zone"]) == ("iso", "Asia/Taipei")
    assert settings("sqlite:///none.db", mapping).shop.mapping["state_changes"].table == "h"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"from": None}, "say where it stands: from (a table or view), or select"),
        ({"fields": {"colour": "c"}}, "orders has no field “colour”"),
        ({"unit": None}, "orders.total is money: say its unit"),
        ({"form": None}, "orders.state_since is a time: say its form"),
        ({"fields": {"state": {"column": "s", "words": {"payd": ["P"]}}}}, "no word “payd”"),
        ({"fields": {"total": {"column": "a", "sql": "b", "unit": "major"}}}, "where it stands"),
    ],
)
def test_what_a_mapping_lacks_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    mapping = yaml.safe_load(yaml.safe_dump(BY_JOIN))
    given = mapping["orders"]
    for key, value in change.items():
        if key == "fields":
            given["fields"] |= value
        elif value is None:
            del given[key]
        else:
            given[key] = value
    with pytest.raises(SettingsError) as error:
        settings("sqlite:///none.db", mapping)
    assert any(sentence in one for one in error.value.problems), error.value.problems


def test_a_check_names_the_field_that_it_lacks() -> None:
    mapping = yaml.safe_load(yaml.safe_dump(BY_JOIN))
    del mapping["orders"]["fields"]["state_since"]
    with pytest.raises(SettingsError) as error:
        settings("sqlite:///none.db", mapping)
    said = error.value.problems
    assert any("checks.code: shop.mapping.orders.fields lacks “state_since”" in o for o in said)
    assert any("checks.query.find: orders.state_since is not mapped" in one for one in said)


def test_a_check_names_the_field_that_it_lacks_of_what_it_may_do_without() -> None:
    """Refunds need not be mapped for the amounts; where they are, it must be said what became of
    them."""
    mapping = whole_shop.mapped()
    given = {
        "slack": {"channels": {"incidents": {"id": "C1"}}},
        "roles": {"oncall": {"people": ["U1"]}},
        "shop": {"name": "S", "currency": "TWD", "database_url": "sqlite:///none.db"},
        "checks": [{"name": "amounts", "kind": "amount_mismatch"}],
    }
    del mapping["refunds"]["fields"]["state"]
    mapping["orders"]["fields"]["state_since"] = mapping["orders"]["fields"]["placed_at"]
    with pytest.raises(SettingsError) as error:
        parse_settings({**given, "shop": {**given["shop"], "mapping": mapping}})  # type: ignore[dict-item]
    lacking = "checks.amounts: shop.mapping.refunds.fields lacks “state”"
    assert any(lacking in one for one in error.value.problems), error.value.problems


def seen(url: str, mapping: dict[str, Any]) -> list[Seen]:
    shop = ShopDatabase(url, EntitiesMapping.model_validate({"entities": mapping}))
    try:
        return asyncio.run(verified(shop, "TWD", NOW))
    finally:
        shop.close()


def test_what_stands_in_each_field_is_seen_before_anything_is_believed(engine: Engine) -> None:
    """A wrong zone, a word that nobody mapped: each is a sentence that is to be put right."""
    add(engine, 1, 1, hours=0.1)
    add(engine, 2, 2, hours=5)
    url = engine.url.render_as_string(hide_password=False)
    mapping = as_said(engine, BY_JOIN)
    told = {one.sentence.strip(): one.wrong for one in seen(url, mapping)}
    assert told["orders: 2 rows of kopf"] is False
    assert told["state: 1 paid, 1 dispatched"] is False
    assert told["total: from 100.00 to 100.00 TWD"] is False
    assert not any(told.values())
    wrong = yaml.safe_load(yaml.safe_dump(mapping))
    wrong["orders"]["zone"] = "America/New_York"
    wrong["orders"]["fields"]["state"]["words"] = {"paid": ["bezahlt"]}
    said = [one.sentence for one in seen(url, wrong) if one.wrong]
    assert any(
        "state_since: 1 lie ahead of now" in one and "h in the future" in one for one in said
    )
    assert any("“versandt” (1) is not known" in one for one in said)


def test_a_stamp_that_is_missing_or_has_no_index_is_said(engine: Engine) -> None:
    add(engine, 1, 1, hours=0.1)
    url = engine.url.render_as_string(hide_password=False)
    mapping = yaml.safe_load(yaml.safe_dump(as_said(engine, BY_JOIN)))
    told = {one.sentence.strip(): one.wrong for one in seen(url, mapping)}
    assert told["changed_at: not mapped, so the checks look at the whole each time"] is False
    since = mapping["orders"]["fields"]["state_since"]
    mapping["orders"]["changed_at"] = since
    own = since if isinstance(since, str) else since["column"]
    (said,) = (one.sentence for one in seen(url, mapping) if one.wrong)
    assert said.endswith(f"An index would answer: CREATE INDEX kopf_{own} ON kopf ({own})")
    with engine.begin() as connection:
        connection.execute(text(f"create index kopf_{own} on kopf ({own})"))
    assert not [one for one in seen(url, mapping) if one.wrong]


def test_a_language_that_is_not_mapped_hides_no_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Customers are mapped without it: the checks that are code look, and verify asks them too."""
    url = f"sqlite:///{tmp_path / 'laden.db'}"
    long_ago = int((NOW - timedelta(hours=30)).timestamp())
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text("create table auftrag (id, wer, stand, seit, summe)"))
        connection.execute(text("create table zahlung (id, auftrag, stand, betrag, am)"))
        connection.execute(text("create table kunde (id)"))
        connection.execute(text(f"insert into auftrag values (1, 7, 'b', {long_ago}, 900)"))
        connection.execute(text(f"insert into zahlung values (1, 1, 'ok', 800, {long_ago})"))
        connection.execute(text("insert into kunde values (7)"))
    made.dispose()
    state = {"column": "stand", "words": {"paid": ["b"]}}
    mapping = {
        "orders": {
            "from": "auftrag", "unit": "minor", "form": "epoch",
            "fields": {"key": "id", "number": "id", "customer": "wer", "state": state,
                       "state_since": "seit", "total": "summe"},
        },
        "payments": {
            "from": "zahlung", "unit": "minor", "form": "epoch",
            "fields": {"key": "id", "order_key": "auftrag", "amount": "betrag", "created_at": "am",
                       "state": {"column": "stand", "words": {"captured": ["ok"]}}},
        },
        "customers": {"from": "kunde", "fields": {"key": "id"}},
    }  # fmt: skip
    found = parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {"name": "S", "currency": "TWD", "database_url": url, "mapping": mapping},
            "checks": [
                {"name": "amounts", "kind": "amount_mismatch"},
                {"name": "stuck", "kind": "stuck_orders", "limits": {"paid": 24}},
            ],
        }
    )
    for result in asyncio.run(run_once(found, ("amounts", "stuck"))):
        assert result.error is None
        assert [case.key for one in result.findings for case in one.cases] == ["1"]
    assert asyncio.run(_verify(found)) == 1  # no paid order holds what it costs
    said = capsys.readouterr().out
    assert re.search(r"Checks that can be asked \(\d+\): amounts, stuck", said)
