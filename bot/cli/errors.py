"""Errors meant for the user of the command line."""

from __future__ import annotations

from bot.cli.terminal import say


class UserError(Exception):
    """One clear sentence (or a few) with what to do. Exit code 2, no traceback."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))


def tell(error: UserError) -> None:
    """Writes the sentences to the standard error."""
    for line in str(error).splitlines():
        say(f"muster: {line}", error=True)
