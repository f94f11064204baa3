"""Errors: what the sandbox answers when it refuses something, as Slack does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """A call that Slack answers with `ok: false`.

    `messages` become `response_metadata.messages`, as Slack's validators write them;
    `extra` are further fields of the answer (`needed`, `provided`).
    """

    def __init__(
        self,
        error: str,
        *,
        messages: Sequence[str] = (),
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.messages = list(messages)
        self.status = status
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self) -> Json:
        """The JSON that the caller receives."""
        body: Json = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {m}" for m in self.messages]}
        return body
