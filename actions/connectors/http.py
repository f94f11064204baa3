"""The shop over HTTP: one client for its looks and its actions, bounded in time and size."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from actions.connectors.base import ShopAnswer
from actions.connectors.wire_fault import RAISED, wire_fault
from actions.declarations import ActionDeclaration, LookDeclaration
from actions.errors import NoAnswer, NotSent, Refused, ShopError
from actions.requests import FilledRequest, Scope, fill, fill_address
from storage.work import still_held

__all__ = ["NoAnswer", "NotSent", "Refused", "ShopAnswer", "ShopClient", "ShopError", "open_http"]

USER_AGENT = "muster"
RESPONSE_LIMIT = 1024 * 1024  # bytes; an answer above it is not read further
_UNKNOWN_STATUS = frozenset({408, 425})  # the shop gave up waiting: it may have begun
_SENTENCE = 300  # characters of the shop's own sentence that are kept
_GONE = frozenset({"broken", "reset"})  # what a kept connection was that the shop had closed
_SAID = {
    "refused": "the shop does not accept connections",
    "dns": "the shop's name is not found",
    "tls": "the shop's certificate is not accepted",
    "unreachable": "the shop cannot be reached",
    "proxy": "the proxy on the way to the shop failed",
    "timeout": "no answer in time",
    "reset": "the connection was reset before the answer",
    "broken": "the connection broke before the answer",
}


def open_http() -> httpx.AsyncClient:
    """The one client that the process shares. Close it at the end.

    aiohttp by itself repeats a PUT or DELETE whose connection broke, without a word. An action is
    repeated by its own rules only (rule 6), so that is switched off. No cookie is kept: what one
    request was told is no matter of the next.
    """

    def session() -> aiohttp.ClientSession:
        made = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100), cookie_jar=aiohttp.DummyCookieJar()
        )
        made._retry_connection = False  # noqa: SLF001 - aiohttp has no public switch; a test holds it
        return made

    return httpx.AsyncClient(
        transport=AiohttpTransport(client=session),
        follow_redirects=False,
        headers={"User-Agent": USER_AGENT},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class ShopClient:
    """Asks the declared looks and sends the declared actions. Every error is a ShopError."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        base_url: str | None,
        looks: Mapping[str, LookDeclaration],
        actions: Mapping[str, ActionDeclaration],
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._looks = looks
        self._actions = actions

    def address(self, name: str, scope: Scope) -> str:
        """Where a look asks: “POST /channels/harborpay/test-payment”, without what follows a ?."""
        declaration = self._looks.get(name)
        if declaration is None:
            return name
        try:
            url = urlsplit(fill_address(declaration.url, scope, self._base_url))
        except ShopError:
            return name
        return f"{declaration.method} {unquote(url.path)[:100]}"

    def action(self, name: str) -> ActionDeclaration | None:
        """How the configuration declares the action; None: the shop has no such door."""
        return self._actions.get(name)

    async def look(self, name: str, scope: Scope) -> Any:
        """The JSON of a look. Raises NotSent, Refused or NoAnswer."""
        declaration = self._looks.get(name)
        if declaration is None:
            raise NotSent("no_such_look", f"shop.looks has no “{name}”: declare it there.")
        request = fill(declaration, declaration.method, declaration.body, scope, self._base_url)
        try:
            answer = await self._send(request, counts=declaration.answers)
        except (NotSent, NoAnswer) as error:
            # A kept connection that the shop had closed in the meantime: ask once more, it is free.
            if declaration.method != "GET" or error.code not in _GONE:
                raise
            answer = await self._send(request, counts=declaration.answers)
        found = answer.body
        for part in declaration.read:
            if not isinstance(found, Mapping) or part not in found:
                raise NoAnswer("wrong_body", f"the answer of “{name}” has no “{part}”")
            found = found[part]
        return _kept(found, declaration.keep)

    async def act(self, name: str, key: str, scope: Scope) -> ShopAnswer:
        """Sends the action once, under its idempotency key. Never repeats by itself.

        Raises NotSent (no effect), Refused (no effect, says why) or NoAnswer (unknown); LeaseOver
        when this process was away for so long that another may have taken the attempt over.
        """
        declaration = self._actions.get(name)
        if declaration is None:
            raise NotSent("no_such_action", f"shop.actions has no “{name}”: declare it there.")
        request = fill(declaration, declaration.method, declaration.body, scope, self._base_url)
        still_held()
        answer = await self._send(request, {"Idempotency-Key": key})
        return replace(answer, body=_kept(answer.body, declaration.keep))

    async def find(self, name: str, scope: Scope) -> ShopAnswer | None:
        """What the shop knows of the key in the scope; None: it had no effect so far (404)."""
        declaration = self._actions[name]
        if declaration.lookup is None:
            raise NotSent("no_lookup", f"shop.actions.{name} declares no lookup")
        request = FilledRequest(
            method="GET",
            url=fill_address(declaration.lookup, scope, self._base_url),
            headers={},
            body=None,
            timeout=declaration.timeout,
        )
        try:
            answer = await self._send(request)
        except Refused as error:
            if error.status == 404:
                return None
            raise
        body = answer.body
        if isinstance(body, Mapping) and "response" in body:
            body = {**body, "response": _kept(body["response"], declaration.keep)}
        else:
            body = _kept(body, declaration.keep)
        return replace(answer, body=body)

    async def _send(
        self,
        request: FilledRequest,
        headers: Mapping[str, str] | None = None,
        *,
        counts: Collection[int] = (),
    ) -> ShopAnswer:
        try:
            async with asyncio.timeout(request.timeout):
                async with self._http.stream(
                    request.method,
                    request.url,
                    json=request.body,
                    headers={**request.headers, **(headers or {})},
                    timeout=request.timeout,
                ) as response:
                    body = await _read(response)
        except RAISED as error:
            raise _classified(error) from error
        return _answer(response, body, counts)


def _kept(found: Any, names: tuple[str, ...]) -> Any:
    """The answer with only the declared fields of it, or of each item of a list."""
    if not names:
        return found
    if isinstance(found, Mapping):
        return {name: found[name] for name in names if name in found}
    if isinstance(found, list):
        return [_kept(item, names) for item in found]
    return found


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > RESPONSE_LIMIT:
            raise NoAnswer("too_large", f"the shop's answer is longer than {RESPONSE_LIMIT} bytes")
    return body


def _classified(error: BaseException) -> ShopError:
    """Only a connection that never came about certainly had no effect."""
    fault = wire_fault(error)
    kind = NoAnswer if fault.may_have_arrived else NotSent
    if fault.code == "timeout" and not fault.may_have_arrived:
        return kind("timeout", "the connection was not accepted in time")
    return kind(fault.code, _SAID[fault.code])


def _answer(response: httpx.Response, raw: bytes, counts: Collection[int]) -> ShopAnswer:
    """The answer by its status; `counts`: error statuses whose JSON is the answer."""
    status = response.status_code
    if status in counts:
        with contextlib.suppress(ValueError):
            return ShopAnswer(status, json.loads(raw))
    if status >= 500 or status in _UNKNOWN_STATUS:
        raise NoAnswer(f"http_{status}", _sentence(raw))
    if status >= 400:
        raise Refused(status, _sentence(raw), retry_after=_seconds(response))
    if status >= 300:  # "done, look there" is answered so, and "not here" as well: it is looked up
        raise NoAnswer(
            f"http_{status}", f"redirected to {response.headers.get('location', 'nowhere')}"
        )
    replayed = response.headers.get("idempotent-replay", "").lower() == "true"
    if not raw.strip():
        return ShopAnswer(status, {}, replayed)
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise NoAnswer("not_json", "the shop's answer is not JSON") from error
    return ShopAnswer(status, body, replayed)


def _sentence(raw: bytes) -> str:
    """The shop's own sentence: {"error": {"message": …}}, {"message": …}, or the text itself."""
    text = raw[:4096].decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except ValueError:
        return text.strip()[:_SENTENCE]
    for name in ("error", "message"):
        if isinstance(found, Mapping):
            found = found.get(name, found)
    return str(found)[:_SENTENCE]


def _seconds(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return None
