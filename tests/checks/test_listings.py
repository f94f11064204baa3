"""A listing over HTTP is read whole or it is said why not: page by page, in its pace, exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text as sql

from actions.connectors.http import open_http
from actions.connectors.wire_fault import problem_of
from checks.listings import http_pages
from checks.listings.kept_mapping import in_listings
from checks.listings.listing_database import ListingDatabase
from checks.listings.listings import Fetch, Listings
from checks.queries.entity_mapping import EntitiesMapping
from checks.shop.source import ShopUnavailable
from tests.checks.listing_server import Answer, Desk, desk, in_turn, rows, text

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
TOKEN = "Bearer very-secret"
FIELDS = {
    "key": "id",
    "state": {"column": "status.name", "words": {"open": ["new", 7]}},
    "opened_at": {"column": "created_at", "form": "iso_z"},
}


@pytest.fixture(scope="module")
def _desk() -> Iterator[Desk]:
    with desk() as found:
        yield found


@pytest.fixture
def served(_desk: Desk) -> Desk:
    _desk.asked.clear()
    _desk.tokens.clear()
    return _desk


def ticket(key: int, **changed: Any) -> dict[str, Any]:
    made = {"id": key, "status": {"name": "new"}, "created_at": "2026-11-11T20:00:00Z"}
    return {**made, **changed}


def mapping(url: str, **more: Any) -> EntitiesMapping:
    http = {"url": url, "headers": {"Authorization": TOKEN}, **more}
    return EntitiesMapping.model_validate(
        {"entities": {"tickets": {"http": http, "fields": FIELDS}}}
    )


class Read:
    """What came of reading it: the fetch, the keys that are kept, the seconds that were waited."""

    def __init__(self, url: str, **more: Any) -> None:
        self.slept: list[float] = []
        self.keys: list[str] = []
        self.fetch = asyncio.run(self._read(mapping(url, **more)))

    async def _read(self, found: EntitiesMapping) -> Fetch:
        async def sleep(seconds: float) -> None:
            self.slept.append(round(seconds, 1))

        async with open_http() as http:
            listings = Listings(found, "TWD", http, problem_of, sleep=sleep)
            fetch = await listings.fetched("tickets", NOW)
            if fetch.fault is None:
                kept = await listings.read(["tickets"], NOW)
                asked = 'SELECT "key" FROM tickets ORDER BY rowid'
                self.keys = await kept.read(lambda c: list(c.scalars(sql(asked))))
            await listings.close()
            return fetch

    @property
    def fault(self) -> str:
        assert self.fetch.fault is not None
        assert "secret" not in self.fetch.fault
        assert self.fetch.fault.startswith("tickets cannot be read from the listing at 127.0.0.1: ")
        return self.fetch.fault


ALL = [ticket(key) for key in range(1, 8)]
KEYS = [str(key) for key in range(1, 8)]


async def by_cursor(request: web.Request) -> web.StreamResponse:
    at = int(request.query.get("cursor", "0"))
    more = str(at + 3) if at + 3 < len(ALL) else None
    return web.json_response({"data": {"items": ALL[at : at + 3]}, "meta": {"next": more}})


async def by_flag(request: web.Request) -> web.StreamResponse:
    """Its cursor stands at the end as well; a flag says that nothing follows."""
    at = int(request.query.get("page[after]", "0"))
    meta = {"after": str(at + 3), "more": at + 3 < len(ALL)}
    return web.json_response({"data": {"items": ALL[at : at + 3]}, "meta": meta})


async def by_number(request: web.Request) -> web.StreamResponse:
    """It gives four a page, however many are asked for."""
    at = (int(request.query["page"]) - 1) * 4
    return web.json_response({"data": {"items": ALL[at : at + 4]}})


async def by_header(request: web.Request) -> web.StreamResponse:
    at = int(request.query.get("at", "0"))
    link = {"Link": f'</t?at={at + 3}>; rel="next"'} if at + 3 < len(ALL) else {}
    return web.json_response({"data": {"items": ALL[at : at + 3]}}, headers=link)


async def by_address(request: web.Request) -> web.StreamResponse:
    at = int(request.query.get("at", "0"))
    following = {"next": str(request.url.with_query(at=at + 3))} if at + 3 < len(ALL) else {}
    return web.json_response({"data": {"items": ALL[at : at + 3]}, "links": following})


@pytest.mark.parametrize(
    ("answer", "pages", "asked"),
    [
        (by_cursor, {"cursor": "meta.next", "parameter": "cursor"}, 3),
        (by_flag, {"cursor": "meta.after", "parameter": "page[after]", "more": "meta.more"}, 3),
        (by_number, {"number": "page"}, 3),  # the third is the empty one that ends it
        (by_header, {"link": "header"}, 3),
        (by_address, {"link": "links.next", "ends_without": True}, 3),
    ],
)
def test_every_page_is_read(served: Desk, answer: Answer, pages: Any, asked: int) -> None:
    served.answer = answer
    read = Read(f"{served.url}/t?team=7", rows="data.items", pages=pages)
    assert read.fetch.fault is None
    assert (read.keys, read.fetch.rows) == (KEYS, 7)
    assert served.asked[0].startswith("/t?team=7")
    assert (len(served.asked), set(served.tokens)) == (asked, {TOKEN})


def test_what_moves_while_pages_are_turned_is_one_row(served: Desk) -> None:
    """A new ticket on top pushes the last of a page onto the next one."""
    served.answer = in_turn(rows(ALL[:3]), rows(ALL[2:5]), rows([]))
    assert Read(f"{served.url}/t", pages={"number": "page"}).keys == KEYS[:5]


ITEMS = {"data": {"items": ALL}}
FAULTS: tuple[tuple[str, Answer, dict[str, Any], str, int], ...] = (
    ("token", text("secret", 401), {}, "it answers 401: correct its headers", 1),
    ("gone", text("", 404), {}, "it answers 404", 1),
    ("broken", text("secret", 500), {}, "it answers 500", 2),
    ("moved", text("", 302, Location="http://secret/"), {}, "leads elsewhere: write the", 1),
    ("no content", text("", 204), {}, "it answers 204", 1),
    ("page", text("<html>secret"), {}, "is not JSON, or was cut off", 1),
    ("cut off", text('[{"id": 1}, {"id"'), {}, "is not JSON, or was cut off", 1),
    ("no number", text('[{"id": NaN}]'), {}, "is not JSON", 1),
    ("deep", text("[" * 200_000), {}, "is not JSON", 1),
    ("elsewhere", rows(ITEMS), {}, "page 1 has no list as its answer: correct “rows”", 1),
    ("nowhere", rows(ITEMS), {"rows": "items"}, "no list at “items”: correct “rows”", 1),
    ("an error", rows({"data": {"items": None}}), {"rows": "data.items"}, "has no list at", 1),
    ("no rows", rows([1, 2]), {}, "lists what is no row with names", 1),
    ("no field", rows([ticket(1), {"id": 2}]), {}, "row 2 of page 1 has no “status.name”", 1),
    ("large", rows(ALL * 20), {"most_bytes": 1000}, "more than 1000 bytes", 1),
    ("many", rows(ALL), {"most_rows": 6}, "there are more than 6 rows", 1),
    ("more", rows(ALL, Link='</t?p=2>; rel="next"'), {}, "it has further pages: say", 1),
    ("same", rows(ALL), {"pages": {"number": "pgae"}}, "page 2 is the page before it again", 2),
    ("round", in_turn(rows({"r": [], "n": "a"}), rows({"r": ALL, "n": "a"})),
     {"rows": "r", "pages": {"cursor": "n", "parameter": "c"}}, "page 3 leads back", 2),
    ("lost", rows({"r": ALL}), {"rows": "r", "pages": {"cursor": "m.n", "parameter": "c"}},
     "its answer has no “m.n”: correct “pages”, or say ends_without", 1),
    ("odd", rows({"r": ALL, "n": {}}), {"rows": "r", "pages": {"link": "n"}}, "to no page", 1),
    ("flag", rows({"r": ALL, "m": "no"}), {"rows": "r", "pages": {"number": "p", "more": "m"}},
     "neither true nor false at “m”", 1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "more", "sentence", "asked"),
    [one[1:] for one in FAULTS],
    ids=[one[0] for one in FAULTS],
)
def test_what_is_no_list_is_one_sentence(
    served: Desk, answer: Answer, more: dict[str, Any], sentence: str, asked: int
) -> None:
    served.answer = answer
    read = Read(f"{served.url}/secret?key=secret", **more)
    assert sentence in read.fault
    assert len(served.asked) == asked


def test_a_token_goes_to_no_other_host(served: Desk) -> None:
    with desk() as other:
        served.answer = rows({"r": ALL, "n": f"{other.url}/t?p=2"})
        read = Read(f"{served.url}/t", rows="r", pages={"link": "n"})
        assert "its next page lies with another host, which is not asked" in read.fault
        assert other.asked == []


@pytest.mark.parametrize("drip", [False, True])
def test_it_is_waited_for_no_longer_than_said(served: Desk, drip: bool) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while drip:
            await answer.write(b" ")
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)
        return answer

    served.answer = slow
    assert "not read whole within 0.3 s" in Read(f"{served.url}/t", timeout=0.3).fault


def test_what_is_not_there_is_told_apart() -> None:
    read = Read("http://127.0.0.1:1/t")
    assert "it does not accept connections" in read.fault


def test_a_connection_that_broke_is_asked_once_more(served: Desk) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    served.answer = in_turn(breaks, rows(ALL))
    assert Read(f"{served.url}/t").keys == KEYS
    served.answer = breaks
    assert "broke" in Read(f"{served.url}/t").fault


def test_it_comes_back_when_it_is_told_to(served: Desk) -> None:
    served.answer = in_turn(text("", 429, **{"Retry-After": "7"}), rows(ALL))
    read = Read(f"{served.url}/t")
    assert (read.keys, read.slept) == (KEYS, [7.0])
    served.answer = in_turn(text("", 503, **{"Retry-After": "2"}), text("", 500), rows(ALL))
    assert Read(f"{served.url}/t").slept == [2.0, 0.5]


def test_it_is_left_alone_as_long_as_it_asks(served: Desk) -> None:
    """Nobody asks before, whichever check looks."""
    served.answer = text("", 429, **{"Retry-After": "300"})

    async def asked_at(*seconds: int) -> list[int]:
        counted = []
        async with open_http() as http:
            listings = Listings(mapping(f"{served.url}/t"), "TWD", http, problem_of)
            for at in seconds:
                fetch = await listings.fetched("tickets", NOW + timedelta(seconds=at))
                assert "left alone for 300 s (429)" in str(fetch.fault)
                counted.append(len(served.asked))
            await listings.close()
        return counted

    assert asyncio.run(asked_at(0, 60, 299, 301)) == [1, 1, 1, 2]


def test_it_is_asked_no_more_often_than_it_wants(served: Desk) -> None:
    served.answer = by_number
    read = Read(f"{served.url}/t", rows="data.items", pages={"number": "page"}, per_minute=30)
    assert read.keys == KEYS
    assert read.slept == [2.0, 4.0]  # the clock does not go on while the test sleeps


def test_one_reading_serves_all_checks_of_its_moment(served: Desk) -> None:
    """And a check that gives up does not take it from the others."""
    served.answer = rows(ALL)

    async def look() -> list[int]:
        counted = []
        async with open_http() as http:
            listings = Listings(mapping(f"{served.url}/t", every=60), "TWD", http, problem_of)
            impatient = asyncio.create_task(listings.fetched("tickets", NOW))
            others = [asyncio.create_task(listings.fetched("tickets", NOW)) for _ in range(5)]
            await asyncio.sleep(0)
            impatient.cancel()
            assert {one.rows for one in await asyncio.gather(*others)} == {7}
            counted.append(len(served.asked))
            for seconds in (59, 60):
                await listings.fetched("tickets", NOW + timedelta(seconds=seconds))
                counted.append(len(served.asked))
            await listings.close()
        return counted

    assert asyncio.run(look()) == [1, 1, 2]


def test_what_was_read_before_is_not_shown_when_it_cannot_be_read(served: Desk) -> None:
    served.answer = in_turn(rows(ALL), text("", 401))

    async def look() -> list[bool]:
        async with open_http() as http:
            listings = Listings(mapping(f"{served.url}/t"), "TWD", http, problem_of)
            read = [await listings.fetched("tickets", NOW + timedelta(seconds=s)) for s in (0, 60)]
            await listings.close()
        return [one.fault is None for one in read]

    assert asyncio.run(look()) == [True, False]


def test_a_token_that_cannot_be_sent_is_not_repeated(served: Desk) -> None:
    for token in ("secret\nX: 1", "secret ’"):
        read = Read(f"{served.url}/t", headers={"Authorization": token})
        assert "its url and headers cannot be sent as they are" in read.fault


def test_a_question_without_an_end_is_broken_off() -> None:
    """The rows that are kept are asked within a limit, and can be written again afterwards."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    database = ListingDatabase(in_listings(mapping("https://desk.example/t")), timeout=0.2)
    with pytest.raises(ShopUnavailable, match="what was read of its listings cannot be read: int"):
        database.read_now(lambda connection: connection.execute(sql(endless)).all())
    database.put("tickets", [("1", "new", None)], None, NOW)
    with pytest.raises(ShopUnavailable, match="readonly"):
        database.read_now(lambda connection: connection.execute(sql("DELETE FROM tickets")))
    count = database.read_now(lambda c: c.scalar(sql("SELECT count(*) FROM tickets")))
    assert count == 1
    database.close()


def test_the_pages_have_an_end(served: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pages, "PAGES", 4)

    async def endless(request: web.Request) -> web.StreamResponse:
        return web.json_response([ticket(int(request.query["page"]))])

    served.answer = endless
    assert "more than 4 pages" in Read(f"{served.url}/t", pages={"number": "page"}).fault
