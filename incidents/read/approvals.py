"""Approvals as their approver sees them: what, why, by whom, until when, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from incidents.read import buttons
from incidents.read.reader import Reader
from incidents.runbooks.press_conflicts import PENDING
from incidents.shop_actions import approval_requests
from incidents.views import ButtonView
from plan import engine_texts
from plan.model import Action, Confirm, Words
from storage.models import ActionAttempt, Approval, ApprovalState, AttemptState

_LINES = 12  # orders that are named; the rest is counted


def approval(reader: Reader, approval_id: int) -> dict[str, Any]:
    """The parameters of the message: the same facts for every copy of it."""
    request = reader.session.get_one(Approval, approval_id)
    attempts = attempts_of(reader, request)
    action = reader.plan.actions[request.action]
    shown = dict(request.shown)
    sums = shown.get("sums") or []
    lines = list(shown.get("lines") or [])
    waits = request.state == ApprovalState.WAITING
    entered = _reason(action, attempts[0])
    filled: dict[str, Any] = {
        "what": action.title,
        "scope": {**reader.scope, **reader.attempt_scope(attempts[0])},
        "who": reader.person(request.asked_by),
        "sums": sums,
        "sum": sums[0] if len(sums) == 1 else None,
        "cases": shown.get("cases") or 0,
        "noun": shown.get("noun") or "case",
        "lines": lines[:_LINES],
        "more": max(0, len(lines) - _LINES),
        "limits": shown.get("reasons") or [],
        "reason": entered,
        "looks_like": None if entered else reader.kind.card.active.looks_like,
        "cost": _decided_cost(reader),
        "began": reader.incident.started_at,
        "waiting_since": _waiting_since(reader),
        "anew": request.round > 1,
        "state": str(request.state),
        "until": request.expires_at,
        "next": _next(reader, request) if waits else None,
        "by": reader.person(request.decided_by),
        "at": request.decided_at,
        "result": _result(attempts),
    }
    return filled | {"buttons": _buttons(reader, request, filled) if waits else []}


def attempts_of(reader: Reader, request: Approval) -> list[ActionAttempt]:
    return list(
        reader.session.scalars(
            select(ActionAttempt)
            .where(ActionAttempt.press == request.press)
            .order_by(ActionAttempt.id)
        )
    )


def _buttons(reader: Reader, request: Approval, filled: dict[str, Any]) -> list[ButtonView]:
    """Each round has buttons of its own: who presses has seen these facts."""
    value = f"{buttons.reference(reader)}:{request.id}:{request.round}"
    asker = filled["who"].name if filled["who"] is not None else "Muster"
    scope = {name: filled[name] for name in ("sum", "cases", "noun")} | {"asker": asker}
    return [
        ButtonView(
            "approval.grant", value, None, "approve", "primary", confirm=_confirm(), scope=scope
        ),
        ButtonView("approval.refuse", value, None, "refuse"),
    ]


def _next(reader: Reader, request: Approval) -> Any:
    """Who is asked when this one does not decide in time."""
    if len(request.told) >= approval_requests.ASKED:
        return None
    chain = approval_requests.approvers(reader.change(), request.asked_by)
    return reader.person(next((one for one in chain if one not in request.told), None))


def _reason(action: Action, attempt: ActionAttempt) -> Words | str | None:
    """Why it was asked for, as entered in the action's form: a choice, or a person's words."""
    kept = attempt.hidden or {}
    entered = {**kept.get("form", {}), **kept.get("said", {})}
    for field in action.form.fields if action.form is not None else ():
        if field.id != "reason" or not entered.get(field.id):
            continue
        chosen = next((one for one in field.options if one.id == entered[field.id]), None)
        return chosen.label if chosen is not None else str(entered[field.id])
    return None


def _waiting_since(reader: Reader) -> str | None:
    """Since when the customer is known to wait: a complaint came in then; of others none knows."""
    if reader.incident.source != "complaint":
        return None
    return reader.incident.facts.get("received_at")


def _costs(reader: Reader) -> Iterator[Any]:
    """What was entered as money in the steps that decide what the customer gets."""
    for run in reader.runs:
        for place in reader.places(run):
            if place.plan.kind != "decide" or place.plan.form is None:
                continue
            entered = (place.row.fields or {}).get("values", {})
            for field in place.plan.form.fields:
                if field.kind == "money" and entered.get(field.id):
                    yield entered[field.id]


def _decided_cost(reader: Reader) -> Any:
    return next(_costs(reader), None)


def _result(attempts: list[ActionAttempt]) -> dict[str, Any]:
    """How far it is, once it was approved."""
    done = [one for one in attempts if one.state == AttemptState.DONE]
    running = [one for one in attempts if one.state in PENDING]
    ended = [one.settled_at for one in attempts if one.settled_at is not None]
    return {
        "total": len(attempts),
        "done": len(done),
        "running": len(running),
        "not_done": len(attempts) - len(done) - len(running),
        "at": max(ended) if ended and not running else None,
    }


def _confirm() -> Confirm:
    return Confirm(
        title=engine_texts.text("approval.title"),
        text=engine_texts.text("approval.text"),
        confirm=engine_texts.text("approval.confirm"),
        deny=engine_texts.text("approval.deny"),
    )
