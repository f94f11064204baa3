"""Steps of the clock under a running bot: what must go on, and within how long.

Truth comes from what the shop was asked and from Slack.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from sandbox.drills.hands import wait_for
from tests.journeys.workspace import MEI, Workspace

GOES_ON = 15.0  # seconds
REMINDS = 30.0  # after so long nobody may have a SEV1
CASES = {
    "started-ahead-and-corrected": 0.0,
    "forty-seconds-back": -40.0,
    "five-minutes-back": -300.0,
    "two-hours-back": -7200.0,
    "two-hours-forward": 7200.0,
}
DAILY = ("two-hours-back", "two-hours-forward")  # the others in .ci/full
AHEAD = 8 * 3600.0  # of the start


@dataclass
class Services:
    """Services that are probed: which are down, and when each was asked (running time)."""

    url: str = ""
    down: set[str] = field(default_factory=set)
    asked: dict[str, list[float]] = field(default_factory=dict)


@contextmanager
def services() -> Iterator[Services]:
    found = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            found.asked.setdefault(name, []).append(time.monotonic())
            self.send_response(500 if name in found.down else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def configured(services: Services) -> Callable[[dict[str, Any]], None]:
    """One probe for each case, an escalation that does not wait long."""

    def change(data: dict[str, Any]) -> None:
        data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}
        data["escalation"] = {"remind_after": int(REMINDS), "second_after": 600, "page_after": 900}
        data["checks"] = [
            {
                "name": name,
                "kind": "http_probe",
                "every": 5,
                "open_after": 1,
                "url": f"{services.url}/{name}",
                "service": name,
                "slow_after": 30,  # a slow machine is no fault of the service
                "timeout": 30,
            }
            for name in CASES
        ]

    return change


def goes_on(workspace: Workspace, services: Services, name: str, step: Callable[[], None]) -> None:
    """A service is down, its card waits for Slack, nobody has it; then the clock is set."""
    workspace.fault("chat.postMessage", "http_503", times=-1)
    services.down.add(name)
    opened = "select number from incidents where fingerprint like ?"
    number = wait_for(lambda: _number(workspace, opened, name), "the incident", within=20)
    began = time.monotonic()
    wait_for(lambda: _tried(workspace) or None, "a try to post the card", within=10)
    step()
    stepped = time.monotonic()
    workspace.no_faults()
    wait_for(lambda: _card(workspace, number), "the card", within=GOES_ON)
    wait_for(
        lambda: sum(at > stepped for at in services.asked[name]) >= 2 or None,
        "two more probes",
        within=GOES_ON - (time.monotonic() - stepped),
    )
    reminded = began + REMINDS + GOES_ON - time.monotonic()
    wait_for(lambda: _rung(workspace, number) >= 2 or None, "the reminder", within=reminded)
    wait_for(lambda: _ready(workspace) or None, "readiness", within=GOES_ON)


def _number(workspace: Workspace, query: str, name: str) -> int | None:
    rows = workspace.rows(query, f"%{name}")
    return int(rows[0][0]) if rows else None


def _tried(workspace: Workspace) -> bool:
    waiting = "select count(*) from work where kind = 'message' and last_error is not null"
    return bool(workspace.one(f"{waiting} and state in ('pending', 'unclear')"))


def _card(workspace: Workspace, number: int) -> Any:
    found = [c for c in workspace.cards() if f"INC-{number}" in json.dumps(c)]
    return found or None


def _rung(workspace: Workspace, number: int) -> int:
    rings = workspace.slack.rings(MEI)
    return sum(1 for ring in rings if ring.get("sound") and f"INC-{number}" in json.dumps(ring))


def _ready(workspace: Workspace) -> bool:
    bot = workspace.stack.bots["bot"]
    return httpx.get(f"{bot.says['web']}/readyz").status_code == 200
