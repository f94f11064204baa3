"""Terminal output: every value stands in it as it was written, never as markup.

Rich reads square brackets as styles and `:name:` as an emoji, and a terminal obeys control
characters. So all output of the commands goes through here: styles are given beside a text, not
inside it, and a character that would do something is shown by its code instead.
"""

from __future__ import annotations

import os
import re
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_PIPED = 400  # columns where nobody looks at a screen: a line stays whole for grep
# Control characters, and the marks that hide or turn around what follows them.
_DOES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def shown(value: object) -> str:
    """The value as it is written; what a terminal would obey is shown by its code."""
    return _DOES.sub(lambda found: f"\\u{ord(found.group()):04x}", str(value))


def text(value: object, style: str = "") -> Text:
    """A value, styled as a whole."""
    return Text(shown(value), style=style)


def line(*parts: Text | str) -> Text:
    """Parts one after the other; a str is a value without a style."""
    made = Text()
    for part in parts:
        made.append_text(part if isinstance(part, Text) else text(part))
    return made


class Lines(Table):
    """A table without a frame, whose cells are values."""

    def __init__(self, *names: str, **look: Any) -> None:
        super().__init__(**{"box": None, "pad_edge": False, **look})
        for name in names:
            self.add_column(name, overflow="fold")  # wrapped, never cut: it is copied from here

    def row(self, *cells: object) -> None:
        self.add_row(*(_cell(one) for one in cells))


def _cell(value: object) -> Text:
    if isinstance(value, Text):
        return value
    return Text(shown(value).replace("\n", "\\n").replace("\t", "\\t"))


class Terminal:
    """Where the commands write people's lines."""

    def __init__(self, *, error: bool = False) -> None:
        console = Console(stderr=error, markup=False, emoji=False, highlight=False)
        if not console.is_terminal and not os.environ.get("COLUMNS"):
            console = Console(
                stderr=error, markup=False, emoji=False, highlight=False, width=_PIPED
            )
        self.console = console

    def say(self, *parts: Text | str) -> None:
        self.console.print(line(*parts), soft_wrap=True)

    def show(self, table: RenderableType) -> None:
        self.console.print(table)


def say(value: object, *, error: bool = False) -> None:
    """A sentence without any style."""
    click.echo(shown(value), err=error)
