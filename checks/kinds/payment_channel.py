"""Payment channel: a test payment and the rolling success rate of real ones (3.3.1).

The channel that carries the traffic is watched, whichever of the two it is. What fails beside it is
felt by nobody: that opens nothing, it only keeps its incident from being over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from checks.kinds.base import CheckContext, LookFailed, Spent
from checks.kinds.channel_payments import ChannelPayments
from checks.kinds.channel_picture import picture
from checks.kinds.channel_settings import ChannelName, PaymentChannelSettings
from checks.kinds.channel_silence import silence
from checks.kinds.channel_verdict import surely, thin, too_many_fail
from checks.model import CaseFound, CheckResult, Finding
from checks.queries.looked_rows import LookedRows
from checks.shop.rows_seen import rows_seen
from checks.shop.source import ShopDatabase, ShopUnavailable
from storage.money import Money, sole_sum

# The window alone may hold no payment at night: beside it one bad row would be all that there is.
_LOOKED = (LookedRows("payments", ("channel", "state", "created_at"), (), ("created_at", "usual")),)


@dataclass(frozen=True)
class _Seen:
    """One channel, as it was found."""

    channel: ChannelName
    subject: str
    probe: dict[str, Any]
    stats: dict[str, Any]
    carries: bool  # the traffic
    failing: bool
    sure: bool  # that it fails is no chance
    well: bool  # seen to work, which is more than not failing

    @property
    def tested(self) -> dict[str, Any]:
        """Whether it could carry the traffic: a test payment is not all where real ones fail."""
        problem = self.probe["problem"]
        return {"ok": False, "problem": problem or "failing"} if self.failing else self.probe


class PaymentChannel:
    """Unhealthy when the test payment fails or too many real payments do."""

    def __init__(self, settings: PaymentChannelSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        spent = Spent(self.settings.deadline)
        shop = await context.place_of(self.settings.reads)
        known = [c for c in (self.settings.channel, self.settings.standby) if c is not None]
        carrier, unrouted = await self._carrier(known, context, shop)
        if carrier not in known:  # routed by hand through another one
            known.append(carrier)
        seen = [
            await self._see(channel, channel.id == carrier.id, context, shop)
            for channel in known
            if channel.id in (carrier.id, self.settings.channel.id)
            or _subject(channel) in context.failed
        ]
        findings = await self._findings(seen, known, context, shop)
        failing = {finding.subject for finding in findings}
        usual = context.now - timedelta(days=self.settings.usual_days)
        well = [one for one in seen if one.well and one.subject not in failing]
        fresh, given = any(one.subject in context.failed for one in well), {"usual": usual}
        rows = await rows_seen(shop, _LOOKED, given, context.now, spent.left, fresh=fresh)
        healthy = well if rows.sure else []
        now = await self._now(carrier, context, shop)
        paid = await shop.read(lambda connection: _paid(connection, shop, context.awaited))
        watched = next(one for one in seen if one.carries)
        return CheckResult(
            name=self.settings.name,
            ran_at=context.now,
            findings=rows.told(findings),
            healthy_subjects=tuple(one.subject for one in healthy),
            figures={
                "channel": carrier.id,
                "attempts": watched.stats["attempts"],
                "failed": watched.stats["failed"],
                "probe": watched.probe["ok"],
                "unrouted": unrouted,
                **rows.figures(),
            },
            recovered_facts={
                one.subject: {"now": now, "probe": one.probe, "unread": rows.facts()}
                for one in healthy
            },
            settled={one.subject: paid for one in seen} if paid else {},
        )

    async def _carrier(
        self, known: list[ChannelName], context: CheckContext, shop: ShopDatabase
    ) -> tuple[ChannelName, str | None]:
        """The channel that carries the traffic: by the shop's word, else by its payments.

        And why the shop's word was not to be had, where it should be.
        """
        routed, unrouted = await self._routed(context)
        if routed is not None:
            by_id = {channel.id: channel for channel in known}
            return by_id.get(routed) or ChannelName(id=routed, name=routed), None
        usual, *others = known
        for channel in others:
            beside = await self._now(channel, context, shop)
            if beside["attempts"] and not (await self._now(usual, context, shop))["attempts"]:
                return channel, unrouted
        return usual, unrouted

    async def _routed(self, context: CheckContext) -> tuple[str | None, str | None]:
        """The id of the channel that the shop names, or why it names none."""
        look = self.settings.route_look
        if look is None:
            return None, None
        try:
            answer = await context.look(look, {"method": self.settings.method})
        except LookFailed as error:
            return None, error.code
        routed = answer.get("channel") if isinstance(answer, dict) else None
        return (routed, None) if isinstance(routed, str) and routed else (None, "no_channel")

    async def _see(
        self, channel: ChannelName, carries: bool, context: CheckContext, shop: ShopDatabase
    ) -> _Seen:
        settings = self.settings
        probe = await self._probe(context, channel)
        payments = self._payments(channel, context, shop)
        stats = await shop.read(payments.stats)
        unmapped = await shop.read(payments.unmapped) if carries else None
        if unmapped is not None:
            raise ShopUnavailable(
                f"{unmapped}, which shop.mapping.payments.fields.state does not know: "
                "say what it means"
            )
        silent = None
        # Through the other one nobody pays, and what was told of already is no news: what failed
        # before says nothing of now.
        last = await shop.read(payments.last_orders) if carries else []
        before = context.failed.get(_subject(channel))
        if before is not None:
            last = [one for one in last if one.at > before.last]
        stats |= thin(settings, last, stats, context.now)
        if carries and settings.silence:
            silent = await shop.read(lambda connection: silence(connection, payments))
        if silent is not None:
            stats |= {"silent": silent, "failing_since": silent["since"]}
        sure = silent is not None or surely(settings, last, stats, context.now)
        failing = probe["ok"] is False or sure or too_many_fail(settings, last, stats, context.now)
        subject = _subject(channel)
        found = _Seen(channel, subject, probe, stats, carries, failing, sure, well=False)
        well = not failing and await self._is_well(found, context, shop)
        return replace(found, well=well)

    async def _is_well(self, seen: _Seen, context: CheckContext, shop: ShopDatabase) -> bool:
        """Whether it is seen to work: that nothing fails any more is not enough once it did.

        A payment must have been captured since. Where the traffic goes elsewhere, the test payment
        is all that can be seen.
        """
        before = context.failed.get(seen.subject)
        if before is None:
            return True
        # What came in between the last look and a switch stays in view for the window only.
        then = max(before.last, context.now - timedelta(seconds=self.settings.window))
        payments = self._payments(seen.channel, context, shop)
        since = await shop.read(lambda connection: payments.since_then(connection, then))
        if since.attempts:
            share = since.failed / since.attempts
            return bool(since.captured) and share < self.settings.fail_share
        return not seen.carries and seen.probe["ok"] is True

    async def _findings(
        self,
        seen: list[_Seen],
        known: list[ChannelName],
        context: CheckContext,
        shop: ShopDatabase,
    ) -> list[Finding]:
        """What customers feel comes first, and has its subject for itself."""
        found: dict[str, Finding] = {}
        for one in sorted((s for s in seen if s.failing), key=lambda s: not s.carries):
            subject = self._of_incident(one, known, context) if one.carries else one.subject
            if subject not in found:
                other = await self._other(one, seen, known, context, shop)
                found[subject] = await self._finding(one, subject, other, context, shop)
        return list(found.values())

    def _of_incident(self, seen: _Seen, known: list[ChannelName], context: CheckContext) -> str:
        """The open incident that is about what fails here: its own, else the one by which the
        traffic came to this channel; then payments fail again there."""

        def is_live(subject: str) -> bool:
            before = context.failed.get(subject)
            return before is not None and before.live

        if is_live(seen.subject):
            return seen.subject
        others = (_subject(channel) for channel in known if channel.id != seen.channel.id)
        return next((subject for subject in others if is_live(subject)), seen.subject)

    async def _other(
        self,
        seen: _Seen,
        all_seen: Iterable[_Seen],
        known: list[ChannelName],
        context: CheckContext,
        shop: ShopDatabase,
    ) -> _Seen | None:
        """The channel that could carry the traffic instead, tested."""
        channel = next((c for c in known if c.id != seen.channel.id), None)
        if channel is None:
            return None
        done = next((one for one in all_seen if one.channel.id == channel.id), None)
        return done or await self._see(channel, False, context, shop)

    async def _finding(
        self,
        seen: _Seen,
        subject: str,
        other: _Seen | None,
        context: CheckContext,
        shop: ShopDatabase,
    ) -> Finding:
        settings = self.settings
        payments = self._payments(seen.channel, context, shop)
        since = seen.stats["failing_since"]
        started = datetime.fromisoformat(since) if since else None
        cases = await shop.read(
            lambda connection: payments.cases(connection, context.currency, started)
        )
        before = context.failed.get(subject)
        drawn = {}
        if before is None or not before.live:  # of the opening; then it stands in the thread
            drawn = await shop.read(lambda connection: picture(connection, payments, started))
        standby = now = None
        if other is not None:
            tested = {**other.tested, "tested_at": context.now.isoformat()}
            standby = {**other.channel.model_dump(), **tested}
            now = await self._now(seen.channel if seen.carries else other.channel, context, shop)
        return Finding(
            subject=subject,
            incident_type="payment_channel_down",
            facts={
                "channel": seen.channel.model_dump(),
                "method": settings.method,
                "probe": seen.probe,
                "standby": standby,
                "now": now,
                **({"picture": drawn} if drawn else {}),
                **seen.stats,
                **_totals(cases, context.currency),
            },
            cases=tuple(cases),
            severity=settings.severity,
            started_at=started,
            count=seen.stats["failed"],
            felt=seen.carries,
            sure=seen.sure,
        )

    def _payments(
        self, channel: ChannelName, context: CheckContext, shop: ShopDatabase
    ) -> ChannelPayments:
        return ChannelPayments(self.settings, channel, shop, context.now, context.calendar)

    async def _now(
        self, channel: ChannelName, context: CheckContext, shop: ShopDatabase
    ) -> dict[str, Any]:
        return await shop.read(self._payments(channel, context, shop).now_through_it)

    async def _probe(self, context: CheckContext, channel: ChannelName) -> dict[str, Any]:
        if self.settings.probe_look is None:
            return {"ok": None, "problem": None}
        try:
            answer = await context.look(self.settings.probe_look, {"channel": channel.id})
        except LookFailed as error:
            # Only an answer of the channel counts against it: not a token that has run out, a
            # path that is gone, or a door that did not open.
            return {"ok": False if _is_its_own(error.code) else None, "problem": error.code}
        ok = answer.get("ok") if isinstance(answer, dict) else None
        if not isinstance(ok, bool):
            return {"ok": None, "problem": "body"}
        return {"ok": ok, "problem": None if ok else str(answer.get("problem") or "not_ok")}


def _is_its_own(code: str) -> bool:
    """Whether a test payment that had no usable answer was tried: it hung, or the shop failed."""
    return code == "timeout" or code.startswith("http_5")


def _subject(channel: ChannelName) -> str:
    return f"channel:{channel.id}"


def _paid(
    connection: Connection, shop: ShopDatabase, awaited: tuple[str, ...]
) -> tuple[CaseFound, ...]:
    """Orders of open incidents that are paid by now, through whatever channel."""
    if not awaited:
        return ()
    payments, orders = shop.payments(), shop.orders()
    rows = connection.execute(
        select(orders.col("number"))
        .distinct()
        .select_from(
            payments.source.join(orders.source, payments.col("order_key") == orders.col("key"))
        )
        .where(payments.is_state("captured"), orders.is_one("number", awaited))
    )
    return tuple(
        CaseFound(kind="order", key=str(row[0]), facts={"outcome": "paid"}) for row in rows
    )


def _totals(cases: list[CaseFound], currency: str) -> dict[str, Any]:
    amounts = [case.amount for case in cases if case.amount is not None]
    total = sole_sum(amounts) if amounts else Money(0, currency)
    return {
        "orders": len(cases),
        "customers": len({c.customer_key for c in cases if c.customer_key}) or None,
        "amount": None if total is None else total.as_json(),
        "unanswered": sum(1 for c in cases if c.state == "unknown"),
    }
