"""World of the product's own domain functions and action runner, over the small shop.

A check is what its section's configured check would say of the shop as it stands; everything else
(findings, presses, timers, attempts, cards) is the product's.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from actions.runner import ActionRunner
from checks.model import CaseFound, CheckResult, Finding
from incidents import read
from incidents.detection.findings import take_check_result
from incidents.outcome import Outcome
from incidents.runbooks import guards
from incidents.shop_actions.action_attempts import AttemptBook
from incidents.shop_actions.looks import GuardLook, GuardLooks, WantedLook
from incidents.views import CardView
from message_templates.engine import Templates
from plan import holdings
from storage import work
from storage.database import Database
from storage.models import Incident, WorkItem, WorkKind
from storage.money import Money
from tests.incidents.world import KEY, World, house
from tests.truth.small_shop import CURRENCY, Order, SmallShop

OPEN_AFTER = 3
USUAL = "northpay"
TEMPLATES = Templates()
_MADE: list[Path] = []


class WorldClock:
    """The runner's clock is the world's; waiting on it moves it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    async def sleep_until(self, moment: datetime) -> None:
        self._world.now = max(self._world.now, moment)


def _fresh() -> Path:
    """A migrated database with the people, copied from one that was made once."""
    if not _MADE:
        folder = Path(tempfile.mkdtemp())
        World.create(folder).close()
        _MADE.append(folder)
    made = Path(tempfile.mkdtemp())
    for file in _MADE[0].iterdir():
        shutil.copy(file, made / file.name)
    return made


class LookingWorld(World):
    """The world whose looks before a unit of work are made at the small shop."""

    shop: SmallShop

    def look(self, wanted: Sequence[WantedLook]) -> GuardLooks:
        found = [
            GuardLook(one.guard, one.case, self.shop.seen(one.look, one.scope)) for one in wanted
        ]
        return GuardLooks(self.now, tuple(found))


@dataclass
class SmallWorld:
    """The house, its database and its shop. `failing` counts failed looks in a row by subject."""

    shop: SmallShop
    world: World
    folder: Path
    loop: asyncio.AbstractEventLoop
    failing: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, shop: SmallShop, **changed: Any) -> SmallWorld:
        folder = _fresh()
        database = Database.open(f"sqlite:///{folder}/muster.db", key=KEY)
        world = LookingWorld(database, house(**changed))
        world.shop = shop
        return cls(shop, world, folder, asyncio.new_event_loop())

    def close(self) -> None:
        self.world.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    # --- actions

    def act(self) -> None:
        """The runner carries out what is due, as often as something is."""
        clock = WorldClock(self.world)
        runner = ActionRunner(
            database=self.world.database,
            shop=self.shop,  # type: ignore[arg-type]
            book=AttemptBook(self.world.house),
            clock=clock,
        )

        async def turn() -> int:
            items = await self.world.database.write(
                lambda s: work.claim(s, "action", owner="boot", now=clock.now(), limit=50)
            )
            for item in items:
                await runner.run(item)
            return len(items)

        while self.loop.run_until_complete(turn()):
            pass

    def pending_actions(self) -> list[WorkItem]:
        return [
            item
            for item in self.world.all(WorkItem, WorkItem.kind == WorkKind.ACTION)
            if item.state in ("pending", "claimed") and not item.payload.get("later")
        ]

    def pass_time(self, seconds: float, *, every: float = 10.0) -> None:
        """Time passes in small parts: after each the checks look, actions and timers fire."""
        end = self.world.now + timedelta(seconds=seconds)
        while self.world.now < end:
            self.world.advance(min(every, (end - self.world.now).total_seconds()))
            self.act()
            self.look()

    # --- checks

    def look(self) -> None:
        """Every check looks once at the shop as it stands."""
        results = (self._payments(), self._storefront(), self._stuck(), self._amounts())
        for result in results:
            for finding in result.findings:
                more = self.failing.get(finding.subject, 0) + 1
                self.failing[finding.subject] = more if finding.felt else 0
            for subject in result.healthy_subjects:
                self.failing[subject] = 0
        house, now = self.world.house, self.world.now
        self.world.write(lambda s: [take_check_result(s, house, one, now) for one in results])

    def _result(self, name: str, **given: Any) -> CheckResult:
        return CheckResult(
            name, self.world.now, open_after=OPEN_AFTER, recover_after=OPEN_AFTER, every=10, **given
        )

    def _payments(self) -> CheckResult:
        """The channel that carries the traffic, and the usual one beside it (3.3)."""
        shop = self.shop
        findings: dict[str, Finding] = {}
        healthy: list[str] = []
        for channel in dict.fromkeys((shop.route, USUAL)):
            carries = channel == shop.route
            if shop.channels[channel]:
                healthy.append(f"channel:{channel}")
                continue
            subject = self.payments_subject() if carries else f"channel:{channel}"
            if subject not in findings:
                findings[subject] = self._payments_fail(channel, subject, felt=carries)
        well = tuple(subject for subject in healthy if subject not in findings)
        captured = {"now": {"attempts": 12, "captured": 12}}
        return self._result(
            "payment-channel-northpay",
            findings=tuple(findings.values()),
            healthy_subjects=well,
            recovered_facts=dict.fromkeys(well, captured),
        )

    def payments_subject(self) -> str:
        """Whose incident it is that payments fail: the channel's, else that of the one before."""
        live = {one.subject for one in self.incidents() if one.live}
        own = f"channel:{self.shop.route}"
        usual = f"channel:{USUAL}"
        return usual if own not in live and usual in live else own

    def _payments_fail(self, channel: str, subject: str, *, felt: bool) -> Finding:
        shop, now = self.shop, self.world.now
        other = next(name for name in shop.channels if name != channel)
        facts: dict[str, Any] = {
            "channel": {"id": channel, "name": channel.capitalize()},
            "standby": {
                "id": other,
                "name": other.capitalize(),
                "ok": shop.channels[other],
                "tested_at": now.isoformat(),
            },
            "vendor": channel.capitalize(),
            "window_minutes": 5,
            "attempts": 118,
            "failed": 57,
            "failing_since": now.isoformat(),
            "now": {"attempts": 12, "captured": 0 if felt else 12},
        }
        return Finding(
            subject,
            "payment_channel_down",
            facts=facts,
            cases=tuple(self._unpaid()),
            started_at=now,
            felt=felt,
        )

    def _unpaid(self) -> list[CaseFound]:
        return [
            CaseFound(
                "order",
                order.number,
                amount=Money(order.total, CURRENCY),
                customer_key=order.customer,
                state="unknown" if order.unanswered else "open",
                facts={
                    "order_id": order.number,
                    "payment_id": order.payments[-1]["id"] if order.payments else None,
                    "language": order.language,
                },
            )
            for order in self.shop.orders.values()
            if order.number.startswith("PAY") and order.owes > 0
        ]

    def _storefront(self) -> CheckResult:
        shop, subject = self.shop, "service:storefront"
        standby = shop.servers["standby"]
        facts: dict[str, Any] = {
            "service": "storefront",
            "standby": {"id": "standby", "ok": shop.healthy("standby"), "state": standby},
        }
        if not shop.felt_down:
            return self._result("storefront-health", healthy_subjects=(subject,))
        finding = Finding(
            subject, "system_crash", facts={**facts, "error": "refused"}, started_at=self.world.now
        )
        return self._result("storefront-health", findings=(finding,))

    def _stuck(self) -> CheckResult:
        stuck = [
            order
            for order in self.shop.orders.values()
            if order.number.startswith("STUCK") and order.status == "paid"
        ]
        subject = "orders:paid"
        settled = self._in_order("STUCK", [order.number for order in stuck])
        if not stuck:
            return self._result("stuck-orders", healthy_subjects=(subject,), settled=settled)
        finding = Finding(
            subject,
            "order_state_stuck",
            facts={"state": "paid", "limit_hours": 48},
            cases=tuple(
                CaseFound(
                    "order",
                    order.number,
                    amount=Money(order.total, CURRENCY),
                    customer_key=order.customer,
                    facts={"order_id": order.number, "language": order.language},
                )
                for order in stuck
            ),
        )
        return self._result("stuck-orders", findings=(finding,), settled=settled)

    def _in_order(self, kind: str, wrong: Sequence[str]) -> dict[str, tuple[CaseFound, ...]]:
        """The orders of a kind that a check sees in order, for the incident that waits for them."""
        subject = {"STUCK": "orders:paid", "SUM": "amounts"}[kind]
        right = [n for n in self.shop.orders if n.startswith(kind) and n not in wrong]
        return {subject: tuple(CaseFound("order", number) for number in right)}

    def _amounts(self) -> CheckResult:
        wrong = [
            order
            for order in self.shop.orders.values()
            if order.number.startswith("SUM") and order.differs != 0
        ]
        subject = "amounts"
        settled = self._in_order("SUM", [order.number for order in wrong])
        if not wrong:
            return self._result("amount-mismatch", healthy_subjects=(subject,), settled=settled)
        finding = Finding(
            subject,
            "payment_amount_mismatch",
            facts={
                "orders": len(wrong),
                "over": _side([order.differs for order in wrong if order.differs > 0]),
                "under": _side([-order.differs for order in wrong if order.differs < 0]),
            },
            cases=tuple(_amount_case(order) for order in wrong),
        )
        return self._result("amount-mismatch", findings=(finding,), settled=settled)

    def resolve(self, who: str, number: int, **form: Any) -> Outcome:
        """Resolves it with fresh looks, as the bot does."""
        world = self.world
        wanted = world.read(lambda s: guards.wanted_looks(s, world.house, number, world.now))
        return world.resolve(who, number, world.look(wanted), **form)

    # --- what stands in Slack

    def incidents(self) -> list[Incident]:
        return self.world.all(Incident)

    def card(self, number: int) -> CardView:
        house, now = self.world.house, self.world.now
        return self.world.read(lambda s: read.card(s, house, self._id(number), now))

    def runbook(self, number: int) -> Any:
        house, now = self.world.house, self.world.now
        return self.world.read(lambda s: read.runbook(s, house, self._id(number), now))

    def _id(self, number: int) -> int:
        return self.world.incident(number).id

    def title(self, number: int, language: str = "en") -> str:
        """The first line of the card as Slack shows it."""
        message = TEMPLATES.render("card", self.card(number), language=language)
        return _first_line(message.blocks)


def _money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": CURRENCY}


def _side(amounts: Sequence[int]) -> dict[str, Any]:
    return {"orders": len(amounts), "amount": _money(sum(amounts))}


def _amount_case(order: Order) -> CaseFound:
    why = holdings.cause(order.total, order.captured, order.refunded, order.differs)
    return CaseFound(
        "order",
        order.number,
        amount=Money(abs(order.differs), CURRENCY),
        customer_key=order.customer,
        facts={
            "order_id": order.number,
            "language": order.language,
            "total": _money(order.total),
            "paid": _money(order.captured - order.refunded),
            "captured": _money(order.captured),
            "refunded": _money(order.refunded),
            "delta": _money(order.differs),
            "why": why,
            "payment_id": order.payments[-1]["id"],
        },
    )


def _first_line(blocks: Any) -> str:
    text = blocks[0]["text"]["text"]
    return str(text).split("\n", 1)[0]


def buttons_of(card: CardView) -> Mapping[str, str]:
    """The card's buttons: value by action id."""
    return {button.action_id: button.value for button in card.buttons}
