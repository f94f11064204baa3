"""Alerts of other systems at the running bot's doors, which are those of docs/alerts.md."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cli.stack import demo_doors, demo_environment, stack
from sandbox.drills.hands import Json, wait_for, words
from tests.journeys.invariants import each_message_once, kill
from tests.journeys.workspace import INCIDENTS, JO, MEI, PRIVATE, Workspace, daytime

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
SECRETS = {
    name.removeprefix("MUSTER_ALERTS_").lower(): value
    for name, value in demo_environment().items()
    if name.startswith("MUSTER_ALERTS_")
}
BEARER = {"Authorization": f"Bearer {SECRETS['alertmanager']}"}
CARD = "4111 1111 1111 1111"  # a card number that is nobody's
MANY = {**BEARER, "Idempotency-Key": "one-key"}


def shown_doors() -> Json:
    """Every door that the page shows."""
    doors: Json = {}
    for block in re.findall(r"^```yaml\n(alerts:\n.*?)^```", PAGE, re.S | re.M):
        doors |= yaml.safe_load(block)["alerts"]
    return doors


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    def change(data: Json) -> None:
        daytime(data)
        data["checks"] = []
        data["alerts"] = shown_doors()
        data["alerts"]["slow"] = {**data["alerts"]["alertmanager"], "per_minute": 1}
        data["alerts"]["slow"]["secret"] = "a-secret-of-the-slow-door"
        fuzzed = {"key": "{fingerprint}", "subject": "{labels.service|somebody}"}
        data["alerts"]["fuzzed"] = {**data["alerts"]["alertmanager"], **fuzzed, "per_minute": 6000}
        data["alerts"]["fuzzed"]["secret"] = "a-secret-of-the-fuzzed-door"

    folder = tmp_path_factory.mktemp("alerts")
    with stack(
        folder, shop_options=("--rate", "0"), bot_options=("--control", "0"), change=change
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


class Sender:
    """Another system, which knows the bot's address and its own door's secret."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def url(self) -> str:
        bot = self._workspace.stack.bot
        assert bot is not None
        return str(bot.says["web"])

    def post(
        self, door: str, body: Any, headers: Json | None = None, *, within: float = 10.0
    ) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(
            f"{self.url}/alerts/{door}", content=raw, headers=headers or {}, timeout=within
        )

    def stamp(self, *, ago: float = 0.0) -> str:
        return str(int(self._workspace.now().timestamp() - ago))

    def signed(
        self,
        door: str,
        body: Any,
        stamp: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = stamp or self.stamp()
        text = b"v1:" + stamp.encode() + b":" + raw
        made = hmac.new(SECRETS[door].encode(), text, hashlib.sha256).hexdigest()
        headers = {"X-Muster-Timestamp": stamp, "X-Muster-Signature": f"v1={made}"}
        return self.post(door, raw, {**headers, **(more or {})})


@pytest.fixture
def sender(workspace: Workspace) -> Sender:
    return Sender(workspace)


def firing(fingerprint: str, service: str, **more: Any) -> Json:
    labels = {"service": service, "severity": "warning", **more.pop("labels", {})}
    annotations = {"summary": more.pop("summary", "It does not answer.")}
    alert = {"status": "firing", "fingerprint": fingerprint, "labels": labels} | more
    return {"alerts": [{"startsAt": "2026-01-02T03:04:05Z", **alert, "annotations": annotations}]}


def resolved(fingerprint: str, **more: Any) -> Json:
    times = {"startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T03:30:00Z"}
    return {"alerts": [{"status": "resolved", "fingerprint": fingerprint, **times, **more}]}


def cards_of(workspace: Workspace, service: str, channel: str = INCIDENTS) -> list[Json]:
    found = workspace.slack.messages(JO if channel == PRIVATE else MEI, channel)
    return [m for m in found if service in words(m.get("blocks") or [])]


def card_of(workspace: Workspace, service: str, channel: str = INCIDENTS) -> Json:
    found = wait_for(lambda: cards_of(workspace, service, channel) or None, f"a card of {service}")
    return found[0]


def private_words(workspace: Workspace, text: str) -> str:
    """What the card of that text says in the private channel."""
    return words(card_of(workspace, text, PRIVATE).get("blocks") or [])


def kept(answer: httpx.Response) -> Json:
    assert answer.status_code == 202, answer.text
    found: Json = answer.json()
    return found


def error(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert "Server" not in answer.headers
    said = str(answer.json()["error"])
    assert said.endswith(".")
    return said


def numbers(workspace: Workspace, subject: str) -> list[int]:
    rows = workspace.rows("select number from incidents where subject = ?", subject)
    return [row["number"] for row in rows]


def test_the_demo_has_the_doors_of_the_page() -> None:
    assert shown_doors() == demo_doors()


def test_an_alert_is_an_incident_that_its_source_says_is_over(
    workspace: Workspace, sender: Sender
) -> None:
    """One card for it, however often it comes; and the source's word is said as the source's."""
    assert kept(sender.post("alertmanager", firing("a1", "checkout"), BEARER)) == {"kept": 1}
    card = card_of(workspace, "checkout")
    again = firing("a1", "checkout", labels={"severity": "critical"})
    kept(sender.post("alertmanager", again, BEARER))
    workspace.until(lambda: "SEV1" in workspace.card_words(card), "the severity")
    thread = "\n".join(
        words(m.get("blocks") or []) for m in workspace.slack.messages(MEI, INCIDENTS, card["ts"])
    )
    assert "Alert from Prometheus" in thread
    assert "It does not answer." in thread
    kept(sender.post("alertmanager", resolved("a1"), BEARER))
    workspace.until(
        lambda: (
            "Prometheus said" in workspace.card_words(card)
            and "that it is resolved" in workspace.card_words(card)
        ),
        "the source's word",
    )
    workspace.settled()
    assert len(cards_of(workspace, "checkout")) == 1
    row = workspace.rows("select status, source from incidents where subject = 'service:checkout'")
    assert [tuple(one) for one in row] == [("mitigated", "alert:alertmanager")]


def test_what_comes_again_is_there_again(workspace: Workspace, sender: Sender) -> None:
    """The same key begins anew by its own time: no second card, and no word that it is over."""
    kept(sender.post("alertmanager", firing("b1", "basket"), BEARER))
    card = card_of(workspace, "basket")
    kept(sender.post("alertmanager", resolved("b1"), BEARER))
    workspace.until(lambda: "said" in workspace.card_words(card), "the source's word")
    kept(sender.post("alertmanager", firing("b1", "basket"), BEARER))  # a straggler
    kept(sender.post("alertmanager", resolved("b1", startsAt="2026-01-01T00:00:00Z"), BEARER))
    workspace.settled()
    assert "that it is resolved" in workspace.card_words(card)
    later = firing("b1", "basket", startsAt="2026-01-02T05:00:00Z")
    kept(sender.post("alertmanager", later, BEARER))
    workspace.until(lambda: "resolved" not in workspace.card_words(card), "the new word")
    assert len(numbers(workspace, "service:basket")) == 1


def test_several_keys_of_one_subject_are_one_incident(workspace: Workspace, sender: Sender) -> None:
    """It is over when each of them is."""
    both = {"alerts": firing("c1", "search")["alerts"] + firing("c2", "search")["alerts"]}
    assert kept(sender.post("alertmanager", both, BEARER)) == {"kept": 2}
    card = card_of(workspace, "search")
    kept(sender.post("alertmanager", resolved("c1"), BEARER))
    workspace.settled()
    assert "resolved" not in workspace.card_words(card)
    kept(sender.post("alertmanager", resolved("c2"), BEARER))
    workspace.until(lambda: "resolved" in workspace.card_words(card), "the end of both")
    assert len(numbers(workspace, "service:search")) == 1


def test_a_signed_request_passes_once(workspace: Workspace, sender: Sender) -> None:
    body = {"job": "stock to shop", "state": "failed", "message": "42 files are waiting"}
    at = sender.stamp()
    assert kept(sender.signed("warehouse", body, at)) == {"kept": 1}
    assert kept(sender.signed("warehouse", body, at)) == {"kept": 0, "known": True}
    heard = sender.signed("warehouse", body, at, {"Idempotency-Key": "of who heard it"})
    assert kept(heard) == {"kept": 0, "known": True}, "no signature covers a key"
    card = card_of(workspace, "stock to shop")
    kept(sender.signed("warehouse", {**body, "state": "ok"}))
    workspace.until(lambda: "the warehouse said" in workspace.card_words(card), "its word")


def test_a_request_with_a_key_passes_once(workspace: Workspace, sender: Sender) -> None:
    assert kept(sender.post("alertmanager", firing("d1", "labels"), MANY)) == {"kept": 1}
    assert kept(sender.post("alertmanager", firing("d2", "lists"), MANY))["known"]
    card_of(workspace, "labels")
    workspace.settled()
    assert not cards_of(workspace, "lists")


def test_who_does_not_know_the_secret_is_refused(workspace: Workspace, sender: Sender) -> None:
    """In one sentence, which does not tell a door that there is from one that there is not."""
    alert = firing("e1", "forged")
    said = {
        error(sender.post("alertmanager", alert), 401),
        error(sender.post("alertmanager", alert, {"Authorization": "Bearer wrong"}), 401),
        error(sender.post("alertmanager", alert, {"Authorization": "Basic eDp5"}), 401),
        error(sender.post("nobody", alert, BEARER), 401),
        error(sender.post("warehouse", alert, BEARER), 401),
        error(
            sender.post(
                "warehouse", alert, {"X-Muster-Timestamp": "1", "X-Muster-Signature": "v1=00"}
            ),
            401,
        ),
    }
    assert len(said) == 1
    replayed = sender.signed("warehouse", {"job": "old", "state": "x"}, sender.stamp(ago=600))
    assert "minutes" in error(replayed, 401)
    workspace.settled()
    assert not cards_of(workspace, "forged")


def test_what_cannot_be_read_is_refused_in_a_sentence(sender: Sender) -> None:
    def said(body: Any) -> str:
        return error(sender.post("alertmanager", body, BEARER), 422)

    assert said(b"\xff\xfe") == "The body is not JSON in UTF-8."
    assert said({"alerts": {}}) == "The body has no list at “alerts” (alerts.alertmanager.each)."
    assert "alerts[0]" in said({"alerts": [{"status": "firing"}]})
    assert "fingerprint" in said({"alerts": [{"status": "firing"}]})
    assert "1001" in said({"alerts": [{}] * 1001})
    error(sender.post("alertmanager", b"x" * (1024 * 1024 + 1), BEARER), 413)


def test_one_odd_alert_does_not_keep_back_the_others(workspace: Workspace, sender: Sender) -> None:
    odd = {"alerts": [{"status": "firing"}, *firing("f1", "mixed")["alerts"]]}
    said = kept(sender.post("alertmanager", odd, BEARER))
    assert said["kept"] == 1
    assert "alerts[0]" in said["left_out"][0]
    card_of(workspace, "mixed")


def test_more_than_the_door_takes_in_a_minute(sender: Sender) -> None:
    headers = {"Authorization": "Bearer a-secret-of-the-slow-door"}
    assert kept(sender.post("slow", {"alerts": []}, headers)) == {"kept": 0}
    answer = sender.post("slow", {"alerts": []}, headers)
    error(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0


def test_an_intrusion_stays_in_the_private_channel(workspace: Workspace, sender: Sender) -> None:
    """And what looks personal is dots in Slack and stands nowhere in the database's file."""
    rule = {"id": 5712, "level": 10, "class": "attack", "name": f"SSH brute force {CARD}"}
    seen = {"rule": {**rule, "text": f"by {CARD}", "count": "120"}, "agent": {"name": "web-2"}}
    kept(sender.signed("ids", {**seen, "customer": "Wang Xiaoming"}))
    card = private_words(workspace, "SSH brute force")
    assert "•••" in card
    assert "120 attempts" in card
    workspace.settled()
    assert not cards_of(workspace, "brute force")
    log = json.dumps(workspace.log(), ensure_ascii=False)
    stored = b"".join(one.read_bytes() for one in workspace.stack.folder.glob("muster.db*"))
    for secret in (CARD, "Wang Xiaoming"):
        assert secret not in log
        assert secret.encode() not in stored
    low = {"rule": {**rule, "level": 2}, "agent": {"name": "web-9"}}
    assert kept(sender.signed("ids", low)) == {"kept": 0, "ignored": 1}


def test_many_requests_without_the_secret_are_an_incident(
    workspace: Workspace, sender: Sender
) -> None:
    """8.2.2: refused, not taken in, and told where the door says; quiet again, it is over."""
    for number in range(5):
        headers = {"X-Muster-Timestamp": str(number), "X-Muster-Signature": "v1=00"}
        error(sender.post("ids", {"forged": "yes"}, headers), 401)
    workspace.until(
        lambda: cards_of(workspace, "the door ids", PRIVATE), "the card of the refusals", driven=60
    )
    assert "5 requests" in private_words(workspace, "the door ids")
    workspace.advance(700)
    over = "The door ids is quiet again"
    workspace.until(lambda: cards_of(workspace, over, PRIVATE), "the end of it", driven=60)


def test_nothing_that_was_answered_is_lost(workspace: Workspace, sender: Sender) -> None:
    """Killed between the answer and the card: it opens at the next start, once."""
    bot = workspace.stack.bot
    assert bot is not None
    bot.stop()
    workspace.restart(module=("tests.journeys.crashing_bot", "alert"))
    for number in range(2):
        kept(sender.post("alertmanager", firing(f"g{number}", f"lost-{number}"), BEARER))
    assert not cards_of(workspace, "lost-")
    kill(workspace)
    workspace.restart()
    for number in range(2):
        card_of(workspace, f"lost-{number}")
    workspace.settled()
    assert len(cards_of(workspace, "lost-")) == 2
    each_message_once(workspace)


def test_what_cannot_be_stored_is_not_taken(workspace: Workspace, sender: Sender) -> None:
    """503, so that it is sent again; nothing is half taken."""
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        error(sender.post("alertmanager", firing("h1", "unstored"), BEARER), 503)
        connection.execute("rollback")
    workspace.settled()
    assert not cards_of(workspace, "unstored")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["firing", "resolved", "\x00", "\ud83d\ude00", "9" * 400, "2026-99-99"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "labels", "service", "severity", "summary", "x"])
            | st.text(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
_KEYS = ("status", "fingerprint", "labels", "annotations", "startsAt", "endsAt")
_ALERTS = st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS, _JSON))


@settings(
    max_examples=300 if os.environ.get("MUSTER_FULL") else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.binary(max_size=60)
    | st.builds(lambda found: json.dumps(found).encode(), _JSON)
    | st.builds(lambda found: json.dumps({"alerts": found}).encode(), st.lists(_ALERTS, max_size=3))
)
def test_no_body_makes_a_door_fail(workspace: Workspace, sender: Sender, body: bytes) -> None:
    """Taken, or refused in a sentence; never a 500, and never a traceback in the log."""
    with closing(sqlite3.connect(workspace.database)) as connection:
        before = connection.execute("select count(*) from work where state = 'parked'").fetchone()
    answer = sender.post("fuzzed", body, {"Authorization": "Bearer a-secret-of-the-fuzzed-door"})
    assert answer.status_code in (202, 422), answer.text
    if answer.status_code == 422:
        error(answer, 422)
    log = (workspace.stack.folder / "bot.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    with closing(sqlite3.connect(workspace.database)) as connection:
        parked = connection.execute("select count(*) from work where state = 'parked'").fetchone()
    assert parked == before
