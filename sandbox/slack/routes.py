"""The HTTP routes of the sandbox beside the Web API."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from sandbox.origins import own_only
from sandbox.slack import interactions, people_api, tester
from sandbox.slack.answers import respond
from sandbox.slack.api import TOKENS, Cut, RawAnswer, WebApi
from sandbox.slack.errors import Json, Refused
from sandbox.slack.volley import volley
from sandbox.slack.world import World

PAGE: Final = Path(__file__).parent / "page"
_MAX_BODY: Final = 64 * 1024 * 1024

Post = Callable[[World, Json], Json | Awaitable[Json]]
_POSTS: Final[dict[str, Post]] = {
    "/hand/read": people_api.read,
    "/hand/say": people_api.say,
    "/hand/edit": people_api.edit,
    "/hand/react": people_api.react_,
    "/hand/people": people_api.set_person,
    "/hand/person": people_api.add_person,
    "/hand/join": people_api.join,
    "/hand/command": interactions.command,
    "/hand/click": interactions.click,
    "/hand/submit": interactions.submit,
    "/hand/close": interactions.close,
    "/hand/shortcut": interactions.shortcut,
    "/hand/suggest": interactions.suggest,
    "/hand/home/open": interactions.open_home,
    "/hand/faults": tester.add_fault,
    "/hand/burst": tester.burst,
    "/hand/delivery": tester.delivery,
    "/hand/socket": tester.socket,
    "/hand/event": tester.event,
    "/hand/options": tester.options,
    "/hand/clock": tester.clock,
    "/hand/guide": tester.set_guide,
    "/hand/volley": volley,
    "/hand/channel": tester.set_channel,
    "/hand/channels": tester.make_channel,
    "/hand/group": tester.set_group,
}
_GETS: Final[dict[str, Callable[[World, web.Request], Json]]] = {
    "/hand/workspace": lambda world, _: people_api.workspace(world),
    "/hand/channels": lambda world, request: people_api.channels(world, _as(request)),
    "/hand/messages": lambda world, request: people_api.messages(
        world,
        _as(request),
        request.query.get("channel", ""),
        request.query.get("thread_ts"),
        int(request.query.get("limit", 200)),
    ),
    "/hand/views": lambda world, request: people_api.views(world, _as(request)),
    "/hand/home": lambda world, request: people_api.home(world, _as(request)),
    "/hand/rings": lambda world, request: people_api.rings(world, _as(request)),
    "/hand/guide": lambda world, _: dict(world.guide),
    "/hand/faults": lambda world, _: tester.faults(world),
    "/hand/options": lambda world, _: tester.options(world, {}),
    "/hand/clock": lambda world, _: {"now": world.clock.now()},
    "/hand/log": lambda world, request: world.log.since(
        int(request.query.get("since", 0)),
        request.query.get("method"),
        tuple(filter(None, request.query.get("fields", "").split(","))),
    ),
}


def _as(request: web.Request) -> str:
    return request.query.get("as", "")


def build(
    world: World, api: WebApi, page: Path = PAGE, *, host: str = "127.0.0.1"
) -> web.Application:
    """The whole web application. `host`: where it listens."""
    app = web.Application(middlewares=[own_only(host)], client_max_size=_MAX_BODY)
    routes = Routes(world, api, page)
    app.router.add_route("*", "/api/{method}", api.handle)
    app.router.add_get("/link/", world.sockets.serve)
    app.router.add_post("/response/{key}", routes.response)
    app.router.add_post("/files/upload/{file}", routes.upload)
    app.router.add_get("/files/{file}/{name:.*}", routes.download)
    app.router.add_get("/hand/live", routes.live)
    app.router.add_get("/hand/files/{file}", routes.hand_file)
    for path, look in _GETS.items():
        app.router.add_get(path, routes.get(look))
    for path, post in _POSTS.items():
        app.router.add_post(path, routes.post(post))
    app.router.add_delete("/hand/faults", routes.remove_fault)
    app.router.add_delete("/hand/faults/{fault}", routes.remove_fault)
    app.router.add_get("/", routes.index)
    app.router.add_get("/archives/{rest:.*}", routes.index)
    app.router.add_get("/{path:.+}", routes.static)
    return app


class Routes:
    def __init__(self, world: World, api: WebApi, page: Path) -> None:
        self._world = world
        self._api = api
        self._page = page.resolve()

    # The people's and the tester's side

    def get(
        self, look: Callable[[World, web.Request], Json]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            return _answer(lambda: look(self._world, request))

        return handler

    def post(self, do: Post) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                wish = json.loads(await request.text() or "{}")
            except ValueError:
                return web.json_response({"ok": False, "error": "invalid_json"}, status=400)
            if not isinstance(wish, dict):
                return web.json_response({"ok": False, "error": "json_not_object"}, status=400)
            try:
                result = do(self._world, wish)
                body = result if isinstance(result, dict) else await result
            except Refused as refused:
                return web.json_response(refused.body())
            return web.json_response({"ok": True, **body})

        return handler

    async def remove_fault(self, request: web.Request) -> web.Response:
        fault = request.match_info.get("fault")
        return _answer(lambda: tester.remove_fault(self._world, fault))

    async def live(self, request: web.Request) -> web.StreamResponse:
        try:
            person = interactions.person_of(self._world, _as(request))
        except Refused as refused:
            return web.json_response(refused.body(), status=404)
        return await self._world.live.serve(request, person.id)

    async def hand_file(self, request: web.Request) -> web.Response:
        try:
            file = people_api.file_of(self._world, _as(request), request.match_info["file"])
        except Refused as refused:
            return web.json_response(refused.body(), status=404)
        return web.Response(body=file.content, content_type=file.mimetype)

    # What the app is told to use by a payload or by files.*

    async def response(self, request: web.Request) -> web.StreamResponse:
        """A response_url. Slack answers a plain "ok"."""
        world = self._world
        try:
            given: Any = json.loads(await request.text() or "{}")
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        if not isinstance(given, dict):
            return web.Response(status=400, text="invalid_payload")
        key = request.match_info["key"]
        entry = world.log.request(
            world.clock.now(),
            "response_url",
            given,
            None,
            hash((key, json.dumps(given, sort_keys=True))),
        )

        def effect() -> Json:
            respond(world, world.responses.use(key), given)
            return {}

        try:
            await self._api.faulty(request, entry, given, effect)
        except Refused as refused:
            entry.error, entry.status = refused.error, refused.status
            status = refused.status if refused.status != 200 else 400
            return web.json_response(refused.body(), status=status, headers=refused.headers)
        except Cut as cut:
            return self._api.cut(request, entry, cut)
        except RawAnswer as raw:
            entry.status = raw.status
            return web.Response(status=raw.status, text=raw.text, content_type=raw.content_type)
        entry.status, entry.answered = 200, world.clock.now()
        return web.Response(text="ok")

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The second step of an upload: raw bytes, or a multipart form."""
        world, file_id = self._world, request.match_info["file"]
        content = await _content(request)
        args = {"file": file_id, "length": len(content)}
        entry = world.log.request(world.clock.now(), "upload", args, None, hash(file_id))

        def effect() -> Json:
            file = world.workspace.files.get(file_id)
            if file is None or file.completed:
                raise Refused("file_not_found", status=404)
            if len(content) != file.size:
                raise Refused("length_mismatch", status=400)
            file.content, file.uploaded = content, True
            return {}

        try:
            await self._api.faulty(request, entry, args, effect)
        except Refused as refused:
            entry.error, entry.status = refused.error, refused.status
            return web.Response(status=refused.status, text=refused.error, headers=refused.headers)
        except Cut as cut:
            return self._api.cut(request, entry, cut)
        except RawAnswer as raw:
            entry.status = raw.status
            return web.Response(status=raw.status, text=raw.text, content_type=raw.content_type)
        entry.status, entry.answered = 200, world.clock.now()
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.Response:
        """url_private: with the app's token, as Slack asks."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if TOKENS.get(token) != "bot":
            return web.Response(status=403)
        file = self._world.workspace.files.get(request.match_info["file"])
        if file is None or not file.completed:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type=file.mimetype)

    # The page

    async def index(self, _: web.Request) -> web.StreamResponse:
        return self._send("index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        return self._send(request.match_info["path"])

    def _send(self, name: str) -> web.StreamResponse:
        path = (self._page / name).resolve()
        if not path.is_relative_to(self._page) or not path.is_file():
            return web.json_response({"ok": False, "error": "not_found"}, status=404)
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


def _answer(look: Callable[[], Json]) -> web.Response:
    try:
        return web.json_response({"ok": True, **look()})
    except Refused as refused:
        return web.json_response(refused.body())


async def _content(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
        return part.encode() if isinstance(part, str) else bytes(part)
    return b""
