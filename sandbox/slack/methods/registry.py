"""Registry: how a method is declared, and how its arguments are read from JSON, form or query."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.slack import cast
from sandbox.slack.errors import Json, Refused
from sandbox.slack.state import Channel

if TYPE_CHECKING:
    from sandbox.slack.world import World

# The kinds of arguments.
TEXT, WHOLE, FLAG, JSON, LIST = "string", "integer", "boolean", "json", "list"
_TRUE, _FALSE = ("1", "true", "True"), ("0", "false", "False")


@dataclass
class Call:
    """One call: who calls, with which arguments, on which world."""

    world: World
    args: Json
    user: str = cast.BOT_USER

    def __getitem__(self, name: str) -> Any:
        return self.args[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.args.get(name, default)

    def channel(self, name: str = "channel") -> Channel:
        """The channel named by the argument, as far as the app can see it.

        Slack: `channel_not_found` for a private channel that the app is no member of.
        """
        channel = self.world.workspace.channels.get(self.args[name])
        if channel is None or not self.world.sees(self.user, channel):
            raise Refused("channel_not_found")
        return channel

    def member_channel(self, name: str = "channel") -> Channel:
        """The same, and the app must be a member of it."""
        channel = self.channel(name)
        if self.user not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def live_channel(self, name: str = "channel") -> Channel:
        channel = self.member_channel(name)
        if channel.is_archived:
            raise Refused("is_archived")
        return channel

    def need(self, *scopes: str) -> None:
        """Raises `missing_scope` unless one of the scopes was granted."""
        granted = self.world.config.scopes
        if not any(scope in granted for scope in scopes):
            raise missing_scope(scopes, granted)

    def page(
        self, items: Sequence[Json], *, default: int = 100, most: int = 1000
    ) -> tuple[list[Json], Json]:
        """One page of a list by `cursor` and `limit`, and its response_metadata."""
        limit = self.get("limit") or default
        if not 1 <= limit <= most:
            raise Refused("invalid_limit")
        cursor = self.get("cursor") or "0"
        if not cursor.removeprefix("next:").isdigit():
            raise Refused("invalid_cursor")
        start = int(cursor.removeprefix("next:"))
        end = start + limit
        following = f"next:{end}" if end < len(items) else ""
        return list(items[start:end]), {"next_cursor": following}


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class ArgumentTable:
    """The names, kinds and necessity of arguments."""

    kinds: Mapping[str, str]
    required: frozenset[str]

    @classmethod
    def of(cls, line: str, common: Mapping[str, str] | None = None) -> ArgumentTable:
        """Reads a line like "channel! text blocks:json limit:integer"; `!` marks a required one."""
        kinds: dict[str, str] = dict(common or {})
        required = set()
        for word in line.split():
            argument, _, kind = word.partition(":")
            if argument.endswith("!"):
                argument = argument[:-1]
                required.add(argument)
            kinds[argument] = kind or TEXT
        return cls(kinds, frozenset(required))

    def read(self, given: Mapping[str, Any]) -> Json:
        """The arguments in their types. Raises `invalid_arguments` naming what is wrong."""
        problems: list[str] = []
        args: Json = {}
        for name, value in given.items():
            kind = self.kinds.get(name)
            if kind is None:
                problems.append(f"unknown argument: {name}")
            elif value is None:
                problems.append(f"null is no value [json-pointer:/{name}]")
            else:
                try:
                    args[name] = _READERS[kind](value)
                except ValueError as error:
                    problems.append(f"{error} [json-pointer:/{name}]")
        problems += [
            f"missing required field: {name}"
            for name in sorted(self.required)
            if given.get(name) in (None, "")
        ]
        if problems:
            raise Refused("invalid_arguments", messages=problems)
        return args


@dataclass(frozen=True)
class Method:
    name: str
    handler: Handler
    arguments: ArgumentTable
    scopes: tuple[str, ...]
    tier: int
    token: str = "bot"  # noqa: S105 - "bot", "app" or "none": which kind of token it takes
    json: bool = True  # Slack: some methods read no JSON; what stands in such a body is not seen


METHODS: Final[dict[str, Method]] = {}
# Arguments that every method takes.
_COMMON: Final = {"token": TEXT, "team_id": TEXT, "pretty": TEXT}


def method(
    name: str,
    arguments: str = "",
    *,
    scopes: Sequence[str] = (),
    tier: int = 3,
    token: str = "bot",  # noqa: S107
    json: bool = True,
) -> Callable[[Handler], Handler]:
    """Declares a method; `arguments` is a line as `ArgumentTable.of` reads it."""

    def declare(handler: Handler) -> Handler:
        table = ArgumentTable.of(arguments, _COMMON)
        METHODS[name] = Method(name, handler, table, tuple(scopes), tier, token, json)
        return handler

    return declare


def missing_scope(scopes: Sequence[str], granted: frozenset[str]) -> Refused:
    return Refused("missing_scope", needed=",".join(scopes), provided=",".join(sorted(granted)))


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("must be a string")
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError("must be an integer")
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError("must be an integer") from None


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value) in _TRUE:
        return True
    if str(value) in _FALSE:
        return False
    raise ValueError("must be a boolean")


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be valid JSON") from None


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        if value.startswith("["):
            value = _json(value)
        else:
            return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of strings")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    TEXT: _text,
    WHOLE: _whole,
    FLAG: _flag,
    JSON: _json,
    LIST: _list,
}
