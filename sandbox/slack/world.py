"""World: everything that the sandbox consists of, in one place, and what happens when it
changes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from sandbox.slack import cast, rings
from sandbox.slack.clock import SandboxClock
from sandbox.slack.config import AppConfig
from sandbox.slack.delivery import Dispatcher, Patience, Transport
from sandbox.slack.errors import Json, Refused
from sandbox.slack.faults import Faults
from sandbox.slack.http_events import HttpEvents
from sandbox.slack.live import Live
from sandbox.slack.log import RequestLog
from sandbox.slack.rate import RateLimits
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.socket_mode import SocketHub
from sandbox.slack.stacks import Views, complete_ids
from sandbox.slack.state import Channel, Message, Workspace
from sandbox.slack.triggers import Triggers
from sandbox.slack.values import Values, initial_values

_CHANNEL_EVENTS = {
    "channel": "message.channels",
    "group": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}


def channel_type(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    if channel.is_mpim:
        return "mpim"
    return "group" if channel.is_private else "channel"


class World:
    def __init__(
        self, config: AppConfig, *, clock: SandboxClock, http_events: str | None = None
    ) -> None:
        self.config = config
        self.clock = clock
        self.base_url = ""
        self.latency = 0.0
        self.ack_lag = 0.1  # real seconds between an acknowledgement and what becomes of it
        self.share_lag = 0.3  # of this clock, between the end of an upload and its message
        self.guide: Json = {}
        self.app_scopes = frozenset({"connections:write"})  # of the app-level token
        self.org_install = False  # the bot token is one of a whole Enterprise Grid organisation
        self.workspace = Workspace(config.name, clock.now())
        self.log = RequestLog()
        self.faults = Faults()
        self.rates = RateLimits()
        self.triggers = Triggers(clock)
        self.views = Views(clock)
        self.live = Live()
        self.responses = ResponseUrls(clock)
        self.rings: defaultdict[str, list[rings.Ring]] = defaultdict(list)
        self.message_values: dict[tuple[str, str, str], Values] = {}  # person, channel, ts
        self._events = count(1)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.patience = Patience()
        self.sockets = SocketHub(clock, self.faults, self.patience, self.spawn, self._connections)
        self.http = _http(clock, config, self.patience, http_events)
        transport: Transport = self.http or self.sockets
        self.dispatcher = Dispatcher(clock, self.log, transport, self.patience, self.spawn)

    # Tasks

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def later(self, seconds: float, effect: Callable[[], None]) -> None:
        """An effect that Slack brings about by itself, after its answer."""
        if seconds <= 0:
            effect()
            return

        async def wait() -> None:
            await self.clock.sleep(seconds)
            effect()

        self.spawn(wait())

    async def close(self) -> None:
        self.live.close()
        await self.sockets.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.http is not None:
            await self.http.close()

    def _connections(self, connected: int) -> None:
        self.live.everyone({"type": "connection", "app_connections": connected})

    # Looking things up

    def channel(self, channel_id: Any) -> Channel:
        channel = self.workspace.channels.get(channel_id)
        if channel is None:
            raise Refused("channel_not_found")
        return channel

    def channel_for_person(self, user: str, channel_id: Any) -> Channel:
        channel = self.channel(channel_id)
        if not self.sees(user, channel):
            raise Refused("channel_not_found")
        return channel

    def sees(self, user: str, channel: Channel) -> bool:
        person = self.workspace.people.get(user)
        return person is not None and channel.sees(person)

    def channel_of_member(self, user: str, channel_id: Any) -> Channel:
        """A channel that the person may write in. Slack: who only looks in has to join first."""
        channel = self.channel_for_person(user, channel_id)
        if user not in channel.members:
            raise Refused("not_in_channel", messages=["Join the channel first."])
        return channel

    def message(self, channel: Channel, ts: Any) -> Message:
        message = channel.messages.get(ts)
        if message is None:
            raise Refused("message_not_found")
        return message

    def visible(self, user: str, channel: Channel, ts: Any) -> Message:
        """A message as that person sees it, ephemeral ones included."""
        own = channel.ephemerals.get(user, {}).get(ts)
        return own if own is not None else self.message(channel, ts)

    def audience(self, channel: Channel) -> list[str]:
        """Whose pages show the channel."""
        return [id_ for id_, person in self.workspace.people.items() if channel.sees(person)]

    def enter(self, channel: Channel, user: str) -> None:
        """Somebody is in the channel from now on."""
        channel.members[user] = None
        self.live.everyone({"type": "channel", "channel": channel.id})
        self.event(
            channel,
            {
                "type": "member_joined_channel",
                "user": user,
                "channel": channel.id,
                "channel_type": "G" if channel.is_private else "C",
                "team": cast.TEAM_ID,
                "event_ts": self.clock.ts(),
            },
        )

    # Messages

    def post(self, channel: Channel, message: Message) -> Message:
        """A new message: it stands in the channel, rings whom it must, and makes its event."""
        complete_ids(message.blocks)
        channel.add(message)
        if not message.bot:
            channel.read[message.user] = message.ts
        mentions = rings.mentions_of(message)
        rung = list(rings.rung(self.workspace, channel, message, mentions, self.clock.now()))
        rings.follow(channel, message, mentions)
        self._show(channel, message, "message")
        for person, ring in rung:
            self.rings[person].append(ring)
            channel.mentions[person] = channel.mentions.get(person, 0) + 1
            self.live.tell([person], {"type": "ring", "ring": ring.to_json()})
        event = {
            **message.to_api(self.base_url),
            "channel": channel.id,
            "channel_type": channel_type(channel),
            "event_ts": message.ts,
        }
        self._message_event(channel, event)
        if not message.bot and cast.BOT_USER in mentions.users:
            self.event(channel, {**event, "type": "app_mention"})
        return message

    def edit(self, channel: Channel, message: Message, by: str, before: Json) -> None:
        """After an edit: no ring, ever."""
        complete_ids(message.blocks)
        message.edited_ts = self.clock.ts()
        message.edited_by = by
        self._show(channel, message, "update")
        self._message_event(
            channel,
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "message": message.to_api(self.base_url),
                "previous_message": before,
                "channel": channel.id,
                "channel_type": channel_type(channel),
                "ts": message.edited_ts,
                "event_ts": message.edited_ts,
            },
        )

    def remove(self, channel: Channel, message: Message) -> None:
        before = message.to_api(self.base_url)
        if message.replies:  # Slack: a deleted root with replies leaves a tombstone
            message.text, message.blocks, message.files = "This message was deleted.", [], []
            message.subtype, message.metadata, message.attachments = "tombstone", None, []
            self._show(channel, message, "update")
        else:
            channel.remove(message)
            self.live.tell(
                self.audience(channel),
                {
                    "type": "delete",
                    "channel": channel.id,
                    "ts": message.ts,
                    "thread_ts": message.thread_ts,
                },
            )
        ts = self.clock.ts()
        self._message_event(
            channel,
            {
                "type": "message",
                "subtype": "message_deleted",
                "hidden": True,
                "deleted_ts": message.ts,
                "previous_message": before,
                "channel": channel.id,
                "channel_type": channel_type(channel),
                "ts": ts,
                "event_ts": ts,
            },
        )

    def whisper(self, channel: Channel, message: Message) -> Message:
        """An ephemeral message: its reader alone sees it, and nothing rings."""
        complete_ids(message.blocks)
        reader = str(message.reader)
        channel.ephemerals.setdefault(reader, {})[message.ts] = message
        self.live.tell(
            [reader],
            {
                "type": "ephemeral",
                "channel": channel.id,
                "ts": message.ts,
                "thread_ts": message.thread_ts,
                "message": self.shown(message),
            },
        )
        return message

    def unwhisper(self, channel: Channel, message: Message) -> None:
        reader = str(message.reader)
        channel.ephemerals.get(reader, {}).pop(message.ts, None)
        self.live.tell(
            [reader],
            {
                "type": "delete",
                "channel": channel.id,
                "ts": message.ts,
                "thread_ts": message.thread_ts,
                "ephemeral": True,
            },
        )

    def _show(self, channel: Channel, message: Message, kind: str) -> None:
        self.live.tell(
            self.audience(channel),
            {
                "type": kind,
                "channel": channel.id,
                "ts": message.ts,
                "thread_ts": message.thread_ts,
                "message": self.shown(message),
            },
        )

    def shown(self, message: Message) -> Json:
        """The message as the hand API and the page get it."""
        person = self.workspace.people.get(message.user)
        return {
            "ts": message.ts,
            "thread_ts": message.thread_ts,
            ("bot" if message.bot else "user"): message.user,
            "name": message.username or (person.real_name if person else message.user),
            "text": message.text,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "edited_ts": message.edited_ts,
            "reply_count": len(message.replies),
            "latest_reply": message.replies[-1] if message.replies else None,
            "reactions": [
                {"name": n, "users": list(u), "count": len(u)} for n, u in message.reactions.items()
            ],
            "files": [f.to_api(self.base_url) for f in message.files],
            "ephemeral": message.reader is not None,
            "metadata": message.metadata,
            "deleted": message.subtype == "tombstone",
            "subtype": message.subtype,
            "pinned": message.pinned,
        }

    def values_of(self, user: str, message: Message) -> Values:
        """What a person chose in a message so far."""
        key = (user, message.channel, message.ts)
        values = initial_values(message.blocks, self.message_values.get(key))
        if values:
            self.message_values[key] = values
        return values

    # Events

    def _message_event(self, channel: Channel, event: Json) -> None:
        if cast.BOT_USER in channel.members:
            self.event(channel, event, _CHANNEL_EVENTS[channel_type(channel)])

    def event(self, channel: Channel | None, event: Json, subscription: str | None = None) -> None:
        """Sends an event to the app when it is subscribed and can see the place."""
        if (subscription or event["type"]) not in self.config.events:
            return
        if channel is not None and not (
            cast.BOT_USER in channel.members or event["type"] == "app_home_opened"
        ):
            return
        self.send_event(event)

    def send_event(self, event: Json, event_id: str | None = None) -> str:
        envelope = self.envelope(event, event_id)
        self.dispatcher.event(envelope, summary=str(event.get("type", "")))
        return str(envelope["event_id"])

    def envelope(self, event: Json, event_id: str | None = None) -> Json:
        """An event as the Events API wraps it."""
        event_id = event_id or f"Ev{next(self._events):08d}{secrets.token_hex(2).upper()}"
        return {
            "token": cast.VERIFICATION_TOKEN,
            "team_id": cast.TEAM_ID,
            "api_app_id": cast.APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self.clock.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": cast.TEAM_ID,
                    "user_id": cast.BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event_id}",
        }


def _http(
    clock: SandboxClock, config: AppConfig, patience: Patience, url: str | None
) -> HttpEvents | None:
    """HTTP mode: to the one URL that was given, else to those of a manifest without Socket Mode."""
    if url is not None:
        return HttpEvents(clock, url, patience)
    if config.socket_mode or config.request_url is None:
        return None
    return HttpEvents(
        clock,
        config.request_url,
        patience,
        interactivity_url=config.interactivity_url,
        options_url=config.options_url,
    )
