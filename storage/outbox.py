"""Outbox: what the domain calls to have something said in Slack, references only, never text
(decision 4).

Each call enqueues one item of the work table in the caller's own transaction (rule 1); delivery
renders it when it is sent. Message keys are those of `SlackMessage.key`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storage import work
from storage.models.incidents import Incident
from storage.models.work import WorkKind

CARD_PRIORITY = 1  # an incident's first post goes before log lines of any incident
REFRESH_PRIORITY = 4


def post(
    session: Session,
    *,
    key: str,
    template: str,
    incident: Incident | None,
    audience: str,
    now: datetime,
    thread_key: str | None = None,
    params: Mapping[str, Any] | None = None,
    priority: int = 5,
    broadcast: bool = False,
    ring: Iterable[str] = (),
    language: str | None = None,
    beside: bool = False,
    secret: Any = None,
) -> int | None:
    """A message in the audience's channel, under `thread_key` if given. Once per key.

    `secret`: personal data in it, encrypted until it is sent and then forgotten.

    `beside`: a message of the thread that is edited in place (the runbook). What is posted after it
    need not wait for Slack's answer to it; delivery keeps the two in order.
    """
    payload = _payload(session, "post", key, template, incident, params, language) | {
        "audience": audience,
        "thread": thread_key,
        "ring": list(ring),
        "broadcast": broadcast,
    }
    # What stands below one message reads in order, of an incident or of none.
    order_key = key if beside else _thread(incident) or thread_key
    return _message(
        session, key, payload, now, order_key=order_key, priority=priority, secret=secret
    )


def refresh(
    session: Session,
    *,
    key: str,
    template: str,
    incident: Incident,
    now: datetime,
    params: Mapping[str, Any] | None = None,
    priority: int = REFRESH_PRIORITY,
) -> int | None:
    """Brings a posted message up to date; refreshes of one message coalesce.

    Ordered by the message, not by the thread, so that an edit never waits for posts.
    """
    payload = _payload(session, "refresh", key, template, incident, params, None)
    return work.refresh(
        session,
        kind=WorkKind.MESSAGE,
        key=f"refresh:{key}",
        payload=payload,
        due=now,
        now=now,
        order_key=key,
        priority=priority,
    )


def direct(
    session: Session,
    *,
    key: str,
    template: str,
    person: str,
    incident: Incident | None,
    now: datetime,
    params: Mapping[str, Any] | None = None,
    priority: int = 1,
    ring: Iterable[str] = (),
    secret: Any = None,
    typed: bool = False,
) -> int | None:
    """A direct message to a Slack user. Once per key.

    `secret`: personal data in it; `typed`: it may repeat what they typed.
    """
    payload = _payload(session, "direct", key, template, incident, params, None) | {
        "person": person,
        "ring": list(ring),
    }
    order = f"dm:{person}"
    if typed or secret is not None:
        return _answer(session, key, payload, now, priority=priority, order_key=order, data=secret)
    return _message(session, key, payload, now, order_key=order, priority=priority)


def ephemeral(
    session: Session,
    *,
    key: str,
    template: str,
    person: str,
    channel: str,
    now: datetime,
    thread_ts: str | None = None,
    params: Mapping[str, Any] | None = None,
    incident: Incident | None = None,
    language: str | None = None,
    secret: Any = None,
) -> int | None:
    """An answer for one reader only, sent at most once (rule 4). `secret`: personal data in it."""
    payload = _payload(session, "ephemeral", key, template, incident, params, language) | {
        "person": person,
        "channel": channel,
        "thread_ts": thread_ts,
    }
    return _answer(session, key, payload, now, data=secret)


def respond(
    session: Session,
    *,
    key: str,
    response_url: str,
    template: str,
    person: str,
    now: datetime,
    params: Mapping[str, Any] | None = None,
    incident: Incident | None = None,
    replace: bool = False,
    language: str | None = None,
    secret: Any = None,
) -> int | None:
    """An answer through a `response_url` (30 minutes, 5 uses), at most once.

    The address is a credential, so it stands in the item's encrypted part under `url`.
    """
    payload = _payload(session, "respond", key, template, incident, params, language) | {
        "person": person,
        "replace": replace,
    }
    return _answer(session, key, payload, now, data=secret, url=response_url)


def view(
    session: Session,
    *,
    key: str,
    template: str,
    person: str,
    view_id: str,
    now: datetime,
    view_hash: str | None = None,
    params: Mapping[str, Any] | None = None,
    incident: Incident | None = None,
    instead: str | None = None,
    channel: str | None = None,
    thread_ts: str | None = None,
    secret: Any = None,
) -> int | None:
    """Turns an open modal ("checking") into its result; of several for one modal the newest stays.

    `instead`: the template of the message that goes to the person, in `channel` or directly, when
    they have closed the modal; it takes `params` and `secret` over.
    """
    payload = _payload(session, "view", key, template, incident, params, None) | {
        "person": person,
        "view_id": view_id,
        "hash": view_hash,
        "instead": instead,
        "channel": channel,
        "thread_ts": thread_ts,
    }
    return _answer(session, key, payload, now, order_key=view_order(view_id), data=secret)


def view_order(view_id: str) -> str:
    """The order key of what turns that modal into something else."""
    return f"view:{view_id}"


def home(session: Session, *, person: str, now: datetime) -> int | None:
    """Publishes a person's App Home anew; coalesces per person."""
    key = f"home/{person}"
    payload = _payload(session, "home", key, "home", None, None, None) | {"person": person}
    return work.refresh(
        session,
        kind=WorkKind.MESSAGE,
        key=key,
        payload=payload,
        due=now,
        now=now,
        order_key=key,
        priority=REFRESH_PRIORITY,
    )


def file(
    session: Session,
    *,
    key: str,
    template: str,
    incident: Incident | None,
    now: datetime,
    audience: str | None = None,
    person: str | None = None,
    thread_key: str | None = None,
    params: Mapping[str, Any] | None = None,
    priority: int = 6,
    language: str | None = None,
) -> int | None:
    """A file in the thread, or to one person. Once per key."""
    payload = _payload(session, "file", key, template, incident, params, language) | {
        "audience": audience,
        "person": person,
        "thread": thread_key,
    }
    order = _thread(incident) if person is None else f"dm:{person}"
    return _message(session, key, payload, now, order_key=order, priority=priority)


def page(
    session: Session,
    *,
    key: str,
    incident: Incident,
    now: datetime,
    action: str = "trigger",
    template: str = "page",
    params: Mapping[str, Any] | None = None,
    priority: int = 0,
) -> int | None:
    """A page webhook event: `action` is trigger, acknowledge or resolve. Once per key."""
    payload = _payload(session, "page", key, template, incident, params, None) | {"action": action}
    # In order: what is over must not be told before that it began.
    order = f"page:{incident.reference}"
    return _message(session, key, payload, now, order_key=order, priority=priority)


def _payload(
    session: Session,
    do: str,
    key: str,
    template: str,
    incident: Incident | None,
    params: Mapping[str, Any] | None,
    language: str | None,
) -> dict[str, Any]:
    if incident is not None and incident.id is None:
        session.flush()  # the reference needs the incident's id
    return {
        "do": do,
        "message": key,
        "template": template,
        "incident": None if incident is None else incident.id,
        "params": dict(params or {}),
        "language": language,
    }


def _thread(incident: Incident | None) -> str | None:
    return None if incident is None else incident.reference


def _answer(
    session: Session,
    key: str,
    payload: dict[str, Any],
    now: datetime,
    *,
    priority: int = 0,
    order_key: str | None = None,
    **hidden: Any,
) -> int | None:
    """What one person is told about what they typed: its parameters stand in no row in clear, and
    are forgotten when it is sent."""
    secret = {"params": payload["params"], **hidden}
    payload = {**payload, "params": {}}
    return _message(
        session, key, payload, now, priority=priority, order_key=order_key, secret=secret
    )


def _message(
    session: Session,
    key: str,
    payload: dict[str, Any],
    now: datetime,
    *,
    priority: int,
    order_key: str | None = None,
    secret: Any = None,
) -> int | None:
    return work.enqueue(
        session,
        kind=WorkKind.MESSAGE,
        key=f"message:{key}",
        payload=payload,
        due=now,
        now=now,
        order_key=order_key,
        priority=priority,
        secret=secret,
    )
