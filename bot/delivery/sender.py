"""Sender: one call to Slack, within the budget, once, its outcome told apart. Nothing sleeps
here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.clock import Clock
from bot.delivery.errors import (
    ANSWERED,
    Held,
    NotDelivered,
    Remedy,
    SlackError,
    SlackRefused,
    Unclear,
)
from bot.delivery.proxy import proxy_for
from bot.delivery.rate_limits import Budget
from storage.work import still_held

log = structlog.get_logger(__name__)

Noted = Callable[[str, str, float], None]
"""Told of every call: its method, how it ended, the seconds it took (bot.web.meters)."""

# Slack: these take a query or a form, not JSON.
_QUERIES = frozenset(
    {
        "chat.getPermalink",
        "conversations.history",
        "conversations.replies",
        "conversations.info",
        "conversations.members",
        "dnd.info",
        "files.getUploadURLExternal",
        "usergroups.list",
        "bots.info",
        "users.info",
    }
)
SILENT = "slack_is_silent"
_DEFAULT_RETRY_AFTER = 30.0  # seconds, when a 429 names none
_SHORT_WAIT = timedelta(seconds=1)  # a token that comes this soon is waited for here
_PROBE_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between asking a silent Slack
_ASKING_WAIT = 3.0  # seconds that others wait for the answer to who asks
HANGS_AFTER = 8.0  # seconds without an answer: is it this call, or Slack?
_WELL_WITHIN = 3.0  # seconds in which a Slack that is well says so
_SUSPECT_AFTER = 3  # calls in a row without an answer: probe before sending more


def open_client(
    token: str, base_url: str = AsyncWebClient.BASE_URL, *, timeout: float = 15.0
) -> AsyncWebClient:
    """The one client of the process, with its own connection pool; close it by `close_client`.

    slack_sdk by itself repeats a call whose connection broke; whether that doubles a message is
    not looked at there, so it is switched off. `timeout`: seconds for one call.
    """
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout),
        connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=30),
    )
    client = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])
    client.proxy = proxy_for(base_url)
    return client


async def close_client(client: AsyncWebClient) -> None:
    """Closes the connections that `open_client` opened."""
    if client.session is not None:
        await client.session.close()


class _Hangs(Exception):
    """One call has no answer, and others have."""


class Sender:
    """Calls Slack's Web API. Every failure is a SlackError of one of four kinds."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        budget: Budget,
        clock: Clock,
        noted: Noted = lambda _method, _outcome, _seconds: None,
        hangs_after: float = HANGS_AFTER,
    ) -> None:
        self._hangs_after = hangs_after
        self._client = client
        self._budget = budget
        self._clock = clock
        self._noted = noted
        self._silent = 0
        self._probes = 0
        self._next_probe = clock.now()
        self._asking: asyncio.Event | None = None  # set when who asks has heard
        self.stopped: str | None = None  # the code for which sending was stopped
        self.answered_at: datetime | None = None  # when Slack last said anything
        self._answered_last: float | None = None  # the same, by a clock that nobody sets
        self.direct_channels: dict[str, str] = {}  # person → channel of their direct messages

    @property
    def suspect(self) -> bool:
        """Slack gave no answer several times in a row: ask whether it is there before more."""
        return self._silent >= _SUSPECT_AFTER

    def held(self) -> dict[str, datetime]:
        """The methods that rest after a 429, and until when."""
        return self._budget.held(self._clock.now())

    async def call(
        self,
        method: str,
        args: Mapping[str, Any],
        *,
        channel: str | None = None,
        urgent: bool = False,
        waiter: str | None = None,
    ) -> Mapping[str, Any]:
        """Slack's answer. `channel`: the one whose budget is used. `waiter`: see `room`.

        Raises Held, NotDelivered, Unclear or SlackRefused; LeaseOver when the work that the call
        belongs to may be another process's by now.
        """
        if self.suspect or self.stopped:
            await self._look_whether_it_is_back()
        await self._wait_for_token(method, channel, urgent, waiter or _message_of(args))
        return await self._call(method, args)

    def room(
        self, method: str, *, waiter: str, channel: str | None = None, urgent: bool = False
    ) -> None:
        """Asked before anything is read and drawn: raises Held when `call` would.

        `waiter`: the message; the moment that it is told stays its own, so give it to `call` too.
        """
        now = self._clock.now()
        silent = self.silent_until(now)
        if silent is not None:
            raise Held(self.stopped or SILENT, silent)
        until = self._budget.look(method, now, channel=channel, urgent=urgent, waiter=waiter)
        if until is not None and until - now > _SHORT_WAIT:
            raise Held("budget", until)

    def keep_place(self, method: str, *, waiter: str, urgent: bool = False) -> None:
        """`room`, for a message that has been told a moment before; any other may go on."""
        if self._budget.has_place(method, waiter, urgent=urgent):
            self.room(method, waiter=waiter, urgent=urgent)

    async def rest(self, until: datetime) -> None:
        """Returns then: for what reads in the background and is in nobody's way."""
        await self._clock.sleep_until(until)

    async def probe(self) -> bool:
        """Whether Slack answers and takes the token. Ends a silence or a stop."""
        try:
            await self._call("auth.test", {})
        except SlackError:
            return False
        if self.stopped:
            log.warning("slack_token_taken_again")
        self.stopped, self._probes = None, 0
        return True

    async def _look_whether_it_is_back(self) -> None:
        """One call asks, at growing distances; everything else waits for its answer.

        So an outage leaves at most a few messages behind whose outcome is unknown.
        """
        if self._asking is not None:
            # Who came first is most urgent, and so are those right behind: they go on with it.
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASKING_WAIT):
                    await self._asking.wait()
            if not (self.suspect or self.stopped):
                return
            soon = self._clock.now() + timedelta(seconds=_PROBE_WAITS[0])
            raise Held(self.stopped or SILENT, max(self._next_probe, soon))
        why = self.stopped or SILENT
        until = self.silent_until(self._clock.now())
        if until is not None:
            raise Held(why, until)
        wait = _PROBE_WAITS[min(self._probes, len(_PROBE_WAITS) - 1)]
        self._probes += 1
        self._next_probe = self._clock.now() + timedelta(seconds=wait)
        asking = self._asking = asyncio.Event()
        try:
            if not await self.probe():
                raise Held(self.stopped or why, max(self._next_probe, self._clock.now()))
            self._next_probe = self._clock.now()
        finally:
            self._asking = None
            asking.set()

    def silent_until(self, now: datetime) -> datetime | None:
        """Until when nothing is sent, because Slack was asked lately and is not back."""
        if not (self.suspect or self.stopped) or self._asking is not None:
            return None
        # A moment further away than any wait is one of a clock that was set back since.
        waits = now < self._next_probe <= now + timedelta(seconds=_PROBE_WAITS[-1])
        return self._next_probe if waits else None

    async def respond(self, url: str, body: Mapping[str, Any]) -> None:
        """Posts to a response_url (Slack: 5 uses in 30 minutes; it follows no base_url).

        Raises Held at a 429, until its Retry-After is over; else as `call` does.
        """
        with self._noting("response_url"):
            await self._respond(url, body)

    async def _respond(self, url: str, body: Mapping[str, Any]) -> None:
        session = self._session()
        still_held()
        try:
            async with session.post(url, json=dict(body), proxy=proxy_for(url)) as response:
                text = await response.text()
        except aiohttp.ClientConnectorError as error:
            raise NotDelivered("no_connection") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unclear(_name(error)) from error
        if response.status == 429:
            wait = timedelta(seconds=retry_after(response))
            raise Held("ratelimited", self._clock.now() + wait)
        if response.status >= 500:
            raise Unclear(f"http_{response.status}")
        if response.status >= 400:
            raise SlackRefused("response_url", _webhook_code(text))

    async def upload(self, url: str, content: bytes) -> None:
        """Sends a file's bytes to the address that Slack gave for it. Safe to repeat."""
        with self._noting("upload"):
            await self._upload(url, content)

    async def _upload(self, url: str, content: bytes) -> None:
        try:
            sent = self._session().post(url, data=content, proxy=proxy_for(url))
            async with sent as response:
                status = response.status
        except aiohttp.ClientError as error:
            raise NotDelivered(_name(error)) from error
        except TimeoutError as error:
            raise NotDelivered("timeout") from error
        if status >= 400:
            raise NotDelivered(f"http_{status}")

    async def _wait_for_token(
        self, method: str, channel: str | None, urgent: bool, waiter: str | None
    ) -> None:
        for waits_left in (2, 1, 0):
            now = self._clock.now()
            until = self._budget.take(method, now, channel=channel, urgent=urgent, waiter=waiter)
            if until is None:
                return
            if not waits_left or until - now > _SHORT_WAIT:
                raise Held("budget", until)
            await self._clock.sleep_until(until)

    @contextmanager
    def _noting(self, method: str) -> Iterator[None]:
        """Tells of a call when it has ended, however it ended."""
        started, outcome = time.monotonic(), "broken_off"
        try:
            yield
            outcome = "ok"
        except SlackError as error:
            outcome = error.outcome
            raise
        finally:
            if outcome in ANSWERED:
                self.answered_at = self._clock.now()
                self._answered_last = time.monotonic()
            self._noted(method, outcome, time.monotonic() - started)

    async def _call(self, method: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._noting(method):
            return await self._ask(method, args)

    async def _ask(self, method: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        still_held()
        try:
            response = await self._unless_it_hangs(self._request(method, args))
        except _Hangs as error:
            raise Unclear("hangs") from error
        except SlackApiError as error:
            raise self._answered(method, error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._silent += 1
            raise NotDelivered("no_connection") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._silent += 1
            raise Unclear(_name(error)) from error
        except AttributeError as error:
            # slack_sdk stumbles over an answer that is JSON and no object; the call went out.
            self._silent += 1
            raise Unclear("malformed") from error
        self._silent = 0
        data = response.data
        if not isinstance(data, dict):
            raise Unclear("malformed")
        return data

    async def _request(self, method: str, args: Mapping[str, Any]) -> AsyncSlackResponse:
        if method in _QUERIES:
            return await self._client.api_call(method, http_verb="GET", params=dict(args))
        return await self._client.api_call(method, json=dict(args))

    async def _unless_it_hangs(
        self, request: Coroutine[Any, Any, AsyncSlackResponse]
    ) -> AsyncSlackResponse:
        """Its answer. Raises _Hangs when Slack answers others meanwhile: then waiting out the whole
        time only keeps who waits behind it; an away Slack has all of it."""
        started, call = time.monotonic(), asyncio.ensure_future(request)
        try:
            await asyncio.wait({call}, timeout=self._hangs_after)
            if not call.done() and (self._answered_after(started) or await self._is_well()):
                raise _Hangs
            return await call
        finally:
            call.cancel()

    def _answered_after(self, moment: float) -> bool:
        return self._answered_last is not None and self._answered_last > moment

    async def _is_well(self) -> bool:
        try:
            async with asyncio.timeout(_WELL_WITHIN):
                await self._client.api_call("auth.test")
        except (SlackApiError, aiohttp.ClientError, OSError, TimeoutError, AttributeError):
            return False
        return True

    def _answered(self, method: str, error: SlackApiError) -> SlackError:
        """Sorts an answer that was not ok. A body that cannot be read leaves the outcome open."""
        response: Any = error.response
        status = getattr(response, "status_code", None) or getattr(response, "status", None)
        data = getattr(response, "data", None)
        if status == 429:
            self._silent = 0
            until = self._clock.now() + timedelta(seconds=retry_after(response))
            self._budget.hold(method, until)
            return Held("ratelimited", until)
        if isinstance(status, int) and status >= 500:
            self._silent += 1
            return Unclear(f"http_{status}")
        if not isinstance(data, dict) or not isinstance(data.get("error"), str):
            self._silent += 1
            return Unclear("malformed")
        self._silent = 0
        refused = SlackRefused(method, data["error"], data)
        if refused.remedy is Remedy.STOP and self.stopped is None:
            self.stopped = refused.code
            log.critical("slack_token_refused", method=method, code=refused.code)
        if refused.remedy is Remedy.UNCLEAR:
            return Unclear(refused.code)
        if data["error"] in ("ratelimited", "rate_limited"):
            until = self._clock.now() + timedelta(seconds=retry_after(response))
            self._budget.hold(method, until)
            return Held("ratelimited", until)
        return refused

    def _session(self) -> aiohttp.ClientSession:
        if self._client.session is None:
            raise RuntimeError("the client has no session: open it by open_client")
        return self._client.session


def retry_after(response: Any) -> float:
    """Seconds of Slack's Retry-After; a number that cannot be read counts as missing."""
    headers = getattr(response, "headers", None) or {}
    for name in ("Retry-After", "retry-after"):
        value = headers.get(name)
        if value is not None:
            try:
                return max(0.0, float(value))
            except ValueError:
                break
    return _DEFAULT_RETRY_AFTER


def _message_of(args: Mapping[str, Any]) -> str | None:
    """The delivery id of the message that a call is about, where it carries one."""
    event = (args.get("metadata") or {}).get("event_payload") or {}
    found = event.get("delivery")
    return None if found is None else str(found)


def _webhook_code(text: str) -> str:
    """A response_url answers with a bare code or with JSON."""
    try:
        data = json.loads(text)
    except ValueError:
        return text.strip()[:80] or "refused"
    return str(data.get("error", "refused")) if isinstance(data, dict) else "refused"


def _name(error: BaseException) -> str:
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__
