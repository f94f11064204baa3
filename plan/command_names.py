"""Command names: what each slash command is called in this workspace.

Slack gives a name to whoever installed it last, so a workspace may have `/incident` taken: the name
that is typed is a fact of the workspace, and everything that names a command asks here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

COMMANDS = ("incident", "complaint", "order")
# Slack: begins with a slash, at most 32 characters, no spaces, lower case.
_ALLOWED = re.compile(r"/[^\s/A-Z]{1,31}")
_NONE: Mapping[str, str] = MappingProxyType({})


class CommandNames:
    """Ours by the name that is typed, and the other way round."""

    def __init__(self, configured: Mapping[str, str] = _NONE) -> None:
        self._shown = {name: configured.get(name, f"/{name}") for name in COMMANDS}
        self._ours = {shown: name for name, shown in self._shown.items()}

    def ours(self, typed: str) -> str:
        """Our name of what was typed; what is none of ours stays as it is."""
        return self._ours.get(typed, typed.lstrip("/"))

    @property
    def shown(self) -> Mapping[str, str]:
        """What is typed, by our name."""
        return self._shown


def faults(configured: Mapping[str, str]) -> list[str]:
    """What is wrong with the names of a configuration, each in one sentence."""
    found = [
        f"{name} is no command of Muster's; there are {', '.join(COMMANDS)}"
        for name in configured
        if name not in COMMANDS
    ]
    found += [
        f"{name}: “{shown}” cannot be a command; Slack takes a slash and up to 31 lower-case "
        "characters without spaces"
        for name, shown in configured.items()
        if not _ALLOWED.fullmatch(shown)
    ]
    every = list(CommandNames(configured).shown.values())
    found += [
        f"“{shown}” stands for two commands"
        for shown in dict.fromkeys(every)
        if every.count(shown) > 1
    ]
    return found
