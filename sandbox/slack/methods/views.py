"""views.*"""

from __future__ import annotations

from sandbox.slack import cast
from sandbox.slack.blocks.validate import check_view
from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.registry import Call, method
from sandbox.slack.stacks import View


@method("views.open", "trigger_id! view!:json", tier=4)
def open_(call: Call) -> Json:
    check_view(call["view"], kind="modal")
    trigger = call.world.triggers.exchange(call["trigger_id"])
    for closed in call.world.views.clear(trigger.user):
        _tell(call, closed, "view_closed")
    view = call.world.views.open(trigger.user, call["view"])
    _tell(call, view, "view")
    return {"view": view.to_api()}


@method("views.push", "trigger_id! view!:json", tier=4)
def push(call: Call) -> Json:
    check_view(call["view"], kind="modal")
    trigger = call.world.triggers.exchange(call["trigger_id"])
    # Slack: only an interaction within an open modal can push another on it.
    if trigger.view_id is None:
        raise Refused("not_found")
    view = call.world.views.push(trigger.user, call["view"])
    _tell(call, view, "view")
    return {"view": view.to_api()}


@method("views.update", "view_id external_id view!:json hash", tier=4)
def update(call: Call) -> Json:
    if not (call.get("view_id") or call.get("external_id")):
        raise Refused("invalid_arguments", messages=["missing required field: view_id"])
    check_view(
        call["view"],
        kind=call["view"].get("type", "modal") if isinstance(call["view"], dict) else "modal",
    )
    view = call.world.views.find(call.get("view_id"), call.get("external_id"))
    if view.kind != call["view"]["type"]:
        raise Refused("invalid_arguments", messages=["the type of a view cannot change"])
    call.world.views.update(view, call["view"], call.get("hash"))
    _tell(call, view, "view" if view.kind == "modal" else "home")
    return {"view": view.to_api()}


@method("views.publish", "user_id! view!:json hash", tier=4)
def publish(call: Call) -> Json:
    check_view(call["view"], kind="home")
    if not call.world.config.home_tab:
        raise Refused("not_enabled")
    person = call.world.workspace.people.get(call["user_id"])
    if person is None or person.id == cast.BOT_USER:
        raise Refused("user_not_found")
    view = call.world.views.publish(person.id, call["view"], call.get("hash"))
    _tell(call, view, "home")
    return {"view": view.to_api()}


def _tell(call: Call, view: View, kind: str) -> None:
    call.world.live.tell([view.user], {"type": kind, "view_id": view.id, "hash": view.hash})
