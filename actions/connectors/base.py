"""Connector: the shop's doors, whatever they speak.

Looks are questions, actions are effects under an idempotency key. Every error is a ShopError:
NotSent (no effect), Refused (no effect, with the reason), NoAnswer (not known).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from actions.declarations import ActionDeclaration
from actions.requests import Scope


@dataclass(frozen=True)
class ShopAnswer:
    """A good answer. `replayed`: the shop says that it had done it before, under the same key."""

    status: int
    body: Any
    replayed: bool = False


class Connector(Protocol):
    """What the runner of actions and the looks need of a shop."""

    def address(self, name: str, scope: Scope) -> str:
        """Where a look asks, as people read it."""

    def action(self, name: str) -> ActionDeclaration | None:
        """How the configuration declares the action; None: the shop has no such door."""

    async def look(self, name: str, scope: Scope) -> Any:
        """What a look shows, as JSON."""

    async def act(self, name: str, key: str, scope: Scope) -> ShopAnswer:
        """Sends the action once, under its key. Never repeats by itself."""

    async def find(self, name: str, scope: Scope) -> ShopAnswer | None:
        """What the shop knows of the key in the scope; None: it had no effect so far."""
