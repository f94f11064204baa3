"""Tickets of a help desk that has no database open an incident of the section for slow service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.checks.listing_server import Desk, desk, rows, text
from tests.journeys.test_outage import pass_time
from tests.journeys.workspace import CS, Workspace, daytime

pytestmark = pytest.mark.slow
TOKEN = "token-of-the-desk"


@pytest.fixture(scope="module")
def served() -> Iterator[Desk]:
    with desk() as found:
        yield found


@pytest.fixture(scope="module")
def workspace(served: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    served.answer = rows({"data": tickets(4)})

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["checks"] = []
        data["shop"]["mapping"]["tickets"] = {
            "http": {
                "url": f"{served.url}/api/tickets?status=open",
                "headers": {"Authorization": f"Bearer {TOKEN}"},
                "rows": "data",
                "may_be_empty": True,
            },
            "form": "iso_z",
            "fields": {
                "key": "id",
                "state": {"column": "status", "words": {"open": ["new"]}},
                "opened_at": "created_at",
                "answered_at": "answered_at",
            },
        }

    folder = tmp_path_factory.mktemp("tickets")
    options: dict[str, Any] = {"shop_options": ("--rate", "0"), "bot_options": ("--control", "0")}
    with stack(folder, change=change, **options) as running:
        found = Workspace(running)
        yield found
        found.close()


def tickets(number: int) -> list[dict[str, Any]]:
    opened = datetime.now(UTC) - timedelta(hours=5)
    return [
        {"id": f"T-{key}", "status": "new", "created_at": f"{opened:%Y-%m-%dT%H:%M:%SZ}",
         "answered_at": None}
        for key in range(number)
    ]  # fmt: skip


def test_waiting_tickets_are_an_incident_until_they_are_seen_answered(
    workspace: Workspace, served: Desk
) -> None:
    pass_time(workspace, 900)
    assert len(served.asked) > 2
    assert workspace.cards(CS) == [], "four are no pattern"
    served.answer = rows({"data": tickets(6)})
    pass_time(workspace, 600)
    (card,) = wait_for(lambda: workspace.cards(CS) or None, "the card at the service desk")
    assert "6 " in workspace.card_words(card, CS)
    kept = {row["key"] for row in workspace.rows("select key from cases")}
    assert kept == {f"T-{key}" for key in range(6)}

    def recovered() -> bool:
        return workspace.one("select recovered_at from incidents") is not None

    served.answer = text(TOKEN, 401)
    pass_time(workspace, 1200)
    assert not recovered(), "what cannot be asked has not recovered"
    assert TOKEN not in workspace.stack.bot.log.read_text(encoding="utf-8")  # type: ignore[union-attr]
    served.answer = rows({"data": []})
    pass_time(workspace, 1200)
    assert recovered()
