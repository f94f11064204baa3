"""Other origins and hosts: a foreign page in the tester's browser gets nothing of the sandbox."""

from __future__ import annotations

import aiohttp
import pytest

from sandbox.slack.server import SlackSandbox
from tests.house.origins import FOREIGN
from tests.sandbox_slack.conftest import Hand

SAY = {"as": "U0MEI", "channel": "C0INCIDENTS", "text": "hello"}


@pytest.mark.parametrize("headers", [*FOREIGN, {"Sec-Fetch-Site": "same-site"}])
async def test_a_foreign_page_reads_and_says_nothing(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    for method, path in (
        ("POST", "/hand/say"),
        ("GET", "/hand/state?as=U0MEI"),
        ("GET", "/hand/live?as=U0MEI"),
        ("POST", "/api/auth.test"),
        ("GET", "/"),
    ):
        async with session.request(
            method, sandbox.url + path, json=SAY if method == "POST" else None, headers=headers
        ) as answer:
            assert answer.status == 403
            assert (await answer.json())["message"].count(". ") == 0
    said = await Hand(sandbox.url, session).messages("U0MEI", "C0INCIDENTS")
    assert "hello" not in [message["text"] for message in said]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
async def test_its_own_page_and_a_link_from_the_shop_are_answered(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, name: str
) -> None:
    host = f"{name}:{sandbox.url.rsplit(':', 1)[1]}"
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    link = {
        "Host": host,
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    async with session.post(f"{sandbox.url}/hand/say", json=SAY, headers=own) as answer:
        assert answer.status == 200
    async with session.get(sandbox.url, headers=link) as answer:
        assert answer.status == 200
