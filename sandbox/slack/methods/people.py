"""People: users.*, usergroups.*, dnd.*, team.info"""

from __future__ import annotations

from sandbox.slack import cast
from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.registry import Call, method
from sandbox.slack.state import Group, Person


def _person(call: Call, user: str) -> Person:
    person = call.world.workspace.people.get(user)
    if person is None:
        raise Refused("user_not_found")
    return person


@method("users.info", "user! include_locale:boolean", scopes=["users:read"], tier=4)
def info(call: Call) -> Json:
    person = _person(call, call["user"])
    return {"user": _user(call, person)}


@method(
    "users.list",
    "include_locale:boolean limit:integer cursor presence:boolean",
    scopes=["users:read"],
    tier=2,
)
def list_(call: Call) -> Json:
    everyone = [_user(call, person) for person in call.world.workspace.people.values()]
    page, metadata = call.page(everyone)
    return {"members": page, "cache_ts": int(call.world.clock.now()), "response_metadata": metadata}


def _user(call: Call, person: Person) -> Json:
    user = person.to_api(
        locale=bool(call.get("include_locale")),
        now=call.world.clock.now(),
        shares=any(
            {person.id, cast.BOT_USER} <= channel.members.keys()
            for channel in call.world.workspace.channels.values()
        ),
    )
    if "users:read.email" not in call.world.config.scopes:
        user["profile"].pop("email", None)
    return user


@method("users.getPresence", "user", scopes=["users:read"], tier=3)
def presence(call: Call) -> Json:
    return {"presence": _person(call, call.get("user") or call.user).presence}


@method("users.lookupByEmail", "email!", scopes=["users:read.email"], tier=3)
def by_email(call: Call) -> Json:
    for person in call.world.workspace.people.values():
        if call["email"] == f"{person.name}@formosa-goods.example" and not person.is_bot:
            return {"user": _user(call, person)}
    raise Refused("users_not_found")


@method("dnd.info", "user", scopes=["dnd:read"], tier=3)
def dnd(call: Call) -> Json:
    return _dnd(call, _person(call, call.get("user") or call.user))


@method("dnd.teamInfo", "users!:list", scopes=["dnd:read"], tier=2)
def team_dnd(call: Call) -> Json:
    if len(call["users"]) > 50:
        raise Refused("too_many_users")
    return {"users": {user: _dnd(call, _person(call, user)) for user in call["users"]}}


def _dnd(call: Call, person: Person) -> Json:
    """Slack: someone rests now when the time lies between the next start and the next end."""
    if not person.in_dnd(call.world.clock.now()):
        return {"dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1}
    return {
        "dnd_enabled": True,
        "next_dnd_start_ts": int(person.dnd_since or 0),
        "next_dnd_end_ts": int(person.dnd_until or 0),
    }


@method(
    "usergroups.list",
    "include_users:boolean include_count:boolean include_disabled:boolean",
    scopes=["usergroups:read"],
    tier=2,
)
def groups(call: Call) -> Json:
    return {
        "usergroups": [
            _group(group, users=bool(call.get("include_users")))
            for group in call.world.workspace.groups.values()
        ]
    }


def _group(group: Group, *, users: bool) -> Json:
    body: Json = {
        "id": group.id,
        "team_id": cast.TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_create": 1_760_000_000,
        "date_update": 1_760_000_000,
        "date_delete": 0,
        "user_count": len(group.users),
    }
    if users:
        body["users"] = list(group.users)
    return body


@method(
    "usergroups.users.list",
    "usergroup! include_disabled:boolean",
    scopes=["usergroups:read"],
    tier=2,
)
def group_users(call: Call) -> Json:
    group = call.world.workspace.groups.get(call["usergroup"])
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": list(group.users)}


@method("team.info", "team", scopes=["team:read"], tier=3)
def team(_: Call) -> Json:
    return {
        "team": {"id": cast.TEAM_ID, "name": cast.TEAM_NAME, "domain": cast.TEAM_DOMAIN, "icon": {}}
    }
