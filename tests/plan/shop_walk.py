"""Carries the plan's actions out against the running demo shop, as the bot's parts would together.

It is no copy of the domain: it only fills what the plan says (cases, parameters, conditions), sends
what the demo's configuration declares, and looks. So a test can say that plan, configuration and
shop speak of the same things.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from actions.connectors.http import ShopClient, open_http
from actions.declarations import ActionDeclaration, LookDeclaration
from actions.errors import ShopError
from incidents.shop_actions.customer_messages import read, write
from incidents.shop_actions.told_orders import kind_of
from plan import expressions
from plan.loader import load_plan
from plan.model import Action, Guard

CONFIG = Path(__file__).parents[2] / "bot/cli/data/demo.yaml"
NOW = "2026-11-11T03:09:00+00:00"


class Unverified(AssertionError):
    """The effect of an action does not show in the shop."""


class Refused(AssertionError):
    """A precondition of an action does not hold."""


@dataclass
class Walk:
    """One incident by hand: its facts, its cases, and the doors of the shop."""

    client: ShopClient
    facts: dict[str, Any]
    cases: list[dict[str, Any]] = field(default_factory=list)
    form: dict[str, Any] = field(default_factory=dict)
    told: set[tuple[str, str | None]] = field(default_factory=set)
    keys: Any = field(default_factory=lambda: itertools.count(1))

    def scope(self, **more: Any) -> dict[str, Any]:
        return {
            "facts": self.facts,
            "incident": {"reference": "INC-412"},
            "cases": {"unknown": 0},
            "steps": {},
            "form": self.form,
            "actor": "Mei",
            "now": NOW,
            **more,
        }

    def reached(self, name: str) -> list[dict[str, Any]]:
        """The cases that pressing the action now would reach."""
        wanted = load_plan().plan.actions[name].cases
        assert wanted is not None
        action = load_plan().plan.actions[name]
        return [
            c
            for c in self.cases
            if expressions.holds(wanted, self.scope(case=c))
            and (c["key"], kind_of(action, self.scope(case=c))) not in self.told
        ]

    async def press(self, name: str) -> list[dict[str, Any]]:
        """The action for everything it reaches, and what follows on it. Gives the answers."""
        action = load_plan().plan.actions[name]
        groups: dict[str, list[Any]] = {}
        for case in self.reached(name) if action.cases else [None]:
            customer = case and action.once_per_customer and case["facts"].get("customer")
            groups.setdefault(str(customer or len(groups)), []).append(case)
        answers = [await self._once(action, group) for group in groups.values()]
        if action.then:
            await self.press(action.then)
        return answers

    async def _once(self, action: Action, group: list[Any]) -> dict[str, Any]:
        scope = self.scope(case=group[0], group=group)
        if action.message is not None:
            scope["message"] = await self._letter(action, scope, group)
        if action.tells is not None:
            self.told |= {(c["key"], kind_of(action, {**scope, "case": c})) for c in group if c}
        params = {
            name: expressions.value(template, scope) for name, template in action.params.items()
        }
        scope |= {"params": params, "key": f"key-{next(self.keys)}"}
        for condition in action.preconditions:
            look = await self.look(condition.look, scope)
            if not expressions.holds(condition.holds, {**scope, "look": look}):
                raise Refused(expressions.fill(condition.problem.en, {**scope, "look": look}))
        if action.before:
            scope["before"] = await self.look(action.before, scope)
        if action.kind in ("mutate", "contact"):
            answer = await self.client.act(action.id, str(scope["key"]), scope)
            scope["response"] = answer.body
        if action.verify:
            look = await self.look(action.verify.look, scope)
            if action.kind == "read":
                scope["response"] = look
            scope["after"] = look
            if not expressions.holds(action.verify.holds, {**scope, "look": look}):
                raise Unverified(f"{action.id}: {action.verify.holds} does not hold of {look}")
        for case in group:
            self._leave(action, case, {**scope, "case": case})
        response = scope.get("response", {})
        return dict(response) if isinstance(response, dict) else {}

    async def _letter(self, action: Action, scope: dict[str, Any], group: list[Any]) -> Any:
        """As it is written just before it is sent, from a fresh look at each order."""
        assert action.message is not None
        kind = str(kind_of(action, scope))
        if action.message.reads is not None:
            seen = [await self.look(action.message.reads.look, self.scope(case=c)) for c in group]
            group = [read(action.message, c, s, scope) for c, s in zip(group, seen, strict=True)]
        return write(action.message, kind, group, scope, "zh-Hant").scope()

    async def look(self, name: str, scope: dict[str, Any]) -> Any:
        try:
            return await self.client.look(name, scope)
        except ShopError as error:
            return {"error": error.code}

    def _leave(self, action: Action, case: dict[str, Any] | None, scope: dict[str, Any]) -> None:
        for path, template in action.facts.items():
            at, *rest = path.split(".")
            if rest:
                self.facts.setdefault(at, {})[rest[0]] = expressions.value(template, scope)
            else:
                self.facts[at] = expressions.value(template, scope)
        if case is None:
            return
        for name, template in action.case_facts.items():
            case["facts"][name] = expressions.value(template, scope)
        state = action.case_state and expressions.evaluate(action.case_state, scope)
        outcome = action.case_outcome and expressions.evaluate(action.case_outcome, scope)
        case["state"] = state or case["state"]
        case["outcome"] = outcome or case["outcome"]

    async def failing(self, guard: Guard) -> list[str]:
        """What the guard says against resolving now."""
        said = []
        for case in self.cases if guard.per_case else [None]:
            scope = self.scope(case=case)
            if guard.look:
                scope["look"] = await self.look(guard.look, scope)
            if not expressions.holds(guard.holds, scope):
                said.append(expressions.fill(guard.words.en, scope))
        return said


def doors(control_url: str) -> tuple[ShopClient, Any]:
    """A client with the looks and actions that the demo's configuration declares."""
    declared = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["shop"]
    http = open_http()
    client = ShopClient(
        http,
        base_url=control_url,
        looks={n: LookDeclaration.model_validate(d) for n, d in declared["looks"].items()},
        actions={n: ActionDeclaration.model_validate(d) for n, d in declared["actions"].items()},
    )
    return client, http


def case(key: str, state: str = "open", **facts: Any) -> dict[str, Any]:
    return {
        "kind": "order",
        "key": key,
        "state": state,
        "amount": facts.pop("amount", None),
        "outcome": None,
        "facts": facts,
    }
