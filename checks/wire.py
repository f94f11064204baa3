"""Wire: one exchange with an address, bounded as a whole, and what went wrong with it.

Refused, no such name, TLS, timeout and a broken connection are told apart by what the transport
itself raised: its own names for them are not to be trusted. No latency is said that was not seen.
"""

from __future__ import annotations

import asyncio
import codecs
import time
from dataclasses import dataclass

import aiohttp
import httpx

LONGEST = 2 * 1024 * 1024  # bytes that are read of a page in search of a word


@dataclass(frozen=True)
class Exchange:
    """What came of it. `problem`: a word of the catalogue; None: it was answered whole."""

    problem: str | None
    status: int | None = None
    milliseconds: int | None = None  # until the answer began
    holds: bool = True  # the text that was looked for
    whole: bool = True  # the page was read to its end, or to the text


async def get(
    http: httpx.AsyncClient, url: str, *, within: float, holding: str | None = None
) -> Exchange:
    """One GET without following a redirect; `within` bounds the whole of it, in seconds."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(within):
            async with http.stream("GET", url, timeout=within, follow_redirects=False) as answer:
                milliseconds = int((time.monotonic() - began) * 1000)
                holds, whole = await _search(answer, holding)
                return Exchange(None, answer.status_code, milliseconds, holds, whole)
    except (TimeoutError, httpx.HTTPError, httpx.StreamError, OSError) as error:
        return Exchange(problem_of(error))


def problem_of(error: BaseException) -> str:
    """The word for what went wrong."""
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(cause, aiohttp.ClientSSLError):
        return "tls"
    if isinstance(cause, aiohttp.ClientConnectorError):
        return "refused"
    if isinstance(cause, ConnectionResetError):
        return "reset"
    broken = aiohttp.ServerDisconnectedError | aiohttp.ClientOSError
    if isinstance(error, TimeoutError | httpx.TimeoutException) and not isinstance(cause, broken):
        return "timeout"
    if isinstance(error, httpx.ConnectError):
        return "refused"
    return "broken"


async def _search(answer: httpx.Response, text: str | None) -> tuple[bool, bool]:
    """Whether the page holds the text, looked for while it comes, in the page's own charset."""
    try:
        decoder = codecs.getincrementaldecoder(answer.charset_encoding or "utf-8")("replace")
    except LookupError:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
    read, tail = 0, ""
    async for chunk in answer.aiter_bytes():
        read += len(chunk)
        if text is not None:
            tail += decoder.decode(chunk)
            if text in tail:
                return True, True
            tail = tail[-len(text) :]
        if read > LONGEST:
            return text is None, False
    return text is None or text in tail + decoder.decode(b"", final=True), True
