"""Fallback text: the words that go out when a template fails or Slack refuses its blocks: never
nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from bot.delivery.content import Content, Request
from plan.languages import DEFAULT
from storage.models import Incident

_SENTENCE = {
    "en": "This message could not be drawn. Type {command} show {number} for the record.",
    "zh-Hant": "這則訊息無法完整顯示，請輸入 {command} show {number} 查看紀錄。",
}
_SENTENCE_ALONE = {
    "en": "Muster has a message for you that could not be drawn. Type {command} list.",
    "zh-Hant": "Muster 有一則訊息無法顯示，請輸入 {command} list 查看。",
}
STATUS = {  # the words of the catalogues, without needing them
    "open": {"en": "Open", "zh-Hant": "待處理"},
    "acknowledged": {"en": "In progress", "zh-Hant": "處理中"},
    "mitigated": {"en": "Mitigated", "zh-Hant": "已緩解"},
    "monitoring": {"en": "Monitoring", "zh-Hant": "觀察中"},
    "resolved": {"en": "Resolved", "zh-Hant": "已結案"},
    "reviewed": {"en": "Reviewed", "zh-Hant": "已檢討"},
    "dismissed": {"en": "Not an incident", "zh-Hant": "誤報"},
    "merged": {"en": "Merged", "zh-Hant": "已併入"},
}
_VIEW_TEXT = 3000  # Slack: the text of a section
_TEXT_LIMIT = 3500  # characters; Slack advises against more than 4000


class PlainForms:
    """What had to go out plain since the start, for an operator's eyes: the incident was told, but
    a template is broken (`drawing`) or makes blocks that Slack refuses (`blocks`)."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()  # (template, why)
        self.last: str | None = None
        self.last_at: datetime | None = None

    def note(self, template: str, why: str, now: datetime) -> None:
        """May be called in a database thread: the loss of one count there hurts nobody."""
        self.counts[template, why] += 1
        self.last, self.last_at = template, now


def plain_content(session: Session, request: Request, command: str = "/incident") -> Content:
    """Number, severity, status and section, straight from the row. `command`: as it is typed."""
    language = request.language if request.language in _SENTENCE else DEFAULT
    incident = (
        session.get(Incident, request.incident_id) if request.incident_id is not None else None
    )
    if incident is None:
        return Content(text=_SENTENCE_ALONE[language].format(command=command), plain=True)
    status = STATUS.get(incident.status, {}).get(language, incident.status)
    head = f"{incident.reference} · SEV{incident.severity} · {status} · §{incident.section}"
    said = _SENTENCE[language].format(number=incident.number, command=command)
    return Content(text=f"{head}\n{said}", plain=True)


def without_blocks(content: Content) -> Content:
    """The same message as its notification text alone."""
    return Content(text=content.text[:_TEXT_LIMIT], metadata=content.metadata, plain=True)


def plain_view(content: Content, kind: Literal["home", "modal"]) -> dict[str, Any]:
    """The same words as a whole view, for a modal that waits for its result or an App Home."""
    view: dict[str, Any] = {
        "type": kind,
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": content.text[:_VIEW_TEXT]}}
        ],
    }
    if kind == "modal":
        view["title"] = {"type": "plain_text", "text": "Muster"}
    return view
