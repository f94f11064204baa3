"""Stacks: views, each person's open modals, and their App Home."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.slack import cast, limits
from sandbox.slack.blocks.walk import each_block, elements_of
from sandbox.slack.clock import SandboxClock
from sandbox.slack.errors import Json, Refused
from sandbox.slack.values import Values, copied, initial_values


def complete_ids(blocks: Sequence[Json]) -> None:
    """Gives every block and element the id that Slack makes up when there is none."""
    for block in each_block(blocks):
        if not block.get("block_id"):
            block["block_id"] = secrets.token_urlsafe(4)
        for element in elements_of(block):
            if not element.get("action_id") and element["type"] != "image":
                element["action_id"] = secrets.token_urlsafe(4)


@dataclass
class View:
    id: str
    user: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None
    values: Values = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    def to_api(self) -> Json:
        """The view as Slack returns it, with its state."""
        body = self.body
        return {
            "id": self.id,
            "team_id": cast.TEAM_ID,
            "type": self.kind,
            "blocks": body["blocks"],
            "private_metadata": body.get("private_metadata", ""),
            "callback_id": body.get("callback_id", ""),
            "state": {"values": copied(self.values)},
            "hash": self.hash,
            "title": body.get("title"),
            "submit": body.get("submit"),
            "close": body.get("close"),
            "clear_on_close": body.get("clear_on_close", False),
            "notify_on_close": body.get("notify_on_close", False),
            "submit_disabled": False,
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": cast.APP_ID,
            "external_id": body.get("external_id", ""),
            "app_installed_team_id": cast.TEAM_ID,
            "bot_id": cast.BOT_ID,
        }


class Views:
    """All views of the workspace. Modals of one person form a stack of at most three."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._by_id: dict[str, View] = {}
        self._by_external: dict[str, str] = {}
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def _hash(self) -> str:
        return f"{int(self._clock.now())}.{secrets.token_hex(4)}"

    def get(self, view_id: str) -> View:
        view = self._by_id.get(view_id)
        if view is None:
            raise Refused("not_found")
        return view

    def find(self, view_id: str | None, external_id: str | None) -> View:
        if view_id is None and external_id is not None:
            view_id = self._by_external.get(external_id)
        return self.get(view_id or "")

    def stack(self, user: str) -> list[View]:
        return self._stacks.get(user, [])

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def open(self, user: str, body: Json) -> View:
        """A new stack; what was open before goes."""
        self._claim_external(body, None)
        self.clear(user)
        view = self._new(user, body, None)
        self._stacks[user] = [view]
        return view

    def push(self, user: str, body: Json) -> View:
        stack = self.stack(user)
        if not stack:
            raise Refused("not_found")
        if len(stack) >= limits.VIEW_STACK:
            raise Refused("push_limit_reached")
        self._claim_external(body, None)
        view = self._new(user, body, stack[-1])
        stack.append(view)
        return view

    def update(self, view: View, body: Json, hash_: str | None) -> None:
        """Raises `hash_conflict` when the caller's hash is not the view's."""
        if hash_ is not None and hash_ != view.hash:
            raise Refused("hash_conflict")
        self._claim_external(body, view)
        complete_ids(body["blocks"])
        self._by_external.pop(view.body.get("external_id", ""), None)
        if body.get("external_id"):
            self._by_external[body["external_id"]] = view.id
        view.values = initial_values(body["blocks"], view.values)
        view.body = body
        view.hash = self._hash()

    def publish(self, user: str, body: Json, hash_: str | None) -> View:
        view = self._homes.get(user)
        if view is not None:
            self.update(view, body, hash_)
            return view
        if hash_ is not None:
            raise Refused("hash_conflict")
        self._claim_external(body, None)
        view = self._homes[user] = self._new(user, body, None)
        return view

    def pop(self, view: View) -> None:
        """Closes a modal and those above it."""
        stack = self.stack(view.user)
        for closed in stack[stack.index(view) :]:
            self._forget(closed)
        del stack[stack.index(view) :]

    def clear(self, user: str) -> list[View]:
        """Closes all modals of a person, the topmost first."""
        closed = list(reversed(self._stacks.pop(user, [])))
        for view in closed:
            self._forget(view)
        return closed

    def _new(self, user: str, body: Json, below: View | None) -> View:
        complete_ids(body["blocks"])
        view_id = f"V{secrets.token_hex(5).upper()}"
        view = View(
            view_id,
            user,
            body,
            self._hash(),
            below.root_id if below else view_id,
            below.id if below else None,
            initial_values(body["blocks"]),
        )
        self._by_id[view_id] = view
        if body.get("external_id"):
            self._by_external[body["external_id"]] = view_id
        return view

    def _claim_external(self, body: Json, view: View | None) -> None:
        owner = self._by_external.get(body.get("external_id", ""))
        if owner is not None and (view is None or owner != view.id):
            raise Refused("duplicate_external_id")

    def _forget(self, view: View) -> None:
        self._by_id.pop(view.id, None)
        self._by_external.pop(view.body.get("external_id", ""), None)
