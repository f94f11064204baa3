"""Hands: a person's eyes and hands in Slack, and the hands on the shop's switches: HTTP alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
Json = dict[str, Any]
_ALL = 100_000  # messages: more than any drill or test leaves


class Seen(Exception):
    """What a person would report: it did not show, was refused, or says something else."""


def wait_for(look: Callable[[], T | None], what: str, within: float = 20.0) -> T:
    """Looks until there is something to see (real seconds); Seen when it does not come."""
    end = time.monotonic() + within
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > end:
            raise Seen(f"did not come within {within:g} s: {what}")
        time.sleep(0.05)


class Slack:
    """The workspace as its people see it."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, **params: Any) -> Json:
        answer: Json = self._http.get(path, params=params).json()
        return answer

    def _post(self, path: str, **data: Any) -> Json:
        answer: Json = self._http.post(path, json=data).json()
        return answer

    def messages(self, person: str, channel: str, thread_ts: str | None = None) -> list[Json]:
        """All of a channel or a thread, however many; a page would show the newest."""
        params: Json = {"as": person, "channel": channel, "limit": _ALL}
        if thread_ts:
            params["thread_ts"] = thread_ts
        found: list[Json] = self._get("/hand/messages", **params).get("messages", [])
        return found

    def direct_channels(self, person: str) -> list[str]:
        """The direct messages of this person."""
        found: list[Json] = self._get("/hand/channels", **{"as": person}).get("channels", [])
        return [channel["id"] for channel in found if channel.get("is_im")]

    def command(self, person: str, channel: str, command: str, text: str) -> Json:
        return self._post(
            "/hand/command", **{"as": person}, channel=channel, command=command, text=text
        )

    def click(self, person: str, message: Json, channel: str, element: Json, **choice: Any) -> Json:
        data = {"action_id": element["action_id"], "block_id": element.get("block_id")}
        if "value" in element:
            data["value"] = element["value"]
        return self._post(
            "/hand/click", **{"as": person}, channel=channel, ts=message["ts"], **data, **choice
        )

    def click_in_view(self, person: str, view_id: str, element: Json, **choice: Any) -> Json:
        data = {"action_id": element["action_id"], "block_id": element.get("block_id")}
        if "value" in element:
            data["value"] = element["value"]
        return self._post("/hand/click", **{"as": person}, view_id=view_id, **data, **choice)

    def view(self, person: str) -> Json | None:
        """The modal on top, if one is open."""
        views: list[Json] = self._get("/hand/views", **{"as": person}).get("views", [])
        return views[-1] if views else None

    def submit(self, person: str, view_id: str, values: Json) -> Json:
        return self._post("/hand/submit", **{"as": person}, view_id=view_id, values=values)

    def send_shown(self, person: str, before: Json | None = None) -> Json | None:
        """Sends a modal that only shows what will be sent and asks for nothing; else None."""
        view = self.view(person)
        if view is None or not view.get("submit"):
            return None
        if before is not None and view["id"] == before["id"]:
            return None
        if any(block["type"] == "input" for block in view["blocks"]):
            return None
        return self.submit(person, view["id"], {})

    def close_view(self, person: str, view_id: str) -> None:
        self._post("/hand/close", **{"as": person}, view_id=view_id, clear=True)

    def rings(self, person: str) -> list[Json]:
        found: list[Json] = self._get("/hand/rings", **{"as": person}).get("rings", [])
        return found

    def log(self, method: str) -> list[Json]:
        """Every call of the app of that method, oldest first."""
        found: list[Json] = self._get("/hand/log", method=method).get("requests", [])
        return found

    def file(self, person: str, file_id: str) -> str:
        return self._http.get(f"/hand/files/{file_id}", params={"as": person}).text


class Shop:
    """The shop's control address: its fault switches, and fresh looks at it."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def close(self) -> None:
        self._http.close()

    def look(self, path: str) -> Any:
        return self._http.get(path).json()

    def post(self, path: str, data: Json) -> Json:
        return self._ask("POST", path, data)

    def patch(self, path: str, data: Json) -> Json:
        return self._ask("PATCH", path, data)

    def _ask(self, method: str, path: str, data: Json) -> Json:
        answer = self._http.request(method, path, json=data)
        if answer.is_error:
            raise Seen(f"the shop refused {path}: {answer.text[:200]}")
        body: Json = answer.json()
        return body

    def mutations(self) -> list[Json]:
        found = self.look("/mutations")
        rows: list[Json] = found["mutations"] if isinstance(found, dict) else found
        return rows


def elements(message: Json) -> list[Json]:
    """Every element of the message that can be pressed, with its block's id."""
    found: list[Json] = []

    def walk(node: Any, block_id: str | None) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item, block_id)
        elif isinstance(node, dict):
            block = node.get("block_id", block_id)
            if "action_id" in node:
                found.append({**node, "block_id": block})
            for value in node.values():
                walk(value, block)

    walk(message.get("blocks", []), None)
    return found


def words(node: Any) -> str:
    """All text of a message or a view, in reading order."""
    if isinstance(node, list):
        return "\n".join(filter(None, (words(item) for item in node)))
    if not isinstance(node, dict):
        return ""
    kind = node.get("type")
    if kind in ("mrkdwn", "plain_text", "text", "markdown") and isinstance(node.get("text"), str):
        return _as_read(node["text"]) if kind == "mrkdwn" else str(node["text"])
    if kind == "date":
        return str(node.get("fallback", ""))
    if kind == "user":
        return f"<@{node.get('user_id')}>"
    if kind == "link":
        return str(node.get("text") or node.get("url", ""))
    if kind == "channel":
        return f"<#{node.get('channel_id')}>"
    joiner = "" if str(kind).startswith("rich_text_") and kind != "rich_text_list" else "\n"
    parts = [
        words(node[key]) if joiner else "".join(words(e) for e in node[key] if isinstance(e, dict))
        for key in ("text", "fields", "elements", "accessory", "label", "child_blocks", "blocks")
        if isinstance(node.get(key), dict | list) and (joiner or isinstance(node[key], list))
    ]
    return joiner.join(filter(None, parts))


def _as_read(mrkdwn: str) -> str:
    """What a reader sees of `&amp; &lt; &gt;`; of one that was escaped twice, the escape."""
    return mrkdwn.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
