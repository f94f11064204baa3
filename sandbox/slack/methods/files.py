"""files.*: the three steps of an upload, and looking at a file."""

from __future__ import annotations

import mimetypes
import secrets

from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.content import read_content, thread_root
from sandbox.slack.methods.registry import Call, method
from sandbox.slack.state import Channel, File, Message


@method(
    "files.getUploadURLExternal",
    "filename! length!:integer alt_txt snippet_type",
    scopes=["files:write"],
    tier=4,
)
def upload_url(call: Call) -> Json:
    world = call.world
    if call["length"] < 1:
        raise Refused("invalid_arguments", messages=["length must be more than 0"])
    file_id = f"F0{secrets.token_hex(4).upper()}"
    kind = mimetypes.guess_type(call["filename"])[0] or "application/octet-stream"
    world.workspace.files[file_id] = File(
        file_id,
        call["filename"],
        call["filename"],
        kind,
        call["length"],
        call.user,
        int(world.clock.now()),
        alt_text=call.get("alt_txt"),
    )
    return {"upload_url": f"{world.base_url}/files/upload/{file_id}", "file_id": file_id}


@method(
    "files.completeUploadExternal",
    "files!:json channel_id channels:list thread_ts initial_comment blocks:json",
    scopes=["files:write"],
    tier=4,
)
def complete(call: Call) -> Json:
    world = call.world
    wanted = call["files"]
    if (
        not isinstance(wanted, list)
        or not wanted
        or not all(
            isinstance(item, dict) and set(item) <= {"id", "title", "highlight_type"}
            for item in wanted
        )
    ):
        raise Refused("invalid_arguments", messages=["files must be a list of {id, title}"])
    files = [_uploaded(call, item) for item in wanted]
    channels = _channels(call)
    if call.get("blocks") is not None:
        read_content({"blocks": call["blocks"]})
    roots = [thread_root(channel, call.get("thread_ts")) for channel in channels]
    for file in files:
        file.completed = True
    answer = {"files": [file.to_api(world.base_url) for file in files]}

    def share() -> None:
        for channel, root in zip(channels, roots, strict=True):
            message = Message(
                world.clock.ts(),
                channel.id,
                call.user,
                call.get("initial_comment") or "",
                call.get("blocks") or [],
                bot=True,
                thread_ts=root.ts if root else None,
                files=files,
            )
            for file in files:
                file.shares.append((channel.id, message.ts, message.thread_ts))
            world.post(channel, message)

    world.later(world.share_lag, share)  # Slack: the answer comes before the share is made
    return answer


def _uploaded(call: Call, item: Json) -> File:
    file = call.world.workspace.files.get(str(item.get("id")))
    if file is None or file.completed:
        raise Refused("file_not_found")
    if not file.uploaded:
        raise Refused("file_upload_size_restricted" if file.content else "file_not_uploaded")
    file.title = item.get("title") or file.title
    return file


def _channels(call: Call) -> list[Channel]:
    names = [
        *(call.get("channels") or []),
        *([call["channel_id"]] if call.get("channel_id") else []),
    ]
    channels = []
    for name in names:
        call.args["channel_id"] = name
        channels.append(call.live_channel("channel_id"))
    return channels


@method(
    "files.info",
    "file! count:integer page:integer limit:integer cursor",
    scopes=["files:read"],
    tier=4,
)
def info(call: Call) -> Json:
    file = call.world.workspace.files.get(call["file"])
    if file is None or not file.completed:
        raise Refused("file_not_found")
    body = file.to_api(call.world.base_url)
    shares: Json = {"public": {}, "private": {}}
    for channel_id, ts, thread_ts in file.shares:
        channel = call.world.channel(channel_id)
        side = "private" if channel.is_private or channel.is_im else "public"
        share = {"ts": ts, **({"thread_ts": thread_ts} if thread_ts else {})}
        shares[side].setdefault(channel_id, []).append(share)
    body["shares"] = {side: places for side, places in shares.items() if places}
    return {"file": body, "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.delete", "file!", scopes=["files:write"], tier=3)
def delete(call: Call) -> Json:
    file = call.world.workspace.files.pop(call["file"], None)
    if file is None:
        raise Refused("file_not_found")
    for channel_id, ts, _ in file.shares:
        message = call.world.channel(channel_id).messages.get(ts)
        if message is not None:
            message.files = [f for f in message.files if f is not file]
    return {}
