"""Basics: api.test, auth.test, apps.connections.open, blocks.validate"""

from __future__ import annotations

from sandbox.slack import cast
from sandbox.slack.blocks.schema import Problem
from sandbox.slack.blocks.validate import message_problems, view_problems
from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.registry import Call, method, missing_scope


@method("api.test", "error foo", tier=4, token="none")  # noqa: S106
def api_test(call: Call) -> Json:
    if call.get("error"):
        raise Refused(call["error"], args=call.args)
    return {"args": {k: v for k, v in call.args.items() if k != "token"}}


@method("auth.test", "", tier=4)
def auth_test(call: Call) -> Json:
    return {
        "url": f"{call.world.base_url}/",
        "team": cast.TEAM_NAME,
        "user": call.world.workspace.people[cast.BOT_USER].name,
        "team_id": cast.TEAM_ID,
        "user_id": cast.BOT_USER,
        "bot_id": cast.BOT_ID,
        "is_enterprise_install": call.world.org_install,
        **({"enterprise_id": cast.ENTERPRISE_ID} if call.world.org_install else {}),
    }


@method("bots.info", "bot", scopes=["users:read"], tier=3)
def bot_info(call: Call) -> Json:
    if call.get("bot") not in (None, cast.BOT_ID):
        raise Refused("bot_not_found")
    return {
        "bot": {
            "id": cast.BOT_ID,
            "deleted": False,
            "name": call.world.workspace.people[cast.BOT_USER].name,
            "updated": 1_760_000_000,
            "app_id": cast.APP_ID,
            "user_id": cast.BOT_USER,
            "icons": {},
        }
    }


@method("apps.connections.open", "", tier=3, token="app")  # noqa: S106
def open_connection(call: Call) -> Json:
    world = call.world
    if "connections:write" not in world.app_scopes:
        raise missing_scope(["connections:write"], world.app_scopes)
    if not world.config.socket_mode or world.http is not None:
        raise Refused("socket_mode_not_enabled")
    host = world.base_url.removeprefix("http://")
    return {"url": f"ws://{host}/link/?ticket={world.sockets.ticket()}&app_id={cast.APP_ID}"}


@method("blocks.validate", "blocks:json message:json view:json", tier=4, token="none")  # noqa: S106
def validate(call: Call) -> Json:
    given = [name for name in ("blocks", "message", "view") if name in call.args]
    if len(given) != 1:
        raise Refused(
            "invalid_arguments", messages=["provide exactly one of blocks, view, or message"]
        )
    kind = given[0]
    if kind == "view":
        problems = view_problems(call["view"], "")
    elif kind == "blocks":
        problems = message_problems(call["blocks"], "")
    else:
        message = call["message"]
        blocks = message.get("blocks", []) if isinstance(message, dict) else message
        problems = message_problems(blocks, "/blocks")
    if problems:
        raise Refused(f"invalid_{kind}", errors=[_error(problem) for problem in problems])
    return {}


def _error(problem: Problem) -> Json:
    return {"pointer": problem.pointer, "code": problem.code, "message": problem.message}
