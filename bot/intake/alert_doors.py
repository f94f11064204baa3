"""Alert doors: `POST /alerts/<name>`, by which other systems say what is wrong and what is over.

As with what Slack sends: read, stored, answered, and worked on afterwards. 202 is said when a row
of the work table holds what was read, so nothing that was answered is lost with the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.clock import Clock
from bot.intake.alert_auth import STAMP, Refused, may_ask, may_pass
from bot.intake.deliveries import EVENT
from bot.intake.receive import STORE_SECONDS, claimed
from checks.alerts.model import Alert
from checks.alerts.reading import FactKinds, Read, Reader, Unreadable
from checks.alerts.settings import DoorSettings
from storage.database import Database
from storage.errors import StorageError
from storage.models import WorkItem, WorkKind
from storage.models.alerts import ALERT
from storage.work import NewWork

log = structlog.get_logger(__name__)

PATH = "/alerts/{name}"
LARGEST = 1024 * 1024
_PATIENCE = 10.0  # for a body to come in whole
_AGAIN = "Idempotency-Key"
_LONGEST_KEY = 200


class Allowance:
    """So many requests a minute; what was not used yesterday is not saved up."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._left, self._at = self._most, clock()

    def take(self) -> float:
        """Takes one; 0, or the seconds until there is one again."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._most / 60)
        self._at = now
        if self._left < 1:
            return (1 - self._left) * 60 / self._most
        self._left -= 1
        return 0.0


class AlertDoors:
    """The doors of the configuration."""

    def __init__(
        self,
        doors: Mapping[str, DoorSettings],
        facts: FactKinds,
        *,
        database: Database,
        clock: Clock,
        owner: str,
        take: Callable[[WorkItem], None],
        heard: Callable[[str, str], None] = lambda _door, _outcome: None,
        refused: Callable[[str], None] = lambda _door: None,
    ) -> None:
        """`heard` is told of each request (bot.web.meters), `refused` of each without its secret;
        both by doors that there are."""
        self._doors = doors
        self._readers = {name: Reader(name, door, facts) for name, door in doors.items()}
        self._allowed = {name: Allowance(door.per_minute) for name, door in doors.items()}
        self._database = database
        self._clock = clock
        self._owner = owner
        self._take = take
        self._heard = heard
        self._refused = refused
        self._open = True

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(PATH, self.handle)

    def close(self) -> None:
        """From now on a sender is told to come again later."""
        self._open = False

    async def handle(self, request: web.Request) -> web.Response:
        """The aiohttp handler of the route."""
        name = request.match_info["name"]
        door = self._doors.get(name)
        try:
            may_ask(door, request.headers)
        except Refused as error:
            return self._turned_away(name, str(error))
        assert door is not None  # noqa: S101 - else it was refused
        if not self._open:
            return _error(503, "The bot is stopping; send it again.", after=5)
        try:
            raw = await _body(request)
            may_pass(door, request.headers, raw, self._clock.now())
        except Refused as error:
            return self._turned_away(name, str(error))
        except web.HTTPRequestEntityTooLarge:
            self._heard(name, "too_large")
            return _error(413, f"The body is larger than {LARGEST:,} bytes; send fewer alerts.")
        except TimeoutError:
            return _error(408, f"The body did not come within {_PATIENCE:g} s.")
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            return _error(400, "The body is cut off, or not encoded as it says.")
        return await self._received(name, request.headers, raw)

    async def _received(self, name: str, headers: Mapping[str, str], raw: bytes) -> web.Response:
        wait = self._allowed[name].take()
        if wait:
            self._heard(name, "too_many")
            most = self._doors[name].per_minute
            return _error(429, f"More than {most} requests a minute came by this door.", after=wait)
        try:
            read = self._readers[name].read(raw)
        except Unreadable as error:
            self._heard(name, "unreadable")
            log.warning("alert_unreadable", door=name)
            return _error(422, str(error))
        if read.left_out:
            log.warning("alerts_left_out", door=name, count=len(read.left_out))
        signed = self._doors[name].auth == "hmac"
        return await self._keep(name, _key(name, headers, raw, signed=signed), read)

    async def _keep(self, name: str, key: str, read: Read) -> web.Response:
        """Stores what was read; 202 once it stands."""
        answer: dict[str, Any] = {"kept": len(read.alerts)}
        if read.ignored:
            answer["ignored"] = read.ignored
        if read.left_out:
            answer["left_out"] = list(read.left_out[:20])
        if read.alerts:
            stored = [alert.as_json() for alert in read.alerts]
            new = NewWork(
                kind=WorkKind.INTAKE,
                key=key,
                payload={"door": name},
                now=self._clock.now(),
                priority=EVENT,
                secret=stored,
                owner=self._owner,
            )
            try:
                row = await self._database.store(new, within=STORE_SECONDS)
            except StorageError as error:
                self._heard(name, "not_stored")
                log.error("alert_not_stored", door=name, error=str(error))
                return _error(503, "It could not be stored now; send it again.", after=5)
            if row is None:
                answer = {"kept": 0, "known": True}
            else:
                self._take(claimed(row, new, stored))
        self._heard(name, "kept")
        return web.json_response(answer, status=202)

    def _turned_away(self, name: str, why: str) -> web.Response:
        if name in self._doors:
            self._heard(name, "refused")
            self._refused(name)
            log.warning("alert_refused", door=name)
        return _error(401, why)


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > LARGEST:
        raise web.HTTPRequestEntityTooLarge(LARGEST, request.content_length or 0)
    async with asyncio.timeout(_PATIENCE):
        return await request.read()


def _key(name: str, headers: Mapping[str, str], raw: bytes, *, signed: bool) -> str:
    """What makes two requests one: what was signed, or the sender's own key, which no signature
    covers: who heard a signed request could send it again under another one.

    A bearer's body that comes twice may be news the second time: what it says decides
    (incidents.detection.alerts).
    """
    if signed:
        stamp = headers.get(STAMP, "").encode("utf-8", "surrogateescape")
        return f"{ALERT}{name}:{hashlib.sha256(stamp + b':' + raw).hexdigest()}"
    given = headers.get(_AGAIN, "")[:_LONGEST_KEY].encode("utf-8", "surrogateescape")
    if given:
        return f"{ALERT}{name}:given:{hashlib.sha256(given).hexdigest()}"
    return f"{ALERT}{name}:{uuid.uuid4().hex}"


def _error(status: int, sentence: str, *, after: float | None = None) -> web.Response:
    headers = {} if after is None else {"Retry-After": str(max(1, round(after)))}
    return web.json_response({"error": sentence}, status=status, headers=headers)


def alerts_of(stored: Any) -> list[Alert]:
    """What a stored row holds."""
    return [Alert.from_json(one) for one in stored]
