"""A crash closes the socket; the standby takes over; the same address comes back."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from sandbox.shop.server import ShopSandbox
from tests.sandbox_shop.conftest import Client


async def health(shop: Client, url: str) -> tuple[int, Any]:
    async with shop.http.get(f"{url}/health") as response:
        return response.status, await response.json()


async def test_the_primary_is_healthy_and_counts_its_orders(shop: Client) -> None:
    status, body = await health(shop, shop.sandbox.primary_url)

    assert status == 200
    assert body == {
        "status": "ok",
        "server": "primary",
        "orders_last_minute": 12,
        "database": "ok",
    }


async def test_a_crash_refuses_new_connections_and_cuts_the_open_ones(shop: Client) -> None:
    address = urlsplit(shop.sandbox.primary_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    await shop.fault("server_crash")

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readuntil(b"never comes")
    writer.close()
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(address.hostname, address.port)
    assert (await shop.get("/servers"))["servers"][0] == {
        "id": "primary",
        "state": "down",
        "healthy": False,
    }


@pytest.mark.parametrize("how", ["restore", "recover", "switch"])
async def test_it_comes_back_at_the_same_address(shop: Client, how: str) -> None:
    before = shop.sandbox.primary_url
    await shop.fault("server_crash")
    with pytest.raises(aiohttp.ClientConnectorError):
        await health(shop, before)

    if how == "restore":
        await shop.post("/servers/primary/restore")
    elif how == "recover":
        await shop.post("/faults/recover", {"kind": "server_crash"})
    else:
        await shop.fault("server_crash", on=False)

    assert (await health(shop, before))[0] == 200
    assert not any(fault["on"] for fault in (await shop.get("/faults"))["faults"])


async def test_two_crashes_in_a_row(shop: Client) -> None:
    for _ in range(2):
        await shop.fault("server_crash")
        await shop.fault("server_crash")
        with pytest.raises(aiohttp.ClientConnectorError):
            await health(shop, shop.sandbox.primary_url)
        await shop.post("/servers/primary/restore")
        assert (await health(shop, shop.sandbox.primary_url))[0] == 200


async def test_the_standby_listens_only_once_it_is_started(shop: Client) -> None:
    url = shop.sandbox.standby_url
    with pytest.raises(aiohttp.ClientConnectorError):
        await health(shop, url)

    started = await shop.post("/servers/standby/start")

    assert started == {"id": "standby", "state": "running", "healthy": True}
    assert (await health(shop, url))[1]["server"] == "standby"
    await shop.post("/servers/standby/stop")
    with pytest.raises(aiohttp.ClientConnectorError):
        await health(shop, url)


async def test_orders_are_taken_only_while_the_server_with_the_traffic_is_up(
    shop: Client,
) -> None:
    await shop.fault("server_crash")
    refused = await shop.call("POST", "/checkout/burst", {"count": 3})
    early = await shop.call("PUT", "/traffic", {"server": "standby"})
    await shop.post("/servers/standby/start")
    still_refused = await shop.call("POST", "/checkout/burst", {"count": 3})
    await shop.put("/traffic", {"server": "standby"})
    taken = await shop.post("/checkout/burst", {"count": 3})

    assert (refused.status, early.status, still_refused.status) == (503, 409, 503)
    assert (taken["server"], taken["placed"], taken["captured"]) == ("standby", 3, 3)
    stop = await shop.call("POST", "/servers/standby/stop")
    assert stop.body["error"]["code"] == "has_traffic"


async def test_no_traffic_goes_to_an_unhealthy_standby(shop: Client) -> None:
    await shop.fault("standby_unhealthy")
    await shop.post("/servers/standby/start")

    status, body = await health(shop, shop.sandbox.standby_url)
    refused = await shop.call("PUT", "/traffic", {"server": "standby"})

    assert (status, body["status"]) == (503, "unhealthy")
    assert (refused.status, refused.body["error"]["code"]) == (409, "not_healthy")
    assert (await shop.get("/servers"))["traffic"] == "primary"


async def test_a_parameter_is_wrong_from_the_crash_until_the_restoration(shop: Client) -> None:
    assert (await shop.get("/servers/primary/config"))["ok"]
    await shop.fault("server_crash")
    crashed = await shop.get("/servers/primary/config")
    await shop.post("/servers/primary/restore")

    assert [p["name"] for p in crashed["parameters"] if not p["ok"]] == ["memory.limit_mb"]
    assert (await shop.get("/servers/primary/config"))["ok"]
    assert (await shop.get("/servers/standby/config"))["ok"]


async def test_lost_orders_are_listed_until_they_are_recovered(shop: Client) -> None:
    before = await shop.get("/data/verify")
    lost = (await shop.fault("data_loss", orders=3))["missing"]
    payment = (await shop.get(f"/payments?order={lost[0]}"))["payments"]
    gone = await shop.call("GET", f"/orders/{lost[0]}")
    during = await shop.get("/data/verify")
    history = shop.sql("SELECT count(*) FROM order_events")
    recovered = await shop.post("/data/recover", {"source": "backup"}, "r")

    assert before["ok"]
    assert before["missing"] == []
    assert len(lost) == 3
    assert payment[0]["status"] == "captured"
    assert gone.status == 404
    assert not during["ok"]
    assert sorted(during["missing"]) == sorted(lost)
    assert during["orders_expected"] - during["orders_found"] == 3
    assert during["sum_expected_minor"] > during["sum_found_minor"]
    assert sorted(recovered["recovered"]) == sorted(lost)
    assert await shop.get("/data/verify") == before
    assert (await shop.get(f"/orders/{lost[0]}"))["paid"]
    assert shop.sql("SELECT count(*) FROM order_events") > history
    assert not (await shop.post("/data/recover", {"source": "backup"}))["recovered"]


async def test_a_new_order_does_not_take_the_number_of_a_lost_one(shop: Client) -> None:
    lost = (await shop.fault("data_loss", orders=5))["missing"]

    placed = (await shop.post("/checkout/burst", {"count": 5}))["orders"]
    await shop.post("/data/recover", {"source": "payments"})

    assert not set(placed) & set(lost)
    assert (await shop.get("/data/verify"))["ok"]


async def test_a_taken_port_is_said_and_nothing_stays_open(
    sandbox: ShopSandbox, tmp_path: Any
) -> None:
    taken = urlsplit(sandbox.control_url).port or 0
    second = ShopSandbox(tmp_path / "second", port=taken, rate=0)

    with pytest.raises(OSError, match="in use"):
        await second.start()
