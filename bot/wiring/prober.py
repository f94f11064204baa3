"""Prober: asks addresses for the checks, over kept connections or new ones, directly or by a proxy.

It keeps no cookies and follows no redirects: each probe is a stranger's first request.
"""

from __future__ import annotations

import asyncio
import codecs
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from actions.connectors.http import USER_AGENT
from actions.connectors.wire_fault import RAISED, wire_fault
from checks.exchange import LONGEST, Ask, Exchange, Question

_CHUNK = 64 * 1024
_OWN_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_BEGINNING = 1024  # bytes in which a page says its charset, where the header does not


@asynccontextmanager
async def open_prober() -> AsyncIterator[Ask]:
    """The prober's `ask`, for the length of the block."""
    async with _session(keep=True) as kept, _session(keep=False) as new:

        async def ask(question: Question) -> Exchange:
            return await _exchange(new if question.anew else kept, question)

        yield ask


def _session(*, keep: bool) -> aiohttp.ClientSession:
    """Without a limit of connections: a probe that waits for another's would be called slow."""
    if keep:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    else:
        connector = aiohttp.TCPConnector(limit=0, force_close=True, use_dns_cache=False)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
        headers={"User-Agent": USER_AGENT},
    )


async def _exchange(session: aiohttp.ClientSession, question: Question) -> Exchange:
    began = time.monotonic()
    try:
        async with (
            asyncio.timeout(question.within),
            session.get(question.url, allow_redirects=False, proxy=question.via) as answer,
        ):
            milliseconds = int((time.monotonic() - began) * 1000)
            read = await _read(answer, question)
            return Exchange(
                None,
                answer.status,
                milliseconds,
                read.holds,
                read.whole,
                read.page,
                answer.headers.get("Location"),
            )
    except RAISED as error:
        fault = wire_fault(error)
        return Exchange(fault.code, asked=not fault.of_proxy)


@dataclass(frozen=True)
class _Read:
    holds: bool
    whole: bool
    page: bytes | None


async def _read(answer: aiohttp.ClientResponse, question: Question) -> _Read:
    """The page to its end, or to the text that is looked for while it comes."""
    if question.holding is None and not question.reading:
        return _Read(True, await _to_its_end(answer), None)
    size, page, tail = 0, bytearray(), ""
    text, decoder, found = question.holding or "", None, question.holding is None
    async for chunk in answer.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if question.reading:
            page += chunk
        if not found:
            decoder = decoder or _decoder(answer.charset, chunk)
            tail += decoder.decode(chunk)
            found = text in tail
            tail = tail[-len(text) :]
        if found and not question.reading:
            return _Read(True, True, None)
        if size > LONGEST:
            return _Read(found, False, None)
    if not found and decoder is not None:
        found = text in tail + decoder.decode(b"", final=True)
    return _Read(found, True, bytes(page) if question.reading else None)


async def _to_its_end(answer: aiohttp.ClientResponse) -> bool:
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > LONGEST:
            return False
    return True


def _decoder(charset: str | None, beginning: bytes) -> codecs.IncrementalDecoder:
    """By the header, else by what the page says of itself."""
    own = _OWN_CHARSET.search(beginning[:_BEGINNING])
    for name in (charset, own and own[1].decode("ascii", "replace"), "utf-8-sig"):
        try:
            return codecs.getincrementaldecoder(name or "-")("replace")
        except LookupError:
            continue
    raise AssertionError("utf-8 is known")
