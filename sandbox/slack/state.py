"""State: the workspace, people, groups, channels, messages, files. Data alone, no effects
outside.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.slack import cast
from sandbox.slack.errors import Json


@dataclass
class Person:
    id: str
    name: str
    real_name: str
    title: str
    locale: str
    tz: str
    is_bot: bool = False
    dnd_since: float | None = None
    dnd_until: float | None = None
    presence: str = "active"
    deleted: bool = False
    guest: str = ""  # "multi" or "single": sees the channels that it was let into, no others
    team: str = cast.TEAM_ID  # another one: somebody from outside, by Slack Connect

    @property
    def full(self) -> bool:
        """A member of this workspace, who may look into every public channel."""
        return not self.guest and self.team == cast.TEAM_ID

    def in_dnd(self, now: float) -> bool:
        return self.dnd_until is not None and now < self.dnd_until

    def to_api(self, *, locale: bool, now: float, shares: bool = True) -> Json:
        """The user object of users.info. `tz_offset` in seconds. `shares`: a channel with the
        app."""
        offset = datetime.fromtimestamp(now, ZoneInfo(self.tz)).utcoffset()
        user: Json = {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": bool(self.guest),
            "is_ultra_restricted": self.guest == "single",
            "updated": 1_760_000_000,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "title": self.title,
                "team": self.team,
                "status_text": "",
                "status_emoji": "",
                "email": f"{self.name}@formosa-goods.example",
            },
        }
        if self.is_bot:
            user["profile"]["bot_id"] = cast.BOT_ID
            user["profile"]["api_app_id"] = cast.APP_ID
        if self.team != cast.TEAM_ID:
            user["is_stranger"] = not shares  # Slack: false for who shares a channel with the app
        if locale and self.team == cast.TEAM_ID:
            user["locale"] = self.locale
        return user


@dataclass
class Group:
    id: str
    handle: str
    name: str
    users: list[str]


@dataclass
class File:
    id: str
    name: str
    title: str
    mimetype: str
    size: int
    user: str
    created: int
    content: bytes = b""
    uploaded: bool = False
    completed: bool = False
    alt_text: str | None = None
    shares: list[tuple[str, str, str | None]] = field(default_factory=list)  # channel, ts, thread

    def to_api(self, base_url: str) -> Json:
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2] or "binary",
            "size": self.size,
            "user": self.user,
            "mode": "hosted",
            "is_public": True,
            "is_external": False,
            "url_private": f"{base_url}/files/{self.id}/{self.name}",
            "url_private_download": f"{base_url}/files/{self.id}/download/{self.name}",
            "permalink": f"{base_url}/files/{self.user}/{self.id}/{self.name}",
            "alt_txt": self.alt_text or "",
            "channels": [c for c, _, _ in self.shares],
        }


@dataclass
class Message:
    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    bot: bool = False
    thread_ts: str | None = None
    subtype: str | None = None
    metadata: Json | None = None
    edited_ts: str | None = None
    edited_by: str | None = None
    reader: str | None = None  # an ephemeral message: who alone sees it
    replies: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    followers: set[str] = field(default_factory=set)  # of the thread that starts here
    pinned: bool = False
    username: str | None = None

    def to_api(self, base_url: str, *, metadata: bool = False) -> Json:
        """The message as the Web API and payloads show it."""
        body: Json = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "team": cast.TEAM_ID,
        }
        if self.subtype:
            body["subtype"] = self.subtype
        if self.bot:
            body["bot_id"] = cast.BOT_ID
            body["app_id"] = cast.APP_ID
        if self.username:
            body["username"] = self.username
        if self.blocks:
            body["blocks"] = self.blocks
        if self.attachments:
            body["attachments"] = self.attachments
        if self.thread_ts or self.replies:
            body["thread_ts"] = self.thread_ts or self.ts
        if self.replies:
            body |= {
                "reply_count": len(self.replies),
                "latest_reply": self.replies[-1],
                "is_locked": False,
                "subscribed": False,
            }
        if self.edited_ts:
            body["edited"] = {"user": self.edited_by or self.user, "ts": self.edited_ts}
        if self.reactions:
            body["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)}
                for name, users in self.reactions.items()
            ]
        if self.files:
            body["files"] = [file.to_api(base_url) for file in self.files]
        if metadata and self.metadata:
            body["metadata"] = self.metadata
        if self.pinned:
            body["pinned_to"] = [self.channel]
        return body


@dataclass
class Channel:
    id: str
    name: str
    created: int
    creator: str = cast.BOT_USER
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_archived: bool = False
    is_general: bool = False
    is_ext_shared: bool = False  # Slack Connect: people of another organisation are in it
    is_pending_ext_shared: bool = False  # … they have been invited
    im_user: str | None = None
    topic: str = ""
    purpose: str = ""
    members: dict[str, None] = field(default_factory=dict)  # in the order of joining
    messages: dict[str, Message] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)  # sorted
    ephemerals: dict[str, dict[str, Message]] = field(default_factory=dict)  # per reader
    bookmarks: dict[str, Json] = field(default_factory=dict)
    pins: dict[str, int] = field(default_factory=dict)  # message → when
    read: dict[str, str] = field(default_factory=dict)  # person → last read ts
    mentions: dict[str, int] = field(default_factory=dict)  # person → unread mentions

    def add(self, message: Message) -> None:
        self.messages[message.ts] = message
        root = self.messages.get(message.thread_ts or "")
        if root is None or root is message:
            insort(self.roots, message.ts)
            return
        insort(root.replies, message.ts)
        if message.subtype == "thread_broadcast":  # a reply that stands in the channel as well
            insort(self.roots, message.ts)

    def remove(self, message: Message) -> None:
        del self.messages[message.ts]
        self.pins.pop(message.ts, None)
        root = self.messages.get(message.thread_ts or "")
        if root is not None:
            root.replies.remove(message.ts)
        if root is None or message.subtype == "thread_broadcast":
            self.roots.remove(message.ts)

    def between(
        self, oldest: str | None, latest: str | None, *, inclusive: bool
    ) -> tuple[int, int]:
        """Index range into `roots`, for history."""
        return span(self.roots, oldest, latest, inclusive=inclusive)

    def sees(self, person: Person) -> bool:
        """A guest, and who is from outside, sees only where they are a member."""
        public = not (self.is_private or self.is_im or self.is_mpim)
        return person.id in self.members or (public and person.full)

    def unread(self, user: str) -> int:
        """Root messages after the last one the person read, their own not counted."""
        start = bisect_right(self.roots, self.read.get(user, ""))
        return sum(1 for ts in self.roots[start:] if self.messages[ts].user != user)

    def to_api(self, *, viewer: str, count_members: bool = False) -> Json:
        if self.is_im:
            return {
                "id": self.id,
                "created": self.created,
                "is_im": True,
                "is_org_shared": False,
                "is_archived": self.is_archived,
                "user": self.im_user,
                "is_user_deleted": False,
                "priority": 0,
                "is_open": True,
            }
        body: Json = {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not (self.is_private or self.is_mpim),
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": self.is_mpim,
            "is_private": self.is_private or self.is_mpim,
            "is_archived": self.is_archived,
            "is_general": self.is_general,
            "created": self.created,
            "creator": self.creator,
            "is_member": viewer in self.members,
            "is_shared": self.is_ext_shared,
            "is_org_shared": False,
            "is_ext_shared": self.is_ext_shared,
            "is_pending_ext_shared": self.is_pending_ext_shared,
            "unlinked": 0,
            "previous_names": [],
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "", "last_set": 0},
        }
        if count_members:
            body["num_members"] = len(self.members)
        return body


def span(
    sorted_ts: list[str], oldest: str | None, latest: str | None, *, inclusive: bool
) -> tuple[int, int]:
    """Which timestamps lie between the two; the bounds themselves only when `inclusive`."""
    low, high = (bisect_left, bisect_right) if inclusive else (bisect_right, bisect_left)
    return (
        low(sorted_ts, oldest) if oldest else 0,
        high(sorted_ts, latest) if latest else len(sorted_ts),
    )


class Workspace:
    """The fixed cast, and whatever happens to it."""

    def __init__(self, app_name: str, now: float) -> None:
        created = int(now)
        self.people = {p.id: Person(*p) for p in cast.PEOPLE}
        self.people[cast.BOT_USER] = Person(
            cast.BOT_USER, app_name.lower(), app_name, "", "en-US", "Asia/Taipei", is_bot=True
        )
        self.groups = {g.id: Group(g.id, g.handle, g.name, list(g.users)) for g in cast.GROUPS}
        self.files: dict[str, File] = {}
        self.channels: dict[str, Channel] = {}
        for c in cast.CHANNELS:
            self.channels[c.id] = Channel(
                c.id,
                c.name,
                created,
                creator="U0JO",
                is_private=c.is_private,
                is_general=c.name == "general",
                members=dict.fromkeys(c.members),
            )
        for person in cast.PEOPLE:
            self.direct(person.id, created)

    def direct(self, user: str, created: int) -> Channel:
        """The direct channel between the person and the app."""
        channel_id = cast.direct_channel(user)
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(
                channel_id,
                "directmessage",
                created,
                is_im=True,
                im_user=user,
                members={user: None, cast.BOT_USER: None},
            )
        return self.channels[channel_id]

    def named(self, name: str) -> Channel | None:
        return next((c for c in self.channels.values() if c.name == name and not c.is_im), None)
