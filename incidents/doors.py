"""Doors of the shop: which actions and looks the configuration has, and what a button lacks.

A shop may begin with a database alone. What cannot be done is not offered, and is said beside the
step with the place in muster.yaml where it would be set: a button that is refused at 3 a.m. is
worse than none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from plan.model import Action

ORDER = "order"  # the look at an order by its number
_HAS_ITS_OWN = ("contact", "mutate")  # the others change nothing outside of Muster


@dataclass(frozen=True)
class Doors:
    """Names of the shop's actions, and of the looks that can be answered. None: not known, and
    everything is taken to be there."""

    actions: Collection[str] | None = None
    looks: Collection[str] | None = None

    def lacks(self, action: Action) -> tuple[str, ...]:
        """The places in muster.yaml without which the action would be refused; empty: none."""
        found: list[str] = []
        if self.actions is not None and action.kind in _HAS_ITS_OWN:
            found += [f"shop.actions.{action.id}"] * (action.id not in self.actions)
        if self.looks is not None:
            found += [f"shop.looks.{one}" for one in _looks(action) if one not in self.looks]
        return tuple(dict.fromkeys(found))

    @property
    def knows_orders(self) -> bool:
        """Whether an order can be looked up by its number."""
        return self.can_look(ORDER)

    def can_look(self, name: str) -> bool:
        """Whether the look can be answered."""
        return self.looks is None or name in self.looks


def _looks(action: Action) -> list[str]:
    """What is looked at before it goes out. An effect that cannot be looked at is asked of a
    person, so that look may be missing."""
    found = [one.look for one in action.preconditions]
    if action.before is not None:
        found.append(action.before)
    if action.message is not None and action.message.reads is not None:
        found.append(action.message.reads.look)
    if action.kind == "read" and action.verify is not None:
        found.append(action.verify.look)
    return found
