"""HTTP mode: signatures, foreign bodies, Slack's own probes."""

from __future__ import annotations

import io
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from bot.intake.deliveries import body_of, delivery_key
from bot.intake.parse import parse_body
from sandbox.slack import cast
from tests.intake.conftest import Bot, Connect, Workspace

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


async def send(
    slack: Workspace,
    body: str,
    *,
    secret: str = cast.SIGNING_SECRET,
    age: int = 0,
    kind: str = JSON,
) -> tuple[int, str]:
    stamp = str(int(time.time()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    headers = {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature or "",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.http_url, data=io.BytesIO(body.encode()), headers=headers) as response,
    ):
        return response.status, await response.text()


EVENT = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": {"type": "x"}})


@pytest.mark.parametrize("mode", ["http"], indirect=True)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_only_what_slack_signed_in_time_comes_in(bot: Bot, connect: Connect) -> None:
    slack = await connect()
    assert (await send(slack, EVENT, secret="other"))[0] == 401
    assert (await send(slack, EVENT, age=600))[0] == 401
    assert (await send(slack, "no json"))[0] == 400
    assert (await send(slack, "[1]"))[0] == 400
    assert (await send(slack, "payload=broken", kind=FORM))[0] == 400
    assert (await send(slack, " " * 1_100_000))[0] == 413
    assert bot.intake.counts.received == 0
    assert await send(slack, EVENT) == (200, "")
    assert bot.intake.counts.stored == 1
    challenge = json.dumps({"type": "url_verification", "challenge": "abc"})
    assert await send(slack, challenge) == (200, "abc")
    assert (await send(slack, "ssl_check=1&token=x", kind=FORM))[0] == 200
    assert bot.intake.counts.received == 1
    slack.http.close()  # type: ignore[union-attr]
    assert (await send(slack, EVENT))[0] == 503


def test_keys_tell_deliveries_apart() -> None:
    view = {"type": "view_closed", "view": {"id": "V1", "hash": "1.2"}}
    bodies: list[dict[str, Any]] = [
        {"event_id": "Ev1", "trigger_id": "1.2", "event": {}},
        {"trigger_id": "1.2", "view": {"id": "V1", "hash": "1.2"}},
        view,
        view | {"view": {"id": "V1", "hash": "1.3"}},
        {"type": "foreign"},
        {"type": "foreign", "more": 1},
    ]
    keys = [delivery_key(body) for body in bodies]
    assert keys[:3] == ["event:Ev1", "trigger:1.2", "view_closed:V1:1.2"]
    assert len(set(keys)) == len(keys)
    assert delivery_key({"more": 1, "type": "foreign"}) == keys[-1]


_NUMBERS = st.integers(-(2**63), 2**64 - 1)  # beyond, a float is read: decision 0010


@given(st.dictionaries(st.text(), st.text() | _NUMBERS | st.none(), min_size=1))
def test_a_body_is_read_as_it_was_sent(body: dict[str, Any]) -> None:
    for raw, kind in ((json.dumps(body), JSON), (urlencode({"payload": json.dumps(body)}), FORM)):
        parsed = parse_body(raw, kind)
        assert parsed is not None
        assert parsed[0] == body
        assert json.loads(parsed[1]) == body


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": NaN}'])
def test_what_the_quick_reader_refuses_is_read_as_before(text: str) -> None:
    """Half of a surrogate pair (an emoji that a client cut in two) must not cost the delivery."""
    parsed = parse_body(text, JSON)
    assert parsed is not None
    assert list(parsed[0]) == ["a"]


@pytest.mark.parametrize(
    "raw", ["payload=%7B%22a%22%3A%221%252%3D%2B+%0A%22%7D", "payload=%zz", "payload="]
)
def test_a_forms_value_is_read_by_every_way(raw: str) -> None:
    """The quick way and the general one agree, also on what no client should send."""
    quick, general = parse_body(raw, FORM), parse_body("x=1&" + raw, FORM)
    assert (quick and quick[0]) == (general and general[0])


def test_a_stored_delivery_is_read_with_or_without_its_envelope() -> None:
    body = {"type": "block_actions"}
    assert body_of({"envelope_id": "e", "payload": body}) == body
    assert body_of(body) == body
    assert body_of(None) is None
    assert body_of({"envelope_id": "e", "payload": "x"}) is None
