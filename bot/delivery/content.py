"""Content: what delivery asks to have drawn, and what it gets, references in, words and blocks
out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bot.delivery.job import Job


@dataclass(frozen=True)
class Request:
    """What is to be drawn. Rows hold references, never text; it is drawn when it is sent."""

    key: str  # INC-412/card
    template: str  # card, runbook, log, desk …
    language: str
    incident_id: int | None = None
    audience: str | None = None
    person: str | None = None
    channel: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    secret: Any = field(default=None, repr=False)  # personal data of an answer for one reader


def request_of(job: Job, language: str) -> Request:
    """What is to be drawn for a message item."""
    payload = job.payload
    hidden = job.secret if isinstance(job.secret, Mapping) else {}
    answers = "params" in hidden  # what was said to one person stands in the encrypted part
    return Request(
        key=job.message,
        template=str(payload["template"]),
        language=language,
        incident_id=payload.get("incident"),
        audience=payload.get("audience"),
        person=payload.get("person"),
        channel=payload.get("channel"),
        params=(hidden if answers else payload).get("params") or {},
        secret=hidden.get("data") if answers or payload.get("do") == "respond" else job.secret,
    )


@dataclass(frozen=True)
class Attachment:
    """A file to be shared in a thread."""

    name: str
    title: str
    content: bytes


@dataclass(frozen=True)
class Content:
    """What was drawn. `text` is the notification; `view` is for App Home and modals."""

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)  # joins the delivery id
    view: Mapping[str, Any] | None = None
    files: Sequence[Attachment] = ()
    plain: bool = False  # drawn without templates, because they failed
    hides: bool = False  # it takes the place of what must not stand there any more

    @property
    def content_hash(self) -> str:
        """Equal for what looks equal: a refresh that changes nothing is not sent."""
        drawn = json.dumps(
            [self.text, list(self.blocks)], ensure_ascii=False, sort_keys=True, default=str
        )
        return hashlib.sha256(drawn.encode()).hexdigest()


class Renderer(Protocol):
    """Composes read models and templates (handed in by the composition root).

    Called inside a read of the database, in a thread. Whatever it raises is logged, and the plain
    form goes out instead.
    """

    def __call__(self, session: Session, request: Request) -> Content: ...
