"""An action against a new endpoint: data alone, in the shop's own folder and its muster.yaml."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.journeys.workspace import KAI, MEI, Workspace, daytime
from tests.seams.conftest import Service

OWN = Path(__file__).parents[1] / "plan/own"
ACTION = """
actions:
  lower_thermostat:
    title: {en: Lower the thermostat, zh-Hant: 調低溫度}
    kind: mutate
    roles: [oncall]
    params: {store: "{{ facts.store }}", degrees: "{{ 2 }}"}
    confirm:
      title: {en: "Lower it?", zh-Hant: 調低溫度？}
      text: {en: The store is set to 2 °C. It can be set again., zh-Hant: 設為 2 °C，可再次調整。}
      confirm: {en: Lower it, zh-Hant: 調低}
    verify: {look: store, holds: look.degrees == params.degrees}
    log:
      en: "{{ actor }} set the store to {{ params.degrees }} °C"
      zh-Hant: "{{ actor }} 將冷藏庫設為 {{ params.degrees }} °C"
"""
BUTTONS = """
      buttons:
        - id: lower
          does: action
          action: lower_thermostat
          label: {en: Lower the thermostat, zh-Hant: 調低溫度}
"""


def test_it_is_sent_verified_and_logged(tmp_path: Path, service: Service) -> None:
    own = tmp_path / "own"
    shutil.copytree(OWN, own)
    folder = own / "sections/11.1"
    (folder / "actions.yaml").write_text(ACTION, "utf-8")
    section = folder / "section.yaml"
    text = section.read_text("utf-8")
    title = "      title: {en: Have it mended"
    assert title in text
    section.write_text(text.replace(title, BUTTONS.lstrip("\n") + title), "utf-8")

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["plan"] = {"extra": str(own)}
        data["shop"]["looks"]["store"] = {"url": f"{service.url}/store"}
        data["shop"]["actions"]["lower_thermostat"] = {
            "url": f"{service.url}/store",
            "method": "PUT",
            "contract": "keys",
            "headers": {"Authorization": "Bearer ${env:STORE_TOKEN}"},
            "body": {"store": "{{ params.store }}", "degrees": "{{ params.degrees }}"},
        }

    with stack(tmp_path, shop_options=("--rate", "0"), change=change, with_bot=False) as running:
        running.environment["STORE_TOKEN"] = "t0ken"
        running.start_bot("--control", "0")
        workspace = Workspace(running)
        form = workspace.form(
            KAI, lambda: workspace.slack.command(KAI, "C0INCIDENTS", "/incident", "")
        )
        workspace.send(KAI, form, {"type": "cold_store_warm"})
        form = wait_for(
            lambda: next((v for v in workspace.views(KAI) if "Cold" in str(v["title"])), None),
            "the form of the type",
        )
        workspace.send(KAI, form, {"store": "North", "degrees": "12"})
        card = workspace.until(lambda: workspace.cards(), "the card of 11.1")[0]
        desk = workspace.at(card, MEI)
        desk.press({"step": "11.1.s1", "button": "enter", "form": {"boxes": "40"}})
        desk.press({"step": "11.1.s2", "button": "lower"})
        [(method, path, body, headers)] = service.got
        assert (method, path, body) == ("PUT", "/store", {"store": "North", "degrees": 2})
        assert headers["authorization"] == "Bearer t0ken"
        assert headers["idempotency-key"]
        workspace.until(
            lambda: "set the store to 2 °C" in workspace.at(card).thread_words() or None,
            "the log line",
        )
        workspace.close()
