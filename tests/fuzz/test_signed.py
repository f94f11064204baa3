"""Signed payloads with forged values: nothing falls over, nothing is set aside, nothing changes.

What Slack sent in a real session (presses, forms, commands, shortcuts, events) is sent again by
somebody without a role, with other values in it, signed as Slack signs.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import strategies as st

from bot.cli.drill import stories_of
from sandbox.drills.hands import wait_for
from sandbox.drills.run import run
from sandbox.slack.http_events import signature
from tests.fuzz.budget import Budget
from tests.fuzz.forging import RECIPES, Recipe, forged
from tests.journeys.workspace import INCIDENTS, LIN, MEI, SAM, Workspace
from tests.public.conftest import Public

pytestmark = [pytest.mark.slow, pytest.mark.drill]
SECONDS = 360.0
SECRET = "sandbox-signing-secret"
_AGAIN = """(kind = 'note' and data like '%"source": "command"%')"""  # it was reported again
_FRESH = ("trigger_id", "event_id", "response_url", "api_app_id", "token")


@pytest.fixture
def session(public: Public) -> Workspace:
    """Three sections were worked, one incident is open, and forms were looked at."""
    workspace = public.workspace
    for section in ("7.2", "3.3"):
        story = stories_of().load(section)
        if story.intake is not None:
            continue
        run(
            story,
            workspace.stack.slack_url,
            workspace.stack.shop_url,
            workspace.stack.advance,
            lambda _: None,
        )
    workspace.types(MEI, "/inc-tw report 2.2 The packing table stands still")
    workspace.types(LIN, "/訂單 FG-10482")
    workspace.form(LIN, lambda: workspace.slack.command(LIN, INCIDENTS, "/kundenklage", ""))
    workspace.post("/hand/home/open", **{"as": MEI})
    workspace.settled()
    return workspace


def test_nothing_falls_over_and_nothing_changes(
    session: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = session.log()
    sent = [entry["payload"] for entry in log["deliveries"] if entry["payload"]]
    kinds = {_kind(payload) for payload in sent}
    assert {"block_actions", "view_submission", "command", "event"} <= kinds, kinds
    bot = session.stack.bot
    assert bot is not None
    url = f"{bot.says['web']}/slack/events"
    budget = Budget(SECONDS)
    known = session.one("select max(id) from incidents")
    before, told = _stands(session, known), _lines(bot.log)

    def attack(recipes: list[Recipe]) -> None:
        if budget.over:
            return
        for recipe in recipes:
            body = _by_somebody_without_a_role(forged(sent, recipe), budget)
            answer = _post(http, url, body)
            budget.counts[f"answered {answer.status_code}"] += 1
            budget.counts["signed"] += 1
            assert answer.status_code in (200, 400), (answer.status_code, _lines(bot.log)[-1])
        wait_for(lambda: not session.busy(), "the end of the work", within=60)
        parked = session.rows("select kind, key, last_error from work where state = 'parked'")
        assert parked == []
        now = _stands(session, known)
        assert now == before, next(b for a, b in zip(before, now, strict=True) if a != b)[-3:]
        new = [line for line in _lines(bot.log)[len(told) :] if _bad(line)]
        assert new == []
        told.extend(_lines(bot.log)[len(told) :])

    with httpx.Client(timeout=10) as http:
        budget.attack(attack, st.lists(RECIPES, min_size=10, max_size=25))
    budget.told("signed payloads with forged values", capsys)
    assert budget.counts["answered 200"] >= budget.counts["signed"] / 2
    assert bot.running


def _stands(workspace: Workspace, known: int) -> list[Any]:
    """What must stay: everything of the incidents that were there, and whatever the shop did.

    Anybody of the workspace may report an incident: that makes a new one, or says it again of the
    one that is open (a note that came by a report).
    """
    runs = f"select id from runbook_runs where incident_id <= {known}"
    queries = (
        f"select id, status, severity, owner, section, private from incidents where id <= {known}",
        f"select id, kind, actor from timeline where incident_id <= {known} and not {_AGAIN}",
        f"select id, state from steps where run_id in ({runs})",
        f"select id, done_at from follow_ups where incident_id <= {known}",
        f"select id, state from action_attempts where incident_id <= {known}",
        f"select id, state from approvals where incident_id <= {known}",
        f"select id, state from cases where incident_id <= {known}",
    )
    rows = [[tuple(row) for row in workspace.rows(query)] for query in queries]
    return [workspace.shop.mutations(), *rows]


def _kind(payload: Any) -> str:
    if "command" in payload:
        return "command"
    return "event" if "event" in payload else str(payload.get("type"))


def _by_somebody_without_a_role(payload: Any, budget: Budget) -> Any:
    """Whoever the payload names as its sender; the rest of it stays as it was forged."""
    if not isinstance(payload, dict):
        return payload
    budget.counts["as " + _kind(payload)[:20]] += 1
    mine = dict(payload)
    if isinstance(mine.get("user"), dict):
        mine["user"] = {**mine["user"], "id": SAM}
    if "user_id" in mine:
        mine["user_id"] = SAM
    if isinstance(mine.get("event"), dict):
        mine["event"] = {**mine["event"], "user": SAM}
    for name in _FRESH[:2]:
        if name in mine:
            mine[name] = f"{time.time_ns()}"
    return mine


def _post(http: httpx.Client, url: str, payload: Any) -> httpx.Response:
    kind = "application/x-www-form-urlencoded"
    if isinstance(payload, dict) and "event" in payload:
        body, kind = _json(payload), "application/json"
    elif isinstance(payload, dict) and "command" in payload:
        body = urlencode({k: v if isinstance(v, str) else _json(v) for k, v in payload.items()},
                         errors="replace")  # fmt: skip
    else:
        body = urlencode({"payload": _json(payload)})
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(SECRET, stamp, body),
    }
    return http.post(url, content=body.encode(), headers=headers)


def _json(value: Any) -> str:
    return json.dumps(value)


def _lines(log: Path) -> list[str]:
    return log.read_text("utf-8", errors="replace").splitlines()


def _bad(line: str) -> bool:
    """A traceback, or what the bot itself calls an error."""
    return "Traceback" in line or '"level": "error"' in line or '"level": "critical"' in line
