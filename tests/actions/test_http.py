"""How every way of failing is told apart: not sent, refused, unknown."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import respx
from aiohttp import web

from actions.connectors.http import RESPONSE_LIMIT, ShopClient, open_http
from actions.declarations import ActionDeclaration, LookDeclaration
from actions.errors import NoAnswer, NotSent, Refused, ShopError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def client(http: httpx.AsyncClient, base_url: str, method: str = "PUT") -> ShopClient:
    return ShopClient(
        http,
        base_url=base_url,
        looks={
            "look": LookDeclaration(url="/look", timeout=0.3),
            "deep": LookDeclaration(url="/look", read=("data", "items")),
        },
        actions={
            "act": ActionDeclaration.model_validate(
                {"method": method, "url": "/act", "body": {"a": 1}, "timeout": 0.3}
            )
        },
    )


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http() as opened:
        yield opened


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serves one handler for every path; gives the address."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_a_lost_reply_is_not_repeated_by_the_library(http, serve, method: str) -> None:
    """aiohttp repeats PUT and DELETE by itself; here the request reaches the shop once."""
    arrived = []

    async def lose(request: web.Request) -> web.Response:
        arrived.append(request.headers["Idempotency-Key"])
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(NoAnswer) as caught:
        await client(http, await serve(lose), method).act("act", "key-1", {})
    assert caught.value.code == "broken"
    assert arrived == ["key-1"]


async def test_a_refused_connection_certainly_had_no_effect(http) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NotSent) as caught:
        await client(http, f"http://127.0.0.1:{port}").act("act", "k", {})
    assert caught.value.code == "refused"


async def test_it_handles_timeout(http, serve) -> None:
    """The answer does not come, or comes drop by drop: unknown after the declared time."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    with pytest.raises(NoAnswer) as caught:
        await client(http, await serve(drip)).act("act", "k", {})
    assert caught.value.code == "timeout"


async def test_an_endless_answer_is_not_read_to_its_end(http, serve) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(40):
            await response.write(b"x" * (RESPONSE_LIMIT // 10))
        return response

    with pytest.raises(NoAnswer) as caught:
        await client(http, await serve(endless)).act("act", "k", {})
    assert caught.value.code == "too_large"


async def test_a_look_on_a_connection_that_was_closed_is_asked_again(http, serve) -> None:
    """Reading twice is free; a kept connection may have died in the meantime."""
    seen = []

    async def once_broken(request: web.Request) -> web.Response:
        seen.append(1)
        if len(seen) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True})

    assert await client(http, await serve(once_broken)).look("look", {}) == {"ok": True}
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (500, NoAnswer, "http_500"),
        (502, NoAnswer, "http_502"),
        (503, NoAnswer, "http_503"),
        (408, NoAnswer, "http_408"),
        (400, Refused, "http_400"),
        (404, Refused, "http_404"),
        (409, Refused, "http_409"),
        (422, Refused, "http_422"),
        (429, Refused, "http_429"),
        (302, NoAnswer, "http_302"),
        (303, NoAnswer, "http_303"),
    ],
)
async def test_each_status_is_sorted(status: int, error: type[ShopError], code: str) -> None:
    router = respx.Router()
    router.put("https://shop.example/act").respond(
        status, json={"error": {"code": "x", "message": "The routing is locked."}}
    )
    transport = httpx.MockTransport(router.async_handler)
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(error) as caught:
            await client(http, "https://shop.example").act("act", "k", {})
    assert caught.value.code == code


async def test_a_replay_is_recognised() -> None:
    router = respx.Router()
    route = router.put("https://shop.example/act").respond(
        200, json={"id": 1}, headers={"Idempotent-Replay": "true"}
    )
    transport = httpx.MockTransport(router.async_handler)
    async with httpx.AsyncClient(transport=transport) as http:
        answer = await client(http, "https://shop.example").act("act", "key-9", {})
    assert (answer.body, answer.replayed) == ({"id": 1}, True)
    assert route.calls.last.request.headers["Idempotency-Key"] == "key-9"


@pytest.mark.parametrize("body", ["<html>", "{", "[1,"])
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(body: str) -> None:
    router = respx.Router()
    router.put("https://shop.example/act").respond(200, text=body)
    transport = httpx.MockTransport(router.async_handler)
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(NoAnswer) as caught:
            await client(http, "https://shop.example").act("act", "k", {})
    assert caught.value.code == "not_json"


async def test_a_look_reads_the_declared_part() -> None:
    router = respx.Router()
    router.get("https://shop.example/look").respond(200, json={"data": {"items": [1, 2]}})
    transport = httpx.MockTransport(router.async_handler)
    async with httpx.AsyncClient(transport=transport) as http:
        shop = client(http, "https://shop.example")
        assert await shop.look("deep", {}) == [1, 2]
        router.get("https://shop.example/look").respond(200, json={"data": {}})
        with pytest.raises(NoAnswer, match="has no “items”"):
            await shop.look("deep", {})


async def test_an_unknown_look_names_the_place(http) -> None:
    with pytest.raises(NotSent, match=r"shop\.looks has no “nowhere”"):
        await client(http, "https://shop.example").look("nowhere", {})


@pytest.mark.parametrize("found", [{"id": 1, "phone": "0912"}, [{"id": 1, "phone": "0912"}]])
async def test_only_the_declared_fields_enter(found: object) -> None:
    """A customer's phone in the shop's answer stays in the shop, whichever way it comes."""
    router = respx.Router()
    router.get("https://shop.example/look").respond(200, json=found)
    router.put("https://shop.example/act").respond(200, json=found)
    router.get("https://shop.example/known").respond(200, json={"status": 200, "response": found})
    async with httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler)) as http:
        shop = ShopClient(
            http,
            base_url="https://shop.example",
            looks={"look": LookDeclaration(url="/look", keep=("id",))},
            actions={
                "act": ActionDeclaration(
                    method="PUT", url="/act", keep=("id",), contract="lookup", lookup="/known"
                )
            },
        )
        kept = {"id": 1} if isinstance(found, dict) else [{"id": 1}]
        assert await shop.look("look", {}) == kept
        assert (await shop.act("act", "k", {})).body == kept
        known = await shop.find("act", {})
        assert known is not None
        assert known.body["response"] == kept
