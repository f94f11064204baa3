"""A pager: one module, and a line of configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.journeys.workspace import Workspace, daytime
from tests.seams.conftest import Service, environment_of

MODULE = '''"""Siren of the warehouse."""

from typing import Literal

from actions.paging.base import PagerSettings, Provider, post


class SirenSettings(PagerSettings):
    kind: Literal["siren"]
    url: str
    tone: str


class Siren:
    def __init__(self, http, settings):
        self._http, self._settings = http, settings

    async def send(self, page):
        body = {"tone": self._settings.tone, "say": page.summary, "key": page.dedup_key}
        await post(self._http, self._settings.url, body)


PROVIDER = Provider(SirenSettings, Siren)
'''


def test_it_wakes_where_nobody_takes_a_sev1(tmp_path: Path, source: Path, service: Service) -> None:
    (source / "actions/paging/siren.py").write_text(MODULE, "utf-8")

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["page"] = {"kind": "siren", "url": f"{service.url}/siren", "tone": "low"}

    with stack(tmp_path, shop_options=("--rate", "0"), change=change, with_bot=False) as running:
        running.environment |= environment_of(source)
        running.start_bot("--control", "0")
        workspace = Workspace(running)
        workspace.shop.post("/faults", {"kind": "server_crash", "on": True})
        workspace.until(lambda: workspace.cards(), "the card of 9.1")
        workspace.settled()
        for _ in range(3):  # reminder, second, page
            workspace.advance(310)
        wait_for(lambda: service.got or None, "the siren")
        method, path, body, _ = service.got[0]
        assert (method, path, body["tone"], body["key"]) == ("POST", "/siren", "low", "INC-1")
        assert "SEV1" in body["say"]
        workspace.close()
