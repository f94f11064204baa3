"""Other origins and hosts: a foreign page in the tester's browser sets no fault and reads none."""

from __future__ import annotations

import pytest

from tests.house.origins import FOREIGN
from tests.sandbox_shop.conftest import Client


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_changes_and_reads_nothing(
    shop: Client, headers: dict[str, str]
) -> None:
    url = shop.sandbox.control_url
    crash = {"kind": "server_crash"}
    async with shop.http.post(f"{url}/faults", json=crash, headers=headers) as answer:
        assert answer.status == 403
    async with shop.http.get(f"{url}/servers", headers=headers) as answer:
        assert answer.status == 403
    assert (await shop.get("/servers"))["servers"][0]["state"] == "running"
