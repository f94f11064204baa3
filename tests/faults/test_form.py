"""Every form of the product under every fault: what was typed is there, and its person sees an end.

An end is the form with what is wrong above its fields (for who may not, what they typed without
it); or, where it was closed or stays silent for long, a message to that person alone with what they
typed; or Slack's own word that it was not sent, with the form as it was.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.drills.forms import state_values
from storage.database import Database
from storage.errors import AlreadyRunning
from tests.conftest import KEY
from tests.faults.conftest import each
from tests.faults.outages import broken, take_backup
from tests.faults.product import (
    FORMS,
    PEOPLE,
    ROUNDS,
    WORDS,
    ProductBot,
    Typed,
    drawn,
    seed,
    strangers,
)
from tests.faults.table import Case
from tests.faults.test_process import POINTS, House, house
from tests.intake.conftest import Bot, Connect, Workspace
from tests.sandbox_slack.conftest import Hand, until

_KINDS = {"retry_after_600": "rate_limited"}
_RETRY_AFTER = {"rate_limited": 3, "retry_after_600": 600}
_HOLDS = ("rate_limited", "no_retry_after", "retry_after_600")  # the method, for everybody
_LATE = 20.0  # seconds until what was given up lands
_SOON = 60.0  # seconds of the clock within which a person sees an end, if Slack is there
_LIVES = 12.0


class Desks:
    """Five people with a form each."""

    def __init__(self, slack: Workspace, database: Database, clock: Any) -> None:
        self.slack = slack
        self.database = database
        self.clock = clock
        self.house = strangers()
        self.open: dict[str, tuple[Typed, dict[str, Any]]] = {}
        self.sent: set[str] = set()

    async def seed(self) -> None:
        await self.database.write(lambda s: seed(s, self.house, self.clock))

    async def opens(self, person: str, form: Typed) -> None:
        """The form stands in front of the person."""
        view = await self.database.read(lambda s: drawn(s, self.house, form, self.clock))
        trigger = self.slack.sandbox.world.triggers.issue(person)
        await self.slack.client.views_open(trigger_id=trigger, view=view)
        self.open[person] = form, (await self._views(person))[-1]
        self.sent.discard(person)

    async def open_all(self, forms: Sequence[Typed]) -> None:
        self.open.clear()
        self.sent.clear()
        for person, form in zip(PEOPLE, forms, strict=False):
            await self.opens(person, form)

    async def send(self, person: str) -> bool:
        """Whether Slack took it; if not, it says so and leaves the form as it is."""
        form, view = self.open[person]
        values = state_values(view, dict(form.answers))
        answer = await self.slack.hand.post(
            "submit", **{"as": person}, view_id=view["id"], values=values
        )
        if answer.get("ok"):
            self.sent.add(person)
        return bool(answer.get("ok"))

    async def send_all(self) -> None:
        await asyncio.gather(*(self.send(person) for person in self.open))

    async def _views(self, person: str) -> list[dict[str, Any]]:
        found = await self.slack.hand.get("views", **{"as": person})
        views: list[dict[str, Any]] = found["views"]
        return views

    async def end_of(self, person: str) -> str | None:
        """form, message, kept (Slack did not take it); None: they still wait."""
        form, opened = self.open[person]
        views = [v for v in await self._views(person) if v["id"] == opened["id"]]
        typed = _texts(form)
        if views and any(b["block_id"] == "error" for b in views[0]["blocks"]):
            _holds(views[0], form)
            return "form"
        if views and any(b["block_id"] == "result" for b in views[0]["blocks"]):
            shown = json.dumps(views[0]["blocks"], ensure_ascii=False)
            assert all(text in shown for text in typed), f"{form.name} has lost words: {shown}"
            return "form"  # who may not is not given the form again, but what they typed
        if views and person not in self.sent and views[0].get("submit"):
            state = json.dumps(views[0]["state"], ensure_ascii=False)
            assert all(text in state for text in typed), f"{form.name}: {state}"
            return "kept"
        for message in await self._told(person):
            shown = json.dumps(message.get("blocks"), ensure_ascii=False)
            if all(text in shown for text in typed) and "answer" in shown:
                return "message"
        return None

    async def _told(self, person: str) -> list[dict[str, Any]]:
        found = await self.slack.hand.messages(person, "C0INCIDENTS")
        alone = [m for m in found if m.get("ephemeral")]
        direct = await self.slack.hand.get("messages", **{"as": person}, channel=f"D{person[1:]}")
        return [*alone, *direct.get("messages", ())]

    async def ended(self, *ends: str) -> bool:
        found = [await self.end_of(person) for person in self.open]
        return all(one in (ends or ("form", "message", "kept")) for one in found)


def _texts(form: Typed) -> list[str]:
    return [str(v) for v in form.answers.values() if v in (WORDS, "FG-0", "12.50")]


def _holds(view: dict[str, Any], form: Typed) -> None:
    """Every value that was typed stands in its field."""
    assert view.get("submit"), f"{form.name}: it cannot be sent again"
    elements = {b["block_id"]: b["element"] for b in view["blocks"] if b["type"] == "input"}
    for name, value in form.answers.items():
        initial = [given for key, given in elements[name].items() if key.startswith("initial_")]
        shown = json.dumps(initial, ensure_ascii=False)
        assert str(value) in shown, f"{form.name} has lost {name}: {shown}"


@pytest.fixture
async def bot(case: Case, url: str) -> AsyncIterator[ProductBot]:
    made = ProductBot(Database.open(url, key=KEY))
    yield made
    await made.close()


@pytest.fixture
async def slack(bot: Bot, connect: Connect) -> Workspace:
    made: Workspace = await connect(connections=1)
    return made


@pytest.fixture
async def desks(bot: Bot, slack: Workspace) -> Desks:
    made = Desks(slack, bot.database, bot.clock)
    await made.seed()
    return made


async def _pass(bot: Bot, desks: Desks, seconds: float, step: float = 5.0) -> None:
    """Both clocks go on; whatever comes due is done."""
    for _ in range(max(1, int(seconds / step))):
        bot.clock.advance(step)
        desks.slack.sandbox.world.clock.advance(step)
        await until(lambda: _idle(bot), seconds=10)


async def _idle(bot: Bot) -> bool:
    return not sum((await bot.workers.pending()).values()) and not bot.intake.busy


@each("test_form.test_an_answer_of_slack")
async def test_an_answer_of_slack(case: Case, bot: Bot, slack: Workspace, desks: Desks) -> None:
    """Whatever Slack answers to the result of the form, each person sees an end within a minute."""
    fault, world = case.fault.id, slack.sandbox.world
    for forms in ROUNDS:
        await desks.open_all(forms)
        if fault != "slack_down":
            world.faults.add(
                {
                    "method": "views.update",
                    "kind": _KINDS.get(fault, fault),
                    "times": 1 if fault in _HOLDS else len(desks.open),
                    "retry_after": _RETRY_AFTER.get(fault, 1),
                    "seconds": _LATE if fault == "late_effect" else 0,
                }
            )
        else:
            world.faults.add({"method": "*", "kind": "down"})
        await desks.send_all()
        await until(lambda: _idle(bot), seconds=10)
        if fault == "slack_down":
            await _pass(bot, desks, 3600, step=180)
            world.faults.remove()
        await _pass(bot, desks, _SOON)
        assert await desks.ended("form", "message"), await _ends(desks)
        if fault == "retry_after_600":
            await _pass(bot, desks, 600, step=60)
        assert await desks.ended("form"), await _ends(desks)


async def _ends(desks: Desks) -> dict[str, str | None]:
    return {form.name: await desks.end_of(p) for p, (form, _) in desks.open.items()}


@each("test_form.test_a_redelivery")
async def test_a_redelivery(case: Case, bot: Bot, slack: Workspace, desks: Desks) -> None:
    """The same submission again changes nothing in the form that came back."""
    gap = {"twice_at_once": 0, "twice_3_s_apart": 3, "after_restart": 45}[case.fault.id]
    for forms in ROUNDS:
        await desks.open_all(forms)
        for person in desks.open:
            rule = {"redeliver": "interactive", "twice": True, "gap": gap}
            await slack.hand.post("delivery", **rule)
            assert await desks.send(person)
        if case.fault.id == "after_restart":
            await slack.restart(bot)
        await _pass(bot, desks, gap + 10)
        assert await desks.ended("form"), await _ends(desks)
    await until(lambda: bot.settled())


@each("test_form.test_the_database")
async def test_the_database(
    case: Case, bot: Bot, slack: Workspace, desks: Desks, url: str, tmp_path: Path
) -> None:
    """What cannot be stored is not taken: Slack says so, and the form stands as it was typed."""
    for forms in ROUNDS[:1] if case.fault.id == "restored" else ROUNDS:
        await desks.open_all(forms)
        if case.fault.id == "restored":
            await desks.send_all()
            await _pass(bot, desks, 10)
            await _restore(bot, slack, url, tmp_path)
            desks.database = bot.database
            await _pass(bot, desks, 30)
            assert await desks.ended("form"), "the older database took the form back"
            await desks.open_all(forms)
        else:
            with broken(case.fault.id, url):
                await desks.send_all()
                assert not desks.sent, "taken although nothing was stored"
            await until(lambda: _idle(bot), seconds=10)
            assert await desks.ended("kept"), await _ends(desks)
        await desks.send_all()  # the person presses again
        await _pass(bot, desks, 10)
        assert await desks.ended("form"), await _ends(desks)


async def _restore(bot: Bot, slack: Workspace, url: str, folder: Path) -> None:
    assert slack.socket_mode is not None
    await slack.socket_mode.stop()
    await bot.workers.stop(within=1.0)
    await bot.database.close()
    put_back = take_backup(url, folder)
    put_back(KEY)
    bot.database = Database.open(url, key=KEY)
    bot.compose(slack.client)
    await bot.workers.start()
    await slack.connect_again(bot, connections=1)


@each("test_form.test_a_second_replica")
async def test_a_second_replica(
    case: Case, bot: Bot, slack: Workspace, desks: Desks, url: str
) -> None:
    """Two processes have the same submission at the same moment: one answer, and it stands."""
    second = Database.open(url, key=KEY)
    if second.embedded:
        bot.database.run_alone()
        with pytest.raises(AlreadyRunning):
            second.run_alone()
        await second.close()
        for forms in ROUNDS:
            await desks.open_all(forms)
            await desks.send_all()
            await _pass(bot, desks, 10)
            assert await desks.ended("form"), await _ends(desks)
        return
    other = ProductBot(second, clock=bot.clock)
    other.compose(slack.client)
    await other.workers.start()
    beside = Workspace(slack.sandbox, slack.hand, slack.client, "socket")
    await beside.connect_again(other, connections=1)
    for forms in ROUNDS:
        await desks.open_all(forms)
        for person in desks.open:
            await slack.hand.post("delivery", redeliver="interactive", twice=True)
            assert await desks.send(person)
        await _pass(bot, desks, 10)
        await until(lambda: _idle(other), seconds=10)
        assert await desks.ended("form"), await _ends(desks)
    assert beside.socket_mode is not None
    await beside.socket_mode.stop()
    await other.workers.stop(within=1.0)
    await other.close()


# --- a process that is killed or frozen


async def _turns(slack: Workspace, desks: Desks) -> Iterable[tuple[str, Typed]]:
    """Each person with a form of their own; the forms come in turn over the cells."""
    chosen = random.SystemRandom().sample(FORMS[:4] + FORMS[5:9] + FORMS[10:], 4)
    return zip(PEOPLE[:4], chosen, strict=True)


@each("test_form.test_a_process")
async def test_a_process(case: Case, house: House) -> None:
    """Killed at its commits or at any moment, or frozen: what Slack took comes to its end."""
    url = house.postbox.sandbox.url
    hand = Hand(url, house.process.session)
    slack = Workspace(house.postbox.sandbox, hand, house.postbox.client, "socket")
    desks = Desks(slack, house.database, house.postbox.clock)
    await desks.seed()
    if case.fault.id == "stop_past_lease":
        await _frozen(house, desks)
    else:
        await _killed(case, house, desks)
    for _ in range(8):
        await house.process.advance(15, house.postbox.sandbox)
    assert await desks.ended(), await _ends(desks)
    assert await house.left() == []


async def _killed(case: Case, house: House, desks: Desks) -> None:
    chance = random.Random(random.SystemRandom().randrange(10**6))
    named = case.fault.id == "kill_at_commit"
    for point, (person, form) in zip(POINTS, await _turns(desks.slack, desks), strict=False):
        assert await house.process.start(kill=point if named else None, armed_later=named)
        await desks.opens(person, form)
        house.process.send(signal.SIGUSR1) if named else None
        sending = asyncio.create_task(desks.send(person))
        if not named:
            await asyncio.sleep(chance.uniform(0.0, 0.15))  # the moment is what is random
            await house.process.kill()
        await sending
        if house.process.alive:
            await until(house.process.idle_or_dead, seconds=_LIVES)
            await house.process.kill()
        await house.process.ended()
        await house.end_leases()
    await house.process.start()


async def _frozen(house: House, desks: Desks) -> None:
    """With the request that shows the result under way; another takes over, where it may."""
    await house.process.start()
    for person, form in await _turns(desks.slack, desks):
        await desks.opens(person, form)
    house.postbox.sandbox.world.latency = 0.3
    await desks.send_all()
    await until(lambda: house.postbox.calls("views.update") > 0, seconds=10)
    house.process.send(signal.SIGSTOP)
    await house.end_leases()
    house.postbox.sandbox.world.latency = 0.0
    house.process.send(signal.SIGCONT)
    await until(house.process.idle, seconds=15)


__all__ = ["house"]
