"""The product's own forms in front of the sandbox Slack: its handlers, words, work table, delivery.

What only the configuration would bring (roles, the shop's answers) is set here; everything that a
form passes through on its way is the product's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import delete
from sqlalchemy.orm import Session

from bot.bolt_app import Identity, build_app
from bot.clock import Clock
from bot.delivery.audiences import Audiences
from bot.delivery.context import Office
from bot.delivery.presence import Presence
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from bot.delivery.worker import Deliverer
from bot.intake.dispatch import Dispatcher
from bot.intake.receive import Intake
from bot.people import PeopleDirectory
from bot.rendering import Drawing
from bot.schedule.workers import Workers
from bot.wiring.adapters import ViewDoor
from handlers import register_all, sent_forms
from handlers.context import Desk
from handlers.registry import Interaction, Registry
from handlers.sent_forms import SentForm
from incidents.lifecycle.opening import Opening, open_incident
from incidents.organisation import House, Role
from incidents.runbooks.guards import GuardLooks
from message_templates.engine import Templates
from sandbox.slack import cast
from storage.models import Incident, Person, Status, WorkItem
from tests.delivery.conftest import AUDIENCES
from tests.incidents.world import house
from tests.intake.conftest import Bot

ZONE = ZoneInfo("Asia/Taipei")
WORDS = "The vendor says it is theirs"


@dataclass(frozen=True)
class Typed:
    """One form with what a person types into it; it is refused after it was looked up."""

    name: str  # callback_id
    answers: Mapping[str, Any]
    memory: Mapping[str, Any] = field(default_factory=dict)


FORMS: tuple[Typed, ...] = (
    Typed("form.note", {"note": WORDS}),
    Typed("form.severity", {"severity": "2", "reason": WORDS}),
    Typed("form.dismiss", {"reason": WORDS}),
    Typed("form.section", {"section": "system_crash"}),
    Typed("form.complaint", {"order": "FG-0", "channel": "phone", "reason": "goods", "text": WORDS},
          {"type": "complaint"}),
    Typed("form.escalate", {"person": "U0KAI", "reason": WORDS}),
    Typed("form.hand_over", {"person": "U0KAI", "note": WORDS}),
    Typed("form.wait", {"until": 1_900_000_000, "reason": WORDS}),
    Typed("form.merge", {"other": "2", "how": "link"}),
    Typed("form.declare", {"order": "FG-0", "paid": "12.50", "what": WORDS},
          {"type": "payment_amount_mismatch"}),
    Typed("form.skip", {"reason": WORDS}, {"step": "3.3.1.s2", "button": "skip"}),
    Typed("form.step", {"cause": WORDS}, {"step": "3.3.2.s1", "button": "answer"}),
    Typed("form.resolve", {"cause": "vendor", "cause_text": WORDS}),
    Typed("form.reopen", {"reason": WORDS}, {"incident": 3}),
)  # fmt: skip
PEOPLE = ("U0MEI", "U0KAI", "U0JO", "U0SAM", "U0LIN")  # Lin alone may file a complaint
ROUNDS = tuple(FORMS[start : start + len(PEOPLE)] for start in range(0, len(FORMS), len(PEOPLE)))


def strangers() -> House:
    """A house in which only customer service has a role, and only for complaints."""
    return house(roles={"cs": Role(None, ("U0LIN",), ("U0LIN",), "cs")})


def seed(session: Session, known: House, clock: Clock) -> None:
    """Three incidents, the last one dismissed; what they would post is of no matter here."""
    now = clock.now()
    session.execute(delete(Incident))  # one without a plan stands in the databases of these tests
    for user_id in PEOPLE:
        session.merge(
            Person(
                user_id=user_id, name=user_id, language="en", language_chosen=True,
                time_zone="Asia/Taipei", refreshed_at=now,
            )
        )  # fmt: skip
    for channel in ("northpay", "harborpay", "third"):
        opening = Opening("payment_channel_down", f"channel:{channel}", "check:x")
        opened = open_incident(session, known, opening, now)
        if channel == "third":
            opened.incident.status = Status.DISMISSED
    session.flush()
    session.execute(delete(WorkItem))


@dataclass
class ProductBot(Bot):
    """Intake, handlers, work table and delivery as the composition root puts them together."""

    clients: list[AsyncWebClient] = field(default_factory=list)

    def compose(self, client: AsyncWebClient) -> None:
        self.registry = Registry()
        register_all(self.registry)
        own = open_client(cast.BOT_TOKEN, str(client.base_url), timeout=1.0)
        self.clients.append(own)
        self.sender = Sender(own, budget=Budget(), clock=self.clock)
        presence = Presence(self.sender, self.database, self.clock)
        people = PeopleDirectory(presence, self.database, self.clock)
        self.house = strangers()
        self.templates = Templates(ZONE)
        self.desk = Desk(
            database=self.database,
            house=self.house,
            templates=self.templates,
            slack=ViewDoor(self.sender),
            people=people,
            clock=self.clock,
            guard_looks=self._looks,
            order=_no_such_order,
        )
        app = build_app(
            self.registry, self.desk, client, Identity("T0SHOP", "B0MUSTER", "U0MUSTER")
        )

        async def tell(interaction: Interaction, code: str) -> None:
            await self.desk.report(interaction, "problem" if code == "failed" else "form_gone")

        dispatcher = Dispatcher(app, self.registry, self.database, self.clock, tell=tell)
        office = Office(
            database=self.database,
            sender=self.sender,
            renderer=Drawing(self.house, self.templates, self.clock, people.known_zone, ZONE),
            audiences=Audiences(AUDIENCES),
            clock=self.clock,
            people=presence,
        )
        self.workers = Workers(self.database, self.clock, self.owner)
        self.clock.on_advance(self.workers.wake)
        self.intake = Intake(
            self.database,
            self.clock,
            owner=self.owner,
            answering=dispatcher,
            take=self.workers.take,
        )
        self.workers.add(
            "intake", dispatcher.run, concurrency=self.concurrency, gate=self.intake.quiet
        )
        self.workers.add("message", Deliverer(office).run, concurrency=16, unclear_on_error=True)

    async def close(self) -> None:
        for client in self.clients:
            await close_client(client)
        await self.database.close()

    async def _looks(self, number: int) -> GuardLooks:
        return GuardLooks(self.clock.now())


async def _no_such_order(number: str) -> None:
    return None


def drawn(session: Session, known: House, form: Typed, clock: Clock) -> dict[str, Any]:
    """The form as the product draws it for an incident that stands."""
    memory = {"incident": 1, "version": 1, "channel": "C0INCIDENTS", **form.memory}
    memory["plan"] = known.loaded.hash
    looks = GuardLooks(clock.now()).as_json()
    sent = SentForm(form.name, memory, {}, looks=looks)
    found = sent_forms.again(session, known, sent, clock.now())
    assert found is not None, f"{form.name} cannot be drawn"
    template, view, params = found
    made = Templates(ZONE).render(template, view, language="en", zone=ZONE, params=params)
    assert made.view is not None
    return made.view
