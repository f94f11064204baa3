"""chat.*"""

from __future__ import annotations

from sandbox.slack import cast
from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.content import (
    CONTENT,
    own,
    read_content,
    read_metadata,
    thread_root,
)
from sandbox.slack.methods.registry import Call, method
from sandbox.slack.state import Channel, Message


def _postable(call: Call) -> Channel:
    """Slack: a public channel takes the app's messages when it is a member or has
    chat:write.public; a private one it is no member of it does not know."""
    target = call["channel"]
    world = call.world
    if target in world.workspace.people and target != cast.BOT_USER:
        channel = world.workspace.direct(target, int(world.clock.now()))
    else:
        channel = call.channel()
    if channel.is_archived:
        raise Refused("is_archived")
    if channel.is_im and not world.config.messages_tab:
        raise Refused("messages_tab_disabled")
    free = not channel.is_private and "chat:write.public" in world.config.scopes
    if call.user not in channel.members and not free:
        raise Refused("not_in_channel")
    return channel


@method(
    "chat.postMessage",
    f"channel! {CONTENT} metadata:json reply_broadcast:boolean unfurl_links:boolean "
    "unfurl_media:boolean container_id",
    scopes=["chat:write"],
    tier=4,
)
def post_message(call: Call) -> Json:
    channel = _postable(call)
    content = read_content(call.args)
    metadata = read_metadata(call["metadata"]) if "metadata" in call.args else None
    root = thread_root(channel, call.get("thread_ts"))
    customised = any(name in call.args for name in ("username", "icon_emoji", "icon_url"))
    if customised:
        call.need("chat:write.customize")
    message = Message(
        call.world.clock.ts(),
        channel.id,
        call.user,
        content["text"],
        content["blocks"] or [],
        content["attachments"] or [],
        bot=True,
        thread_ts=root.ts if root else None,
        metadata=metadata,
        username=call.get("username"),
        subtype="thread_broadcast" if root and call.get("reply_broadcast") else None,
    )
    call.world.post(channel, message)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": message.to_api(call.world.base_url, metadata=True),
    }


@method(
    "chat.update",
    f"channel! ts! {CONTENT} metadata:json reply_broadcast:boolean unfurl_links:boolean "
    "unfurl_media:boolean file_ids:list",
    scopes=["chat:write"],
    tier=3,
)
def update(call: Call) -> Json:
    channel = call.channel()
    message = own(call.world.message(channel, call["ts"]), "cant_update_message")
    if message.subtype == "tombstone":
        raise Refused("message_not_found")
    if channel.is_archived:
        raise Refused("is_archived")
    changes_content = any(
        name in call.args for name in ("text", "blocks", "attachments", "markdown_text")
    )
    if not changes_content and "metadata" not in call.args:
        raise Refused("no_text")
    content = read_content(call.args, needed=False)
    keeps_blocks = bool(message.blocks) and content["blocks"] is None
    if changes_content and not (
        content["text"].strip() or content["blocks"] or keeps_blocks or content["attachments"]
    ):
        raise Refused("no_text")
    before = message.to_api(call.world.base_url)
    # Slack: what an update leaves out stays as it was; an empty array or object removes it.
    if "metadata" in call.args:
        message.metadata = read_metadata(call["metadata"])
    if "text" in call.args or "markdown_text" in call.args:
        message.text = content["text"]
    if content["blocks"] is not None:
        message.blocks = content["blocks"]
    if content["attachments"] is not None:
        message.attachments = content["attachments"]
    call.world.edit(channel, message, call.user, before)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message.to_api(call.world.base_url, metadata=True),
    }


@method("chat.delete", "channel! ts! as_user:boolean", scopes=["chat:write"], tier=3)
def delete(call: Call) -> Json:
    channel = call.channel()
    message = own(call.world.message(channel, call["ts"]), "cant_delete_message")
    call.world.remove(channel, message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", f"channel! user! {CONTENT}", scopes=["chat:write"], tier=4)
def post_ephemeral(call: Call) -> Json:
    channel = _postable(call)
    if call["user"] not in call.world.workspace.people:
        raise Refused("user_not_found")
    if call["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    content = read_content(call.args)
    root = thread_root(channel, call.get("thread_ts"))
    message = Message(
        call.world.clock.ts(),
        channel.id,
        call.user,
        content["text"],
        content["blocks"] or [],
        content["attachments"] or [],
        bot=True,
        thread_ts=root.ts if root else None,
        reader=call["user"],
    )
    call.world.whisper(channel, message)
    return {"message_ts": message.ts}


@method("chat.getPermalink", "channel! message_ts!", tier=4, json=False)
def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.world.message(channel, call["message_ts"])
    return {"channel": channel.id, "permalink": permalink(call.world.base_url, message)}


def permalink(base_url: str, message: Message) -> str:
    link = f"{base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
    return link
