"""Uploads: files that people attach, to a message, or in a file input of a modal."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import secrets
from typing import Any

from sandbox.slack.errors import Json, Refused
from sandbox.slack.state import File
from sandbox.slack.world import World


def file_from_person(world: World, user: str, item: Json) -> File:
    """`item` is {name, content (base64), title?, mimetype?}."""
    name = str(item.get("name") or "file")
    try:
        content = base64.b64decode(str(item.get("content") or ""), validate=True)
    except binascii.Error:
        raise Refused("bad_values", messages=[f"the content of {name} is no base64"]) from None
    kind = item.get("mimetype") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = File(
        f"F0{secrets.token_hex(4).upper()}",
        name,
        str(item.get("title") or name),
        str(kind),
        len(content),
        user,
        int(world.clock.now()),
        content,
        uploaded=True,
        completed=True,
    )
    world.workspace.files[file.id] = file
    return file


def take_files(world: World, user: str, values: Any) -> None:
    """Turns what a file input was given into files of the workspace, in place."""
    if not isinstance(values, dict):
        return
    for actions in values.values():
        for value in actions.values() if isinstance(actions, dict) else ():
            if isinstance(value, dict) and isinstance(value.get("files"), list):
                value["files"] = [
                    file_from_person(world, user, item).to_api(world.base_url)
                    if isinstance(item, dict) and "id" not in item
                    else item
                    for item in value["files"]
                ]
