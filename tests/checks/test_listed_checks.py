"""Checks find in listings and files what they find in a database that holds the same rows."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy import event

from bot.cli.explain import explained
from bot.cli.main import cli
from bot.settings import Settings, parse_settings
from bot.settings_errors import SettingsError
from bot.wiring.check_connections import open_checks
from bot.wiring.table_looks import answered_by_tables
from checks.kinds.query_settings import QueryCheckSettings
from checks.listings import joined_place
from checks.model import CheckResult
from checks.registry import build
from checks.runner import run_check
from storage.money import Money
from tests.checks.listed_shop import dropped, over_http
from tests.checks.listing_server import Answer, Desk, desk, in_turn, rows, text
from tests.checks.test_detections import NOW, PLANTS, Planted, ago, found_by
from tests.checks.whole_shop import Shop, mapped

UNEQUAL = """
    select o.number, o.customer, o.total, o.currency, o.placed_at as entered_at,
           o.total - coalesce((select sum(p.amount) from payments p
                               where p.order_key = o.key and p.state = 'captured'), 0) as owed
    from orders o
    where o.state in ('paid', 'dispatched')
      and o.total <> coalesce((select sum(p.amount) from payments p
                               where p.order_key = o.key and p.state = 'captured'), 0)
"""
OWN = {"name": "unequal", "kind": "query", "incident_type": "payment_amount_mismatch",
       "subject": "unequal", "find": UNEQUAL}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[Desk]:
    with desk() as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    found = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    yield found
    found.close()


def listed(where: str, shop: Shop, served: Desk, folder: Path) -> dict[str, Any]:
    if where != "file":
        return over_http(shop.url, served)
    return dropped(shop.url, folder / "drop", datetime.now(UTC))


def settings(mapping: dict[str, Any], url: str | None = None, **changed: Any) -> Settings:
    shop: dict[str, Any] = {"name": "Laden", "currency": "TWD", "mapping": mapping}
    if url is not None:
        shop["database_url"] = url
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": shop,
            **changed,
        }
    )


async def looked(found: Settings, now: datetime | None = None) -> dict[str, CheckResult]:
    async with open_checks(found) as checking:
        at = now or datetime.now(UTC)
        context = checking.context(at)
        return {one.name: await run_check(build(one), context) for one in found.checks}


def results(mapping: dict[str, Any], url: str | None = None, **more: Any) -> dict[str, CheckResult]:
    return asyncio.run(looked(settings(mapping, url, **more)))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["http", "file"])
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_what_was_planted_is_found_without_a_database(
    shop: Shop, served: Desk, tmp_path: Path, plant: Callable[[Shop], Planted], where: str
) -> None:
    """Every detection, over the same rows in no database."""
    planted = plant(shop)
    found = results(listed(where, shop, served, tmp_path))
    assert {name: one.error for name, one in found.items() if one.error} == {}
    cases = {
        name: {(f.incident_type, case.key) for f in one.findings for case in f.cases}
        for name, one in found.items()
    }
    assert {name: one for name, one in cases.items() if one} == {
        name: one for name, one in planted.items() if one
    }


CURRENCIES = ("TWD", "JPY", "BHD")
AMOUNT = st.decimals(-100, 10**7, places=2)
HOURS = st.integers(0, 400)
ORDER = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["awaiting_payment", "paid", "dispatched", "cancelled"]),
        "total": AMOUNT,
        "currency": st.sampled_from(CURRENCIES),
        "customer": st.integers(1, 4),
        "phone": st.sampled_from([None, "", "02 2345", "“;\n"]),
        "placed_at": HOURS.map(lambda hours: ago(hours=hours)),
        "promised_at": st.none() | HOURS.map(lambda hours: ago(hours=hours - 100)),
    }
)
PAYMENT = st.fixed_dictionaries(
    {
        "order_key": st.integers(1, 9),
        "state": st.sampled_from(["captured", "failed", "created"]),
        "amount": AMOUNT,
        "currency": st.sampled_from(CURRENCIES),
        "created_at": HOURS.map(lambda hours: ago(hours=hours)),
    }
)
TICKET = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["open", "waiting", "answered"]),
        "opened_at": HOURS.map(lambda hours: ago(hours=hours / 50)),
        "answered_at": st.none() | st.just(ago(hours=1)),
    }
)


@pytest.mark.parametrize("where", ["http", "file", "both"])
@hypothesis(
    max_examples=20 if os.environ.get("MUSTER_FULL") else 6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    orders=st.lists(ORDER, max_size=8),
    payments=st.lists(PAYMENT, max_size=14),
    tickets=st.lists(TICKET, max_size=9),
)
def test_the_same_rows_are_the_same_findings(
    served: Desk,
    tmp_path: Path,
    where: str,
    orders: list[dict[str, Any]],
    payments: list[dict[str, Any]],
    tickets: list[dict[str, Any]],
) -> None:
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    event.listen(shop._engine, "connect", lambda c, _: c.execute("PRAGMA synchronous = OFF"))
    shop._engine.dispose()
    for key, order in enumerate(orders, 1):
        shop.order(key, **{**order, "total": str(order["total"])})
    for key, payment in enumerate(payments, 1):
        shop.add("payments", **{**payment, "key": key, "amount": str(payment["amount"])})
    for key, ticket in enumerate(tickets, 1):
        shop.add("tickets", key=key, **ticket)
    now = NOW + timedelta(minutes=1)
    beside, mapping = listed(where, shop, served, tmp_path), mapped()

    async def both() -> tuple[dict[str, CheckResult], dict[str, CheckResult]]:
        asked = ("orders", "payments", "tickets")
        database = settings({name: mapping[name] for name in asked}, shop.url, checks=[OWN])
        here = await looked(database, now)
        there = {name: beside[name] for name in asked}
        if where == "both":  # orders of the database, payments and tickets of a listing
            there["orders"] = mapping["orders"]
        url = shop.url if where == "both" else None
        return here, await looked(settings(there, url, checks=[OWN]), now)

    here, there = asyncio.run(both())
    for name, one in here.items():
        assert there[name].error == one.error, name
        assert there[name].findings == one.findings, name
        assert there[name].healthy_subjects == one.healthy_subjects, name
    shop.close()


STOCK = {"sku": "artikel", "on_hand": "da", "reserved": "zugesagt"}


def stock(served: Desk, listing: list[dict[str, Any]], **more: Any) -> CheckResult:
    served.answer = rows(listing)
    http = {"url": f"{served.url}/stock", **more}
    return results({"stock": {"http": http, "fields": STOCK}})["stock-short"]


def test_of_what_cannot_be_read_nothing_is_in_order(served: Desk) -> None:
    """One bad value: what is found beside it is found, and where nothing is, nobody knows."""
    well = {"artikel": "A", "da": 5, "zugesagt": "3"}
    short = {"artikel": "B", "da": 1, "zugesagt": 3}
    odd = {"artikel": "C", "da": "very secret", "zugesagt": 2.5}
    assert stock(served, [well]).healthy_subjects == ("stock-short",)
    found = stock(served, [well, odd, short])
    assert [one.facts["sku"] for one in found.findings] == ["B"]
    assert (found.error, found.healthy_subjects) == (None, ())
    blind = stock(served, [well, odd])
    assert (blind.findings, blind.healthy_subjects) == ((), ())
    assert blind.error == (
        "2 values are unreadable in the listing at 127.0.0.1 (stock): row 2 of page 1: da is no "
        "whole number; row 2 of page 1: zugesagt is no whole number"
    )
    assert blind.cause == "shop.mapping.stock"


def test_nothing_listed_is_in_order_only_where_that_is_said(served: Desk) -> None:
    """A listing of what is open alone is empty on a good day; another one was emptied."""
    assert stock(served, []).healthy_subjects == ()
    assert stock(served, [], may_be_empty=True).healthy_subjects == ("stock-short",)


def test_a_column_that_a_row_may_lack_is_said(served: Desk) -> None:
    lacking = [{"artikel": "A", "da": 5}]
    assert "row 1 of page 1 has no “zugesagt”" in str(stock(served, lacking).error)
    assert stock(served, lacking, optional=["zugesagt"]).error is None


def test_a_word_that_nobody_mapped_is_never_all_well(served: Desk) -> None:
    served.answer = rows([{"id": 1, "status": "nwe", "at": "2026-11-12T00:00:00Z"}])
    mapping = {
        "key": "id",
        "state": {"column": "status", "words": {"open": ["new"]}},
        "opened_at": {"column": "at", "form": "iso_z"},
        "answered_at": {"column": "at", "form": "iso_z"},
    }
    found = results({"tickets": {"http": {"url": f"{served.url}/t"}, "fields": mapping}})
    assert "tickets.state holds “nwe”" in str(found["ticket-waiting"].error)


def test_amounts_are_exact(served: Desk) -> None:
    """What a float would lose is kept, and parts of a minor unit are rounded in their sum alone."""
    orders = [("1", "10.00"), ("2", "9007199254740.93"), ("3", "0.30"), ("4", "19.985")]
    paid = [("1", "3.3333")] * 3 + [("2", "9007199254740.91"), ("3", "0.1"), ("3", "0.2")]
    paid += [("4", "19.99")]
    lines = [
        f'{{"key": "{k}", "state": "paid", "at": 1767225600, "total": {t}}}' for k, t in orders
    ]
    tries = [f'{{"order": {k}, "ok": true, "amount": {a}}}' for k, a in paid]
    served.answer = _texts({"/o": f"[{', '.join(lines)}]", "/p": f"[{', '.join(tries)}]"})
    mapping = {
        "orders": {
            "http": {"url": f"{served.url}/o"},
            "unit": "major",
            "fields": {"key": "key", "number": "key", "total": "total", "customer": "key",
                       "state": {"column": "state", "words": {"paid": ["paid"]}},
                       "placed_at": {"column": "at", "form": "epoch"}},
        },
        "payments": {
            "http": {"url": f"{served.url}/p"},
            "unit": "major",
            "fields": {"order_key": "order", "amount": "amount",
                       "state": {"column": "ok", "words": {"captured": ["true"]}}},
        },
    }  # fmt: skip
    (finding,) = results(mapping, checks=[OWN])["unequal"].findings
    assert [(c.key, c.facts["owed"]["minor"]) for c in finding.cases] == [("2", 2)]
    amount = finding.cases[0].amount
    assert amount == Money(900_719_925_474_093, "TWD")


def _texts(known: dict[str, str]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=known[request.path])

    return answer


TICKETS = {"http": {"url": "https://desk.example/t"}, "fields": {"key": "id"}}
ORDERS = {"from": "kopf", "fields": {"key": "lfd", "number": "nr"}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"http": {"url": "ftp://desk/t"}}, "write one like https://desk.example/tickets"),
        ({"http": {"url": "https://me:secret@desk/t"}}, "stand in headers"),
        ({"http": {"url": "http://desk.example/t"}}, "is not encrypted: write https://"),
        ({"http": {"url": "https://d/t", "pages": {}}}, "say one way to the next page"),
        ({"http": {"url": "https://d/t", "pages": {"cursor": "a"}}}, "are said together"),
        ({"http": {"url": "https://d/t"}, "where": "x = 1"}, "where is a piece of SQL"),
        ({"http": {"url": "https://d/t"}, "from": "t"}, "or select; http or csv where"),
        ({"fields": {"key": {"sql": "id"}}}, "tickets.key stands in a listing: say its column"),
        ({"fields": {"opened_at": {"column": "a", "form": "native"}}}, "whose times have no type"),
        ({"http": None, "csv": {"path": "drop/a.csv", "fresh_within": 1}}, "path is absolute"),
        ({"http": None, "csv": {"path": "/d*/a.csv", "fresh_within": 1}}, "only the name of"),
        ({"http": None, "csv": {"path": "/d/a.csv"}}, "fresh_within is missing"),
        ({"http": None, "csv": {"path": "/d/a", "fresh_within": 1, "encoding": "utf8x"}},
         "is no encoding"),
        ({"http": None, "csv": {"path": "/d/a", "fresh_within": 1, "encoding": "hex"}},
         "is no encoding"),
        ({"http": None, "csv": {"path": "/d/a", "fresh_within": 1, "thousands": "."}},
         "decimal and thousands are two marks"),
    ],
)  # fmt: skip
def test_a_listing_that_cannot_be_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings({"tickets": {**TICKETS, **change}})
    assert sentence in str(error.value)
    assert "secret" not in str(error.value)


EVENTS = {"tracking_events", "cancel_requests", "refunds", "return_requests", "scans"}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("beside", ["events", "orders"])
def test_a_query_asks_of_both_places_at_once(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    served: Desk,
    plant: Callable[[Shop], Planted],
    engine: str,
    beside: str,
) -> None:
    """What a carrier tells, or the orders themselves, come from a listing, the rest from tables."""
    fixture = {"postgresql": "pg_url", "mariadb": "mariadb_url"}.get(engine)
    url = f"sqlite:///{tmp_path / 'laden.db'}"
    shop = Shop(str(request.getfixturevalue(fixture)) if fixture else url)
    planted = plant(shop)
    listings, asked = over_http(shop.url, served), EVENTS if beside == "events" else {"orders"}
    mapping = {**mapped(), **{name: listings[name] for name in asked}}
    found = results(mapping, shop.url)
    assert {name: one.error for name, one in found.items() if one.error} == {}
    cases = {
        name: {(f.incident_type, case.key) for f in one.findings for case in f.cases}
        for name, one in found.items()
    }
    assert {name: one for name, one in cases.items() if one} == {
        name: one for name, one in planted.items() if one
    }
    shop.close()


def test_what_a_carrier_tells_is_held_against_the_shops_orders(shop: Shop, served: Desk) -> None:
    """Only what is mapped there is asked there; explain shows the rows' length, not the rows."""
    plant = next(one for one in PLANTS if one.__name__ == "parcels")
    planted = plant(shop)
    mapping = {**mapped(), "tracking_events": over_http(shop.url, served)["tracking_events"]}
    found = results(mapping, shop.url)
    assert {name: len(one.findings[0].cases) for name, one in found.items() if one.findings} == {
        name: len(cases) for name, cases in planted.items()
    }
    read_at = {name for name, one in found.items() if "read_at" in one.figures}
    assert {"parcel-held-up", "parcel-not-seen", "parcel-not-taken"} <= read_at
    assert not {"ticket-waiting", "stock-short"} & read_at

    async def lines() -> str:
        made = settings(mapping, shop.url)
        check = next(one for one in made.checks if one.name == "parcel-held-up")
        assert isinstance(check, QueryCheckSettings)
        async with open_checks(made) as checking:
            return "\n".join(await explained(check, checking.context(datetime.now(UTC))))

    said = asyncio.run(lines())
    assert "json_each(:rows_tracking_events)" in said
    assert "AUTOMATIC COVERING INDEX (shipment_key=?)" in said, "or each row reads all of them"
    assert re.search(r":rows_tracking_events = \(\d+ letters\)", said)


def test_no_more_rows_are_sent_than_a_database_can_hold_against_its_own(
    shop: Shop, served: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined_place, "MOST", 3)
    next(one for one in PLANTS if one.__name__ == "parcels")(shop)
    mapping = {**mapped(), "tracking_events": over_http(shop.url, served)["tracking_events"]}
    found = results(mapping, shop.url)
    assert str(found["parcel-held-up"].error).startswith("tracking_events lists more than 3 rows")
    assert found["ticket-waiting"].error is None


def test_no_amount_is_judged_without_the_refunds_that_there_are() -> None:
    """Refunds in a listing, all else in the database: every refund would be a debt."""
    mapping = mapped()
    mapping["refunds"] = {
        "http": {"url": "https://pay.example/r"},
        "fields": {"order_key": "order", "amount": {"column": "a", "unit": "minor"},
                   "state": {"column": "s", "words": {"succeeded": ["ok"]}}},
    }  # fmt: skip
    mapping["orders"]["fields"]["state_since"] = mapping["orders"]["fields"]["placed_at"]
    own = [{"name": "amounts", "kind": "amount_mismatch"}]
    with pytest.raises(SettingsError) as error:
        settings(mapping, "sqlite:////laden.db", checks=own)
    assert "checks.amounts: “refunds” stands in the listing at pay.example" in str(error.value)
    assert answered_by_tables(settings(mapping, "sqlite:////laden.db")) == frozenset()
    assert answered_by_tables(settings(mapped(), "sqlite:////laden.db")) == {"order"}


def test_a_check_of_code_looks_into_listings(served: Desk) -> None:
    """Orders that nobody keeps in a database stand still all the same."""
    fields = {
        "key": "no", "number": "no", "total": {"column": "sum", "unit": "major"},
        "state": {"column": "state", "words": {"paid": ["P"]}},
        "state_since": {"column": "since", "form": "iso_z"},
    }  # fmt: skip
    stuck = {"name": "stuck", "kind": "stuck_orders", "limits": {"paid": 48}}
    served.answer = rows(
        [{"no": f"K{days}", "sum": 12.34, "state": "P", "since": f"{ago(days=days):%FT%TZ}"}
         for days in (1, 3)]
    )  # fmt: skip
    mapping = {"orders": {"http": {"url": f"{served.url}/o"}, "fields": fields}}
    (finding,) = results(mapping, checks=[stuck])["stuck"].findings
    assert [(case.key, case.amount) for case in finding.cases] == [("K3", Money(1234, "TWD"))]


def test_the_database_is_needed_only_by_what_stands_there() -> None:
    assert settings({"tickets": TICKETS}).shop.database_url is None
    with pytest.raises(SettingsError, match=r"shop\.database_url is missing"):
        settings({"tickets": TICKETS, "orders": ORDERS})


def test_both_places_are_asked_beside_each_other(shop: Shop, served: Desk, tmp_path: Path) -> None:
    """Tickets of a desk, everything else of the database."""
    planted = [PLANTS[0](shop), next(p for p in PLANTS if p.__name__ == "tickets")(shop)]
    mapping = {**mapped(), "tickets": over_http(shop.url, served)["tickets"]}
    served.asked.clear()
    found = results(mapping, shop.url)
    names = {name for one in planted for name in one}
    assert {name for name, one in found.items() if one.findings} == names
    assert {one.error for one in found.values()} == {None}
    assert {path.partition("?")[0] for path in served.asked} == {"/tickets"}
    assert found["ticket-waiting"].findings == found_by(shop.url)["ticket-waiting"].findings


def test_the_command_lines_speak_of_listings(served: Desk, tmp_path: Path) -> None:
    """Verify reads and tries it, explain prints what is asked, doctor and check say what is wrong;
    none of them says what the token is."""
    path = tmp_path / "muster.yaml"
    ticket = {"id": 1, "status": "new", "at": "2026-11-12T00:00:00Z", "answered": ""}
    served.answer = in_turn(rows([{**ticket, "answered": 3}]), rows([ticket]))
    http = {"url": f"{served.url}/t", "headers": {"Authorization": "Bearer ${env:DESK}"}}
    fields = {
        "key": "id",
        "state": {"column": "status", "words": {"open": ["new"]}},
        "opened_at": {"column": "at", "form": "iso_z"},
        "answered_at": {"column": "answered", "form": "iso_z"},
    }
    data = {
        "slack": {"channels": {"incidents": {"id": "C1"}}},
        "roles": {"oncall": {"people": ["U1"]}},
        "shop": {
            "name": "Laden", "currency": "TWD",
            "mapping": {"tickets": {"http": http, "fields": fields}},
        },
    }  # fmt: skip
    path.write_text(yaml.safe_dump(data), encoding="utf-8")

    def muster(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            cli,
            [*arguments, "--config", str(path)],
            env={"DESK": "token-7", "COLUMNS": "200"},
            standalone_mode=False,
        )
        said = f"{done.output}{done.exception or ''}"
        assert "token-7" not in said
        return (done.return_value if done.exception is None else 2), said

    code, said = muster("shop", "verify")
    assert code == 1
    assert "tickets: read from the listing at 127.0.0.1, pages: 1" in said
    assert "answered is no time in the form that the mapping says" in said
    code, said = muster("shop", "verify")
    assert (code, served.tokens[-1]) == (0, "Bearer token-7")
    assert "1 open" in said
    assert re.search(r"Checks that can be asked .*ticket-waiting", said)
    code, said = muster("check", "ticket-waiting", "--explain")
    assert (code, "1 rows in" in said) == (0, True)
    code, said = muster("check", "ticket-waiting", "--json")
    assert (code, _first(said)["healthy"]) == (0, ["ticket-waiting"])
    assert _first(said)["figures"]["read_at"]
    served.answer = text("token-7", 401)
    code, said = muster("check", "ticket-waiting", "--json")
    assert code == 2
    assert _first(said)["error"] == (
        "tickets cannot be read from the listing at 127.0.0.1: it answers 401: correct its "
        "headers, or the rights of its token"
    )
    for command in (("shop", "verify"), ("check", "ticket-waiting", "--explain")):
        code, said = muster(*command)
        assert code != 0
        assert "it answers 401" in said


def _first(said: str) -> dict[str, Any]:
    """The first result of `--json`; what is logged stands before it here."""
    found: dict[str, Any] = json.loads(said[said.index("[\n") :])[0]
    return found
