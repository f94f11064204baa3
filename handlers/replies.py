"""Replies: what is said to the one who acted, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from handlers.registry import Interaction
from incidents.alerting import newer_threads
from incidents.outcome import Outcome
from incidents.payload_codec import pack
from storage import outbox
from storage.models import Incident

IN_PLACE = frozenset({"line.ring", "line.quiet"})
"""Buttons of a question that the answer takes the place of."""


CLOSES = frozenset(
    {
        "no_right",
        "right_unknown",
        "not_ours",
        "no_member",
        "who_unknown",
        "not_found",
        "other_message",
    }
)
"""Refusals after which the form is not drawn again: nothing of the incident is for who sent it."""


def tell(
    session: Session,
    interaction: Interaction,
    outcome: Outcome,
    now: datetime,
    *,
    kept: Mapping[str, Any] | None = None,
) -> None:
    """Enqueues the outcome's answer where the person acted, in the same transaction.

    A form answers in itself. What was typed goes with a refusal, to its typist alone, encrypted
    until it is sent. `kept`: what the form needs to be drawn again, encrypted as well.
    """
    outcome = newer_threads.explained(session, outcome)
    if interaction.kind == "submission" and interaction.flaw is None:
        _in_form(session, interaction, outcome, now, kept or {})
    elif not outcome.quiet:
        params = {"code": outcome.code, "params": outcome.params}
        given_back = None if outcome.ok else typed_of(interaction)
        secret = {**(given_back or {}), **(outcome.secret or {})} or None
        say(session, interaction, "answer", params, now, secret=secret)


def typed_of(interaction: Interaction) -> dict[str, Any] | None:
    """What the person wrote, to be given back; None where that is nothing."""
    if interaction.flaw is not None:
        return None
    if interaction.kind == "command" and interaction.text.strip():
        typed = interaction.payload.get("command", f"/{interaction.name}")
        return {"typed": [f"{typed} {interaction.text.strip()}"]}
    values = (e for block in interaction.state.values() for e in block.values())
    texts = [str(e["value"]) for e in values if e.get("type") in _TEXTS and e.get("value")]
    return {"typed": texts} if texts else None


_TEXTS = ("plain_text_input", "number_input", "email_text_input", "url_text_input")


def _in_form(
    session: Session,
    interaction: Interaction,
    outcome: Outcome,
    now: datetime,
    kept: Mapping[str, Any],
) -> None:
    """The open form turns into the result, or into itself with the refusal above its fields.

    Where it was closed meanwhile, the person is told as after a press.
    """
    memory = interaction.memory
    params = {
        "form": interaction.name,
        "memory": memory,
        "code": outcome.code,
        "params": outcome.params,
        "ok": outcome.ok,
        "closed": outcome.code in CLOSES,
    }
    channel, thread = memory.get("channel"), memory.get("thread")
    secret = {"state": interaction.state, **(typed_of(interaction) or {}), **kept}
    outbox.view(
        session,
        key=f"answer/{interaction.delivery}",
        template="result" if outcome.ok else "sent_back",
        person=interaction.user_id,
        view_id=str(interaction.view.get("id")),
        params=pack(params),
        instead=None if outcome.ok and outcome.quiet else "answer",
        channel=str(channel) if channel else None,
        thread_ts=str(thread) if thread else None,
        secret=None if outcome.ok else secret,
        now=now,
    )


def say(
    session: Session,
    interaction: Interaction,
    template: str,
    params: Mapping[str, Any],
    now: datetime,
    *,
    incident: Incident | None = None,
    language: str | None = None,
    secret: Any = None,
) -> None:
    """Enqueues a message for this one reader.

    In the channel where they pressed; behind a command, and a shortcut on a message that is in no
    thread, through its response_url, which works in every conversation; else by direct message.
    `secret`: personal data in it.
    """
    key = f"answer/{interaction.delivery}"
    packed = pack(dict(params))
    memory = interaction.memory
    channel = interaction.channel_id or memory.get("channel")
    thread = interaction.thread_ts or memory.get("thread")
    in_place = interaction.name in IN_PLACE
    anywhere = interaction.kind == "command" or (interaction.kind == "shortcut" and not thread)
    if interaction.response_url and (in_place or anywhere):
        outbox.respond(
            session,
            key=key,
            response_url=interaction.response_url,
            replace=in_place,
            template=template,
            person=interaction.user_id,
            params=packed,
            incident=incident,
            language=language,
            secret=secret,
            now=now,
        )
    elif channel:
        outbox.ephemeral(
            session,
            key=key,
            template=template,
            person=interaction.user_id,
            channel=str(channel),
            thread_ts=str(thread) if thread else None,
            params=packed,
            incident=incident,
            language=language,
            secret=secret,
            now=now,
        )
    else:
        outbox.direct(
            session,
            key=key,
            template=template,
            person=interaction.user_id,
            incident=incident,
            params=packed,
            secret=secret,
            typed=True,
            now=now,
        )
