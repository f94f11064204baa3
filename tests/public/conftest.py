"""One stack in HTTP mode behind a reverse proxy, in a workspace where the command names are
taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.cli.stack import stack
from tests.journeys.workspace import Workspace, daytime
from tests.public.reverse_proxy import ReverseProxy

NAMES = {"incident": "/inc-tw", "complaint": "/kundenklage", "order": "/訂單"}
PUBLIC = "https://bots.shop.example/muster"


@dataclass
class Public:
    """The workspace, and the way by which Slack reaches the bot in it."""

    workspace: Workspace
    proxy: ReverseProxy


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Public]:
    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["slack"]["mode"] = "http"
        data["web"]["public_url"] = PUBLIC

    proxy = ReverseProxy()
    try:
        with stack(
            tmp_path,
            shop_options=("--rate", "0"),
            slack_options=("--http-events", f"{proxy.url}/slack/events"),
            bot_options=("--control", "0"),
            change=change,
            commands=NAMES,
            public_url=PUBLIC,
            with_bot=False,
        ) as running:
            bot = running.start_bot("--control", "0")
            proxy.target = str(bot.says["web"])
            workspace = Workspace(running)
            yield Public(workspace, proxy)
            workspace.close()
    finally:
        proxy.close()
