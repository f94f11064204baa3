"""Deliveries to the app: what is sent once, what is sent again, what a tester doubles or holds."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.slack import limits
from sandbox.slack.clock import SandboxClock
from sandbox.slack.errors import Json, Refused
from sandbox.slack.log import DeliveryEntry, RequestLog

EVENTS = "events_api"
COMMANDS = "slash_commands"
INTERACTIVE = "interactive"
_GRACE = 0.05
_RULE_KINDS = {"events": EVENTS, "commands": COMMANDS, "interactive": INTERACTIVE, "*": "*"}


@dataclass
class Patience:
    """How long an acknowledgement may take; a tester may shorten the wait."""

    seconds: float = limits.ACK_SECONDS


@dataclass
class Outcome:
    """What became of one delivery: acknowledged in time with `payload`, or `error`."""

    acked: bool
    error: str | None = None  # "operation_timeout" | "dispatch_failed"
    payload: Any = None
    reason: str = "timeout"  # retry_reason of the next attempt
    no_retry: bool = False
    entry: DeliveryEntry | None = None


@dataclass
class Parcel:
    """One payload on its way."""

    type: str
    payload: Json
    accepts_response: bool
    entry: DeliveryEntry
    retry_attempt: int = 0
    retry_reason: str | None = None
    wire: str | None = None  # what is written, when it was made ready before


class Transport(Protocol):
    async def send(self, parcel: Parcel) -> Outcome:
        """Sends it and waits for the acknowledgement as long as Slack does."""

    async def volley(self, parcels: list[Parcel]) -> list[Outcome]:
        """Makes all ready first, then sends them in one go."""


@dataclass
class Rule:
    """A tester's wish for the next payload of a kind."""

    kind: str
    twice: bool = False
    gap: float = 0.0
    hold: bool = False
    times: int = 1
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, type_: str) -> bool:
        return self.times != 0 and self.kind in (type_, "*")


class Dispatcher:
    """Sends payloads over the transport that the app is connected by."""

    def __init__(
        self,
        clock: SandboxClock,
        log: RequestLog,
        transport: Transport,
        patience: Patience,
        spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    ) -> None:
        self._clock = clock
        self._log = log
        self._transport = transport
        self._patience = patience
        self._spawn = spawn
        self._rules: list[Rule] = []

    def add_rule(self, wish: Json) -> None:
        if wish.get("release"):
            for rule in self._rules:
                rule.released.set()
            return
        kind = _RULE_KINDS.get(str(wish.get("redeliver", "events")))
        if kind is None:
            raise Refused(
                "invalid_arguments",
                messages=[f"redeliver must be one of: {', '.join(_RULE_KINDS)}"],
            )
        self._rules.append(
            Rule(
                kind,
                bool(wish.get("twice")),
                float(wish.get("gap") or 0),
                bool(wish.get("hold")),
                int(wish.get("times", 1)),
            )
        )

    async def once(self, type_: str, payload: Json, summary: str) -> Outcome:
        """A command, a click, a submission: sent once. Slack never sends these again; what is
        not acknowledged within 3 s failed, whatever arrives later."""
        task = self._spawn(self._deliver(type_, payload, summary, accepts=True))
        # A little longer than the transport waits: only a payload that is held back ends here.
        done, _ = await asyncio.wait({task}, timeout=self._patience.seconds + _GRACE)
        if not done:
            return Outcome(False, "operation_timeout")
        outcome: Outcome = task.result()
        return outcome

    async def volley(self, type_: str, payloads: list[Json], summary: str) -> list[DeliveryEntry]:
        """Many at once, each sent once: for measuring. Nothing is built while they are sent."""
        parcels = [self._parcel(type_, payload, summary, type_ != EVENTS) for payload in payloads]
        outcomes = await self._transport.volley(parcels)
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            parcel.entry.error, parcel.entry.response = outcome.error, outcome.payload
        return [parcel.entry for parcel in parcels]

    def _parcel(
        self,
        type_: str,
        payload: Json,
        summary: str,
        accepts: bool,
        attempt: int = 0,
        reason: str | None = None,
    ) -> Parcel:
        entry = self._log.delivery(
            envelope_id=secrets.token_hex(16),
            type_=type_,
            summary=summary,
            sent=self._clock.now(),
            payload=payload,
        )
        entry.retry_attempt, entry.retry_reason = attempt, reason
        return Parcel(type_, payload, accepts, entry, attempt, reason)

    def event(self, payload: Json, summary: str) -> None:
        """An event: sent again until acknowledged, at once, after 1 and after 5 minutes."""
        self._spawn(self._event(payload, summary))

    async def _event(self, payload: Json, summary: str) -> None:
        outcome = await self._deliver(EVENTS, payload, summary, accepts=False)
        for attempt, pause in enumerate(limits.EVENT_RETRIES, start=1):
            if outcome.acked or outcome.no_retry:
                return
            await self._clock.sleep(pause)
            outcome = await self._send(EVENTS, payload, summary, False, attempt, outcome.reason)

    async def _deliver(self, type_: str, payload: Json, summary: str, *, accepts: bool) -> Outcome:
        rule = next((r for r in self._rules if r.fits(type_)), None)
        if rule is None:
            return await self._send(type_, payload, summary, accepts, 0, None)
        if rule.times > 0:
            rule.times -= 1
        if rule.hold:
            await self._held(rule)
        if rule.twice:
            self._spawn(self._again(type_, payload, summary, accepts, rule.gap))
        return await self._send(type_, payload, summary, accepts, 0, None)

    async def _held(self, rule: Rule) -> None:
        """Until a tester releases it, or for `gap` seconds when one is given."""
        if rule.gap <= 0:
            await rule.released.wait()
            return
        waits = {
            asyncio.ensure_future(rule.released.wait()),
            asyncio.ensure_future(self._clock.sleep(rule.gap)),
        }
        _, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in rest:
            wait.cancel()

    async def _again(
        self, type_: str, payload: Json, summary: str, accepts: bool, gap: float
    ) -> None:
        await self._clock.sleep(gap)
        attempt, reason = (1, "timeout") if type_ == EVENTS else (0, None)
        await self._send(type_, payload, summary, accepts, attempt, reason)

    async def _send(
        self,
        type_: str,
        payload: Json,
        summary: str,
        accepts: bool,
        attempt: int,
        reason: str | None,
    ) -> Outcome:
        parcel = self._parcel(type_, payload, summary, accepts, attempt, reason)
        outcome = await self._transport.send(parcel)
        parcel.entry.error = outcome.error
        parcel.entry.response = outcome.payload
        outcome.entry = parcel.entry
        return outcome
