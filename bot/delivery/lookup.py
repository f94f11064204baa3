"""Looking for a message after an unclear outcome, by the delivery id in its metadata.

Slack gives metadata back through conversations.history and conversations.replies with
include_all_metadata. A file carries none; it is found by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.delivery.errors import Held, Remedy, SlackRefused
from bot.delivery.sender import SILENT, Sender

EVENT_TYPE = "muster_message"
_PAGE = 200
_PAGES = 5  # where nobody knows since when: the newest thousand of a channel, or a whole thread
_PAGES_SINCE = 500  # of what came since then: more than a channel takes in a day
_SKEW = timedelta(seconds=5)  # between Slack's clock and ours, as a rule
_WRONG = timedelta(days=1)  # a clock of ours that is set to another zone's time doubles nothing
_GONE = frozenset({Remedy.FALLBACK, Remedy.ROOT_ANEW, Remedy.POST_ANEW, Remedy.JOIN})


def metadata(delivery_id: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a message. Slack refuses null in it, so unknown values are left out."""
    payload = {name: value for name, value in more.items() if value is not None}
    return {"event_type": EVENT_TYPE, "event_payload": {**payload, "delivery": delivery_id}}


async def find_message(
    sender: Sender,
    delivery_id: str,
    *,
    channel: str,
    thread_ts: str | None,
    since: datetime | None = None,
    urgent: bool = False,
) -> list[str]:
    """The `ts` of every message with that delivery id, oldest first.

    `since`: it was not sent before; all that came since is looked through. A channel or thread that
    is gone holds none. Raises SlackError when it could not be looked at.
    """

    def ours(message: Mapping[str, Any]) -> bool:
        found = (message.get("metadata") or {}).get("event_payload") or {}
        return bool(found.get("delivery") == delivery_id)

    return await _find(
        sender, ours, channel=channel, thread_ts=thread_ts, since=since, urgent=urgent
    )


async def find_files(
    sender: Sender,
    file_ids: frozenset[str],
    *,
    channel: str,
    thread_ts: str | None,
    since: datetime | None = None,
) -> list[str]:
    """The `ts` of every message in which one of the files is shared, oldest first."""

    def ours(message: Mapping[str, Any]) -> bool:
        return any(file.get("id") in file_ids for file in message.get("files") or ())

    return await _find(
        sender, ours, channel=channel, thread_ts=thread_ts, since=since, urgent=False
    )


async def find_named_files(
    sender: Sender,
    names: frozenset[str],
    *,
    channel: str,
    thread_ts: str | None,
    since: datetime,
) -> dict[str, tuple[str, ...]]:
    """Shares of files of these names since then: `ts` to the files' ids.

    For a restored database, which does not know the ids that were shared after its backup.
    """
    ids: dict[str, tuple[str, ...]] = {}
    first = (since - _SKEW).timestamp()

    def ours(message: Mapping[str, Any]) -> bool:
        files = [file for file in message.get("files") or () if file.get("name") in names]
        if not files or not message.get("bot_id") or float(message["ts"]) < first:
            return False
        ids[str(message["ts"])] = tuple(str(file["id"]) for file in files)
        return True

    await _find(sender, ours, channel=channel, thread_ts=thread_ts, since=since, urgent=False)
    return ids


async def own_posts(
    sender: Sender, *, channel: str, since: datetime | None
) -> list[Mapping[str, Any]]:
    """What stands in the channel with metadata of ours; `since`, or the newest thousand.

    A channel that is gone holds none. Raises SlackError when it could not be looked at.
    """
    found: list[Mapping[str, Any]] = []

    def ours(message: Mapping[str, Any]) -> bool:
        if (message.get("metadata") or {}).get("event_type") != EVENT_TYPE:
            return False
        found.append(message)
        return True

    await _find(
        sender, ours, channel=channel, thread_ts=None, since=since, urgent=False, patient=True
    )
    return found


async def find_ours(
    sender: Sender, *, channel: str, since: datetime
) -> dict[str, Mapping[str, Any]]:
    """Every root message of ours in the channel since then: `ts` to what its metadata says."""
    return {
        str(message["ts"]): message["metadata"].get("event_payload") or {}
        for message in await own_posts(sender, channel=channel, since=since)
        if message.get("thread_ts", message["ts"]) == message["ts"]
        and float(message["ts"]) >= since.timestamp()
    }


async def _join(sender: Sender, channel: str, *, urgent: bool) -> bool:
    """False where it cannot become a member: then it cannot have posted there either."""
    try:
        await sender.call("conversations.join", {"channel": channel}, urgent=urgent)
    except SlackRefused as error:
        if error.remedy in (Remedy.STOP, Remedy.RETRY, Remedy.PARK):
            raise  # without the scope it may post there all the same
        return False
    return True


async def _page(
    sender: Sender, method: str, args: Mapping[str, Any], *, urgent: bool, patient: bool
) -> Mapping[str, Any]:
    while True:
        try:
            return await sender.call(method, args, urgent=urgent)
        except Held as error:
            if not patient or error.code == SILENT:
                raise
            await sender.rest(error.until)


async def _find(
    sender: Sender,
    ours: Callable[[Mapping[str, Any]], bool],
    *,
    channel: str,
    thread_ts: str | None,
    since: datetime | None,
    urgent: bool,
    patient: bool = False,
) -> list[str]:
    """`patient`: reads in the background, and waits where Slack's budget is used up; what was read
    so far is not read again."""
    method = "conversations.replies" if thread_ts else "conversations.history"
    args: dict[str, Any] = {"channel": channel, "limit": _PAGE, "include_all_metadata": "true"}
    if thread_ts:
        args["ts"] = thread_ts
    if since is not None:
        args["oldest"] = f"{(since - _WRONG).timestamp():.6f}"
    found: set[str] = set()
    joined = False
    for _ in range(_PAGES if since is None else _PAGES_SINCE):
        try:
            answer = await _page(sender, method, args, urgent=urgent, patient=patient)
        except SlackRefused as error:
            if error.remedy is Remedy.JOIN and not joined:
                # With chat:write.public it may post where it is no member, but not read there.
                joined = True
                if await _join(sender, channel, urgent=urgent):
                    continue
            if error.remedy in _GONE:
                return sorted(found)
            raise
        found |= {str(message["ts"]) for message in answer.get("messages", ()) if ours(message)}
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
        args["cursor"] = cursor
    return sorted(found)
