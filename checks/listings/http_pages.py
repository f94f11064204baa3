"""HTTP pages: the rows of an address, page by page, bounded in time, bytes, rows and pages.

A question changes nothing, so what broke on the way is asked once more. What is answered with
another status, in another form or from another host is no list: one sentence, and nothing of it is
used. No sentence repeats an answer, a header or what follows the host.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from checks.exchange import ProblemOf
from checks.listings.listing_settings import HttpListing, Pages
from checks.listings.listing_values import found_at, lacks

PAGES = 1_000  # of one listing; more is no listing to look at every minute
_AGAIN = frozenset({500, 502, 503, 504})
_TRIES = 3
_BREATH = 0.5  # seconds before it is asked again
_PROBLEMS = {
    "dns": "its host is not found",
    "tls": "its certificate is not accepted",
    "refused": "it does not accept connections",
    "reset": "it broke the connection",
    "broken": "the connection broke before the end of the answer",
    "timeout": "it did not answer in time",
    "unreachable": "it cannot be reached",
    "proxy": "the proxy on the way to it failed",
}


class NotFetched(Exception):
    """Nothing was read, and why. `wait`: seconds for which it asked to be left alone."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


Sleep = Callable[[float], Awaitable[None]]


@dataclass
class Pace:
    """The time between two requests to one listing, and what stops until then."""

    per_minute: float | None
    sleep: Sleep = asyncio.sleep
    _next: float = field(default=0.0, init=False)

    async def wait(self) -> None:
        if self.per_minute is None:
            return
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + 60 / self.per_minute
        if at > now:
            await self.sleep(at - now)


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: httpx.Headers
    body: bytes
    following: str | None  # what its header calls the next page


async def http_pages(
    http: httpx.AsyncClient, listing: HttpListing, pace: Pace, problem_of: ProblemOf
) -> AsyncIterator[list[Any]]:
    """The rows of each page. Raises NotFetched; the whole is bounded by the caller."""
    url, read = _first(listing), 0
    asked: set[str] = set()
    before = b""
    for page in range(1, PAGES + 1):
        asked.add(str(url))
        answer = await _asked(http, listing, url, pace, listing.most_bytes - read, problem_of)
        read += len(answer.body)
        if page > 1 and answer.body == before and answer.body:
            raise NotFetched(f"page {page} is the page before it again: correct “pages”")
        before = answer.body
        found = await asyncio.to_thread(_json, answer.body)
        rows = _rows(found, listing, page)
        yield rows
        following = _next(listing, url, answer, found, rows, page)
        if following is None:
            return
        url = following
        if str(url) in asked:
            raise NotFetched(f"page {page + 1} leads back to a page before it: correct “pages”")
    raise NotFetched(f"there are more than {PAGES} pages: ask for less in its url")


def _first(listing: HttpListing) -> httpx.URL:
    pages = listing.pages
    try:
        url = httpx.URL(listing.url)
    except httpx.InvalidURL:
        raise NotFetched("its url is no address: correct it") from None
    if pages is not None and pages.number is not None:
        return url.copy_set_param(pages.number, pages.first)
    return url


async def _asked(
    http: httpx.AsyncClient,
    listing: HttpListing,
    url: httpx.URL,
    pace: Pace,
    most: int,
    problem_of: ProblemOf,
) -> _Answer:
    """One page, asked again where that is safe and of use."""
    broke = False
    for tried in range(1, _TRIES + 1):
        await pace.wait()
        try:
            answer = await _get(http, listing, url, most, problem_of)
        except NotFetched as error:
            if broke or error.args[0] not in (_PROBLEMS["reset"], _PROBLEMS["broken"]):
                raise
            broke = True  # a kept connection that it had closed in the meantime, for one
            continue
        if answer.status == 200:
            return answer
        wait = _retry_after(answer)
        if answer.status == 429 or (answer.status == 503 and wait is not None):
            wait = _BREATH if wait is None else wait
            if tried == _TRIES or wait > listing.timeout / 2:
                raise NotFetched(f"it asks to be left alone for {wait:g} s ({answer.status})", wait)
            await pace.sleep(wait)
            continue
        if answer.status in _AGAIN and not broke:
            broke = True
            await pace.sleep(_BREATH)
            continue
        raise NotFetched(_refusal(answer))
    raise NotFetched("it answers each time with another fault")


async def _get(
    http: httpx.AsyncClient, listing: HttpListing, url: httpx.URL, most: int, problem_of: ProblemOf
) -> _Answer:
    body = bytearray()
    headers = {"Accept": "application/json", **listing.headers}
    try:
        async with http.stream(
            "GET", url, headers=headers, timeout=listing.timeout, follow_redirects=False
        ) as answer:
            if answer.status_code == 200:
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > most:
                        raise NotFetched(
                            f"it answers with more than {listing.most_bytes} bytes: ask for less "
                            "in its url, or raise most_bytes"
                        )
            return _Answer(
                answer.status_code,
                answer.headers,
                bytes(body),
                answer.links.get("next", {}).get("url"),
            )
    except (TimeoutError, httpx.HTTPError, httpx.StreamError, OSError) as error:
        raise NotFetched(_PROBLEMS[problem_of(error)]) from None
    except (ValueError, httpx.InvalidURL):  # a line break within a token, a letter that none has
        raise NotFetched("its url and headers cannot be sent as they are: correct them") from None


def _refusal(answer: _Answer) -> str:
    status = answer.status
    if status in (401, 403):
        return f"it answers {status}: correct its headers, or the rights of its token"
    if 300 <= status < 400:
        return f"it answers {status} and leads elsewhere: write the address that it leads to"
    return f"it answers {status}"


def _retry_after(answer: _Answer) -> float | None:
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _json(body: bytes) -> Any:
    """Numbers with a point as they are written: a float is another amount."""

    def none(_word: str) -> Any:
        raise ValueError

    try:
        return json.loads(body, parse_float=Decimal, parse_constant=none)
    except (ValueError, ArithmeticError, RecursionError):
        raise NotFetched("its answer is not JSON, or was cut off") from None


def _rows(found: Any, listing: HttpListing, page: int) -> list[Any]:
    rows = found if listing.rows is None else found_at(found, listing.rows)
    if not isinstance(rows, list):
        place = f"at “{listing.rows}”" if listing.rows is not None else "as its answer"
        raise NotFetched(f"page {page} has no list {place}: correct “rows”")
    if not all(isinstance(one, Mapping) for one in rows):
        raise NotFetched(f"page {page} lists what is no row with names: correct “rows”")
    return rows


def _next(
    listing: HttpListing, url: httpx.URL, answer: _Answer, found: Any, rows: list[Any], page: int
) -> httpx.URL | None:
    """The address of the page after this one; None: it was the last."""
    pages, linked = listing.pages, answer.following
    if pages is None:
        if linked:
            raise NotFetched("it has further pages: say in “pages” how they are asked for")
        return None
    if pages.more is not None and not _more(found, pages.more):
        return None
    if pages.number is not None:
        return url.copy_set_param(pages.number, pages.first + page) if rows else None
    if pages.link == "header":
        return _same_host(url, linked) if linked else None
    told = _told(found, pages)
    if told is None:
        return None
    if pages.cursor is not None:
        return httpx.URL(listing.url).copy_set_param(str(pages.parameter), told)
    return _same_host(url, told)


def _more(found: Any, path: str) -> bool:
    more = found_at(found, path)
    if not isinstance(more, bool):
        raise NotFetched(f"its answer says neither true nor false at “{path}”: correct “pages”")
    return more


def _told(found: Any, pages: Pages) -> str | None:
    """The cursor or the address that the answer holds."""
    path = str(pages.cursor or pages.link)
    told = found_at(found, path)
    if lacks(told):
        if pages.ends_without:
            return None
        raise NotFetched(
            f"its answer has no “{path}”: correct “pages”, or say ends_without where the last "
            "page leaves it out"
        )
    if told is None or told == "" or told is False:
        return None
    if isinstance(told, bool) or not isinstance(told, str | int):
        raise NotFetched(f"what its answer holds at “{path}” leads to no page: correct “pages”")
    return str(told)


def _same_host(url: httpx.URL, told: str) -> httpx.URL:
    """What is asked with a token is asked of the host that the token is for."""
    try:
        found = url.join(told)
    except (httpx.InvalidURL, ValueError):
        raise NotFetched("its next page is no address") from None
    if (found.scheme, found.host, found.port) != (url.scheme, url.host, url.port):
        raise NotFetched("its next page lies with another host, which is not asked")
    return found
