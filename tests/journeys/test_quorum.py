"""A quorum in the running bot: one signal is a note, two are one incident that names who spoke."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.cli.stack import stack
from tests.journeys.workspace import MEI, Workspace, daytime

pytestmark = pytest.mark.slow

_STATUS = {"/inside": 200, "/outside": 200}  # what each place is answered
_REPORTED = {"ok": True}  # by a prober that is not ours


class _Places(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(_REPORTED if self.path == "/report" else {}).encode()
        self.send_response(_STATUS.get(self.path, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Places)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        probe = {"kind": "http_probe", "every": 5, "service": "shop", "shadow": True}
        data["shop"]["looks"]["uptime"] = {"url": f"{url}/report"}
        data["checks"] = [
            {**probe, "name": "inside", "url": f"{url}/inside"}
            | {"title": {"en": "from inside", "zh-Hant": "內部探測"}},
            {**probe, "name": "outside", "url": f"{url}/outside"},
            {"kind": "quorum", "name": "shop-down", "every": 5, "open_after": 2}
            | {"service": "shop", "at_least": 2, "severity": 1}
            | {"signals": ["inside", "outside", {"look": "uptime", "title": {"en": "Uptime"}}]},
        ]

    folder = tmp_path_factory.mktemp("quorum")
    with stack(
        folder, shop_options=("--rate", "0"), bot_options=("--control", "0"), change=change
    ) as running:
        found = Workspace(running)
        yield found
        found.close()
    server.shutdown()
    server.server_close()


def look(workspace: Workspace, times: int) -> None:
    for _ in range(times):
        workspace.advance(5)
    workspace.settled()


def figures(workspace: Workspace) -> dict[str, Any]:
    [row] = workspace.rows("select figures from check_states where name = ? and subject = ''", _Q)
    found: dict[str, Any] = json.loads(row["figures"])
    return found


_Q = "shop-down"


def test_one_is_a_note_and_two_are_one_incident(workspace: Workspace) -> None:
    _STATUS["/inside"] = 500
    look(workspace, 6)
    assert workspace.cards() == []
    assert figures(workspace)["signals"] == {
        "inside": "failing: http_500",
        "outside": "well",
        "uptime": "well",
    }
    assert figures(workspace)["shadow"]["now"] == {"service:shop": 1}, "it stands as a note"

    _REPORTED.clear()  # the prober says nothing that could be understood
    look(workspace, 4)
    assert workspace.cards() == [], "who cannot look does not count against it"

    _REPORTED.update({"ok": False, "problem": "timeout"})
    look(workspace, 3)
    [card] = workspace.until(workspace.cards, "the card of the quorum")
    said = workspace.card_words(card)
    assert "shop" in said
    assert (
        "2 of 3 signals fail: from inside (error 500), Uptime (no answer in time). Well: outside."
        in said
    )
    assert workspace.rung()[MEI] >= 1

    _STATUS["/inside"] = 200
    look(workspace, 4)
    assert len(workspace.cards()) == 1
    workspace.until(
        lambda: "takes orders again" in workspace.card_words(card) or None, "its recovery"
    )
