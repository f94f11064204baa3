"""Interactions: what people do with the app, commands, clicks, submissions, shortcuts,
suggestions.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.slack import cast, payloads
from sandbox.slack.answers import answer_command, answer_submission
from sandbox.slack.blocks.objects import offered
from sandbox.slack.blocks.validate import check_options
from sandbox.slack.blocks.walk import each_element
from sandbox.slack.delivery import COMMANDS, INTERACTIVE, Outcome
from sandbox.slack.errors import Json, Refused
from sandbox.slack.stacks import View
from sandbox.slack.state import Channel, Message, Person
from sandbox.slack.uploads import take_files
from sandbox.slack.values import (
    HOLDINGS,
    Values,
    copied,
    errors_before_sending,
    fill_in,
    state_value,
)
from sandbox.slack.words import typed_text
from sandbox.slack.world import World

_BUTTON_FIELDS = ("text", "value", "style", "url")


def person_of(world: World, user: Any) -> Person:
    person = world.workspace.people.get(user)
    if person is None or person.is_bot or person.deleted:
        raise Refused("user_not_found")
    return person


async def command(world: World, wish: Json) -> Json:
    """A slash command. Slack: none of an app's in a thread, and never sent twice."""
    person = person_of(world, wish.get("as"))
    channel = world.channel_of_member(person.id, wish.get("channel"))
    name = str(wish.get("command", "")).strip()
    if wish.get("thread_ts"):
        raise Refused(
            "not_supported_in_threads", messages=[f"{name} is not supported in threads. Sorry!"]
        )
    declared = next((c for c in world.config.commands if c.command == name), None)
    if declared is None:
        raise Refused("unknown_command", messages=[f"{name} is not a valid command."])
    if channel.is_archived:
        raise Refused("is_archived")
    text = str(wish.get("text") or "").strip()
    if declared.should_escape:
        text = typed_text(world.workspace, text, names=True)
    trigger_id = world.triggers.issue(person.id)
    outcome = await world.dispatcher.once(
        COMMANDS,
        payloads.command(world, person, channel, name, text, trigger_id),
        summary=f"{name} {text}".strip(),
    )
    require_ack(outcome)
    await asyncio.sleep(world.ack_lag)
    try:
        return {"response": answer_command(world, person.id, channel, outcome.payload)}
    except Refused as refused:
        raise unusable(outcome, refused) from None


def require_ack(outcome: Outcome) -> None:
    if not outcome.acked:
        raise Refused(outcome.error or "dispatch_failed")


def unusable(outcome: Outcome, refused: Refused) -> Refused:
    """The acknowledgement came, but what it carries Slack cannot use."""
    if outcome.entry is not None:
        outcome.entry.error = f"answer refused: {refused.error} {' '.join(refused.messages)}"
    return Refused("dispatch_failed", messages=refused.messages, detail=refused.error)


async def click(world: World, wish: Json) -> Json:
    """A press, a choice, a date: block_actions."""
    payload = click_payload(world, wish)
    summary = f"click {payload['actions'][0]['action_id']}"
    require_ack(await world.dispatcher.once(INTERACTIVE, payload, summary))
    return {}


def click_payload(world: World, wish: Json) -> Json:
    """What the click sends; a choice stands in the state from now on."""
    person = person_of(world, wish.get("as"))
    if not world.config.interactivity:
        raise Refused("interactivity_not_enabled")
    take_files(world, person.id, wish.get("values"))
    if wish.get("view_id"):
        view = own_view(world, person, wish["view_id"])
        fill_in(view.values, view.body["blocks"], wish.get("values") or {})
        action = _act(world, view.body["blocks"], view.values, wish, person)
        trigger_id = world.triggers.issue(person.id, view.id if view.kind == "modal" else None)
        return payloads.view_action(person, view, action, trigger_id)
    channel = world.channel_for_person(person.id, wish.get("channel"))
    message = world.visible(person.id, channel, wish.get("ts"))
    values = world.values_of(person.id, message)
    fill_in(values, message.blocks, wish.get("values") or {})
    action = _act(world, message.blocks, values, wish, person)
    return payloads.message_action(
        world, person, channel, message, action, copied(values), world.triggers.issue(person.id)
    )


def own_view(world: World, person: Person, view_id: Any) -> View:
    view = world.views.get(str(view_id))
    if view.user != person.id:
        raise Refused("not_found")
    return view


def _element(blocks: list[Json], wish: Json, user: str) -> tuple[Json, Json]:
    """The element that the person means. Raises `element_not_found`, `element_ambiguous`."""
    action_id, block_id = wish.get("action_id"), wish.get("block_id")
    found = [
        (block, element)
        for block, element in each_element(blocks)
        if element.get("action_id") == action_id
        and (block_id is None or block["block_id"] == block_id)
        and user in element.get("visible_to_user_ids", [user])
    ]
    if wish.get("value") is not None and len(found) > 1:
        found = [f for f in found if f[1].get("value") == wish["value"]]
    if not found:
        raise Refused("element_not_found", messages=[f"no {action_id} in {block_id or 'blocks'}"])
    if len(found) > 1:
        raise Refused("element_ambiguous", messages=[f"{len(found)} elements are {action_id}"])
    return found[0]


def _act(world: World, blocks: list[Json], values: Values, wish: Json, person: Person) -> Json:
    """The entry of `actions`, and the choice in the state."""
    block, element = _element(blocks, wish, person.id)
    kind = element["type"]
    if block["type"] == "input" and not block.get("dispatch_action"):
        raise Refused(
            "element_not_dispatching",
            messages=["an input block sends no action without dispatch_action"],
        )
    action: Json = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": world.clock.ts(),
    }
    if kind == "overflow":
        return action | {"selected_option": _chosen(element, wish)}
    if kind == "feedback_buttons":
        return action | {"text": element["positive_button"]["text"], "value": wish.get("value")}
    holding = HOLDINGS.get(kind)
    if holding is None:
        return action | {name: element[name] for name in _BUTTON_FIELDS if name in element}
    given = (
        {holding.field: wish[holding.field]}
        if holding.field in wish
        else values[block["block_id"]][element["action_id"]]
    )
    value = state_value(element, given)
    values[block["block_id"]][element["action_id"]] = value
    return action | value


def _chosen(element: Json, wish: Json) -> Json:
    choice = wish.get("selected_option", wish.get("value"))
    wanted = choice.get("value") if isinstance(choice, dict) else choice
    for option in offered(element):
        if option["value"] == wanted:
            return option
    raise Refused("bad_values", messages=[f"{wanted!r} is not offered"])


async def submit(world: World, wish: Json) -> Json:
    """The submit button of the topmost modal."""
    person = person_of(world, wish.get("as"))
    view = own_view(world, person, wish.get("view_id"))
    if view.kind != "modal" or world.views.stack(person.id)[-1] is not view:
        raise Refused("not_on_top")
    if "submit" not in view.body:
        raise Refused("no_submit", messages=["the view has no submit button"])
    take_files(world, person.id, wish.get("values"))
    fill_in(view.values, view.body["blocks"], wish.get("values") or {})
    errors = errors_before_sending(view.body["blocks"], view.values)
    if errors:
        raise Refused("invalid_input", errors=errors)
    trigger_id = world.triggers.issue(person.id, view.id)
    outcome = await world.dispatcher.once(
        INTERACTIVE,
        payloads.submission(person, view, trigger_id),
        summary=f"submit {view.body.get('callback_id', '')}",
    )
    require_ack(outcome)
    # Slack: what the app calls meanwhile may be done before its acknowledgement is applied.
    late = world.faults.take("view_submission", {"callback_id": view.body.get("callback_id")})
    await asyncio.sleep(world.ack_lag if late is None else late.seconds)
    if view not in world.views.stack(person.id):
        return {"response_action": None}  # closed meanwhile
    try:
        return answer_submission(world, view, outcome.payload)
    except Refused as refused:
        raise unusable(outcome, refused) from None


async def close(world: World, wish: Json) -> Json:
    """Cancel, or the cross: with `clear` the whole stack goes."""
    person = person_of(world, wish.get("as"))
    view = own_view(world, person, wish.get("view_id"))
    if view.kind != "modal":
        raise Refused("not_found")
    cleared = bool(wish.get("clear") or view.body.get("clear_on_close"))
    if cleared:
        gone = world.views.clear(person.id)
    else:
        stack = world.views.stack(person.id)
        gone = stack[stack.index(view) :]
        world.views.pop(view)
    for closed in gone:
        world.live.tell([person.id], {"type": "view_closed", "view_id": closed.id})
        if closed.body.get("notify_on_close"):
            world.spawn(
                world.dispatcher.once(
                    INTERACTIVE,
                    payloads.closed(person, closed, cleared=cleared),
                    f"closed {closed.body.get('callback_id', '')}",
                )
            )
    return {}


async def shortcut(world: World, wish: Json) -> Json:
    person = person_of(world, wish.get("as"))
    callback_id = str(wish.get("callback_id", ""))
    declared = next((s for s in world.config.shortcuts if s.callback_id == callback_id), None)
    if declared is None:
        raise Refused("unknown_shortcut")
    trigger_id = world.triggers.issue(person.id)
    if declared.type == "global":
        payload = payloads.global_shortcut(person, callback_id, trigger_id, world.clock.now())
    else:
        channel = world.channel_for_person(person.id, wish.get("channel"))
        message = world.message(channel, wish.get("ts"))
        payload = payloads.message_shortcut(
            world, person, channel, message, callback_id, trigger_id
        )
    require_ack(await world.dispatcher.once(INTERACTIVE, payload, f"shortcut {callback_id}"))
    return {}


async def suggest(world: World, wish: Json) -> Json:
    """The options of an external select."""
    person = person_of(world, wish.get("as"))
    view: View | None = None
    channel: Channel | None = None
    message: Message | None = None
    if wish.get("view_id"):
        view = own_view(world, person, wish["view_id"])
        blocks = view.body["blocks"]
    else:
        channel = world.channel_for_person(person.id, wish.get("channel"))
        message = world.visible(person.id, channel, wish.get("ts"))
        blocks = message.blocks
    block, element = _element(blocks, {**wish, "value": None}, person.id)
    if not element["type"].endswith("external_select"):
        raise Refused("element_not_found")
    value = str(wish.get("value") or "")
    if len(value) < element.get("min_query_length", 3):
        return {"options": []}
    outcome = await world.dispatcher.once(
        INTERACTIVE,
        payloads.suggestion(
            person,
            element["action_id"],
            block["block_id"],
            value,
            view=view,
            channel=channel,
            message=message,
        ),
        f"suggest {element['action_id']}",
    )
    require_ack(outcome)
    problems = check_options(outcome.payload)
    if problems:
        raise unusable(outcome, Refused("invalid_options", messages=[p.words() for p in problems]))
    answer: Json = outcome.payload
    return answer


def open_home(world: World, wish: Json) -> Json:
    """A person looks at the app's Home or Messages tab."""
    person = person_of(world, wish.get("as"))
    tab = wish.get("tab", "home")
    if tab not in ("home", "messages"):
        raise Refused("invalid_arguments", messages=["tab must be home or messages"])
    channel = world.workspace.direct(person.id, int(world.clock.now()))
    event: Json = {
        "type": "app_home_opened",
        "user": person.id,
        "channel": channel.id,
        "tab": tab,
        "event_ts": world.clock.ts(),
    }
    home = world.views.home(person.id)
    if tab == "home" and home is not None:
        event["view"] = home.to_api()
    world.event(channel, event)
    return {"app": cast.APP_ID}
