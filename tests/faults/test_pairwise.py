"""Every template and every action of the plan once, with faults dealt pairwise.

The deal comes from a fixed seed: each pair of a fault and a delivery class (or action contract) is
covered, and every template and every action meets at least two faults. Engines in turn.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.orm import Session

from actions.declarations import ActionDeclaration
from bot.delivery.content import Content, Request
from plan.loader import load_plan
from storage.models import AttemptState
from tests.actions.tiny_shop import pretty
from tests.delivery.conftest import Drawings, Postbox, open_postbox
from tests.faults.classes import WAYS, Home, Way
from tests.faults.ordeals import CLEAN, pass_fault, set_fault, settled
from tests.faults.table import ENGINES, FAULTS
from tests.faults.test_action import _AFTER_NOTHING, _OF_THE_SHOP, _WITHOUT_EFFECT
from tests.message_templates.everything import PARTS, TEMPLATES, inputs, template_names

SEED = 412
LEAST = 2  # faults that every template and every action meets
ANSWERS = [fault.id for fault in FAULTS if fault.family == "answer"]
CONTRACTS = ("keys", "lookup", "neither")
_DEMO = Path(__file__).parents[2] / "bot/cli/data/demo.yaml"
_MESSAGES = [name for name in WAYS if name not in ("file", "view")]


@dataclass(frozen=True)
class Deal:
    """What meets which fault, and by which class or contract it goes."""

    name: str
    fault: str
    by: str
    number: int

    @property
    def engine(self) -> str:
        return ENGINES[self.number % 2]

    @property
    def id(self) -> str:
        return f"{self.name}-{self.fault}-{self.by}-{self.engine}"


@cache
def drawn() -> dict[str, list[Any]]:
    """Everything that each template is rendered with, in both languages."""
    found: dict[str, list[Any]] = defaultdict(list)
    for number, (name, view, params) in enumerate(inputs()):
        language = ("en", "zh-Hant")[number % 2]
        found[name].append(TEMPLATES.render(name, view, language=language, params=params))
    return found


def _class_names(template: str) -> list[str]:
    """The classes by which a template can go."""
    view = drawn()[template][0].view
    if view is not None:
        return ["home"] if view["type"] == "home" else ["view"]
    return [*_MESSAGES, "file"] if template == "review" else list(_MESSAGES)


def _deal(names: dict[str, list[str]], faults: list[str]) -> list[Deal]:
    """Each pair once, to whoever has had the fewest; then until everybody has had enough."""
    chance = random.Random(SEED)
    had: Counter[str] = Counter()
    dealt: list[Deal] = []

    def give(name: str, fault: str, by: str) -> None:
        had[name] += 1
        dealt.append(Deal(name, fault, by, len(dealt)))

    pairs = [(f, by) for f in faults for by in sorted({c for cs in names.values() for c in cs})]
    chance.shuffle(pairs)
    for fault, by in pairs:
        able = sorted(name for name, classes in names.items() if by in classes)
        give(min(able, key=lambda name: (had[name], chance.random())), fault, by)
    for name, classes in names.items():
        while had[name] < LEAST:
            met = {deal.fault for deal in dealt if deal.name == name}
            fault = chance.choice([one for one in faults if one not in met])
            give(name, fault, chance.choice(classes))
    return dealt


@cache
def templates() -> list[Deal]:
    return _deal({name: _class_names(name) for name in sorted(drawn())}, ANSWERS)


@cache
def actions() -> list[Deal]:
    found = load_plan(None).plan.actions
    sent = sorted(name for name, one in found.items() if one.kind in ("mutate", "contact"))
    return _deal({name: list(CONTRACTS) for name in sent}, sorted(_OF_THE_SHOP))


def each_deal(dealt: list[Deal]) -> pytest.MarkDecorator:
    params = [
        pytest.param(deal, id=deal.id, marks=[pytest.mark.postgres] * (deal.engine == "postgresql"))
        for deal in dealt
    ]
    return pytest.mark.parametrize("deal", params)


@pytest.fixture
def url(deal: Deal, request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if deal.engine == "sqlite" else "pg_url"
    found: str = request.getfixturevalue(name)
    return found


class Given(Drawings):
    """Draws a template of the product as the message that the fault hits."""

    def __init__(self, template: str, message: Any) -> None:
        super().__init__()
        self._template = template
        self._message = message

    def __call__(self, session: Session, request: Request) -> Content:
        plain = super().__call__(session, request)
        if request.template != self._template:
            return plain
        if self._message.view is not None:
            return replace(plain, view=self._message.view)
        return replace(plain, blocks=self._message.blocks)


@pytest.fixture
async def postbox(url: str) -> AsyncIterator[Postbox]:
    async with open_postbox(url) as opened:
        yield opened


@pytest.mark.slow
@each_deal(templates())
async def test_every_template(deal: Deal, postbox: Postbox) -> None:
    """As the product draws it, once in Slack, whatever Slack answers."""
    way: Way = Home() if deal.by == "home" else WAYS[deal.by]()
    forms = drawn()[deal.name]
    postbox.drawings = Given(way.template, forms[deal.number % len(forms)])
    postbox.start()
    await way.prepare(postbox)
    set_fault(postbox, way, deal.fault)
    await way.act(postbox)
    await pass_fault(postbox, way, deal.fault)
    await settled(postbox, way, surely=deal.fault in CLEAN)
    refused = [e.error for e in postbox.sandbox.world.log.requests if e.error == "invalid_blocks"]
    assert refused == []


@pytest.mark.slow
@each_deal(actions())
async def test_every_action(deal: Deal, make_desk: Any) -> None:
    """As the demo declares it: one effect a key, never a blind repetition."""
    action = load_plan(None).plan.actions[deal.name]
    alone = action.model_copy(update={"preconditions": (), "before": None, "verify": None})
    demo = yaml.safe_load(_DEMO.read_text(encoding="utf-8"))["shop"]["actions"][deal.name]
    lookup = None if deal.by == "neither" else "/idempotency/{{ key }}"
    declaration = ActionDeclaration.model_validate(
        {**demo, "contract": deal.by, "lookup": lookup, "timeout": 0.5}
    )
    desk = await make_desk(alone, declaration)
    params = {name: f"a {name}" for name in action.params}
    params |= {"methods": ["card"], "amount": {"minor": 100, "currency": "TWD"}}
    await desk.ask(deal.name, params)
    desk.shop.faults = [_OF_THE_SHOP[deal.fault]]
    await desk.run(20)
    desk.shop.land()
    await desk.run(4000)
    state = AttemptState((await desk.attempt()).state)
    sent = sum(1 for line in desk.shop.asked if line == "PUT key-1")
    assert state is _wanted(deal), pretty(desk.shop.asked)
    assert len(desk.shop.applied) == _applied(deal, state)
    if deal.by != "keys":
        assert sent == 1 + (deal.fault in ("rate_limited", "no_retry_after"))
    assert await desk.unfinished() == 0


def _wanted(deal: Deal) -> AttemptState:
    if deal.fault == "retry_after_600":
        return AttemptState.FAILED
    if deal.fault in _WITHOUT_EFFECT:
        return _AFTER_NOTHING[deal.by]
    lost = deal.fault in ("lost_reply", "malformed", "late_effect")
    # With nothing to look with, a lost answer stays a person's question.
    return AttemptState.UNKNOWN if lost and deal.by == "neither" else AttemptState.DONE


def _applied(deal: Deal, state: AttemptState) -> int:
    if state is AttemptState.UNKNOWN:
        return int(deal.fault not in _WITHOUT_EFFECT)
    return int(state is AttemptState.DONE)


def test_every_template_is_dealt_enough() -> None:
    had = Counter(deal.name for deal in templates())
    assert set(had) >= template_names() - PARTS
    assert min(had.values()) >= LEAST
    assert {(deal.fault, deal.by) for deal in templates()} >= {
        (fault, by) for fault in ANSWERS for by in WAYS
    }


def test_every_action_is_dealt_enough() -> None:
    """What only looks or stays in the house sends nothing that could be doubled."""
    had = Counter(deal.name for deal in actions())
    found = load_plan(None).plan.actions
    assert set(found) - set(had) == {n for n, a in found.items() if a.kind in ("read", "internal")}
    assert min(had.values()) >= LEAST
    assert {(d.fault, d.by) for d in actions()} == {(f, c) for f in _OF_THE_SHOP for c in CONTRACTS}
