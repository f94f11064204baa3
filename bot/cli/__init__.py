"""The command line: `muster …`."""

from bot.cli.main import main

__all__ = ["main"]
