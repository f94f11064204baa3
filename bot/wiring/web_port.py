"""Web port: opened so that in HTTP mode Slack's requests are read by the shortest way."""

from __future__ import annotations

from contextlib import AsyncExitStack

from aiohttp import web

from bot.intake.front import Front
from bot.intake.http import HttpIntake
from bot.settings import Settings
from bot.web.bare import bare


def open_port(
    settings: Settings, runner: web.AppRunner, http: HttpIntake | None, stack: AsyncExitStack
) -> int:
    """The port; what was opened is closed with the stack."""
    server = runner.server
    assert server is not None  # noqa: S101 - it has been set up
    front = Front(http, lambda: bare(server))
    stack.push_async_callback(front.stop)
    if http is not None:
        stack.callback(http.close)
    return front.start(settings.web.host, settings.web.port)
