"""Sample scopes per incident type: what a text is measured with before anybody is rung by it.

`typical` is the incident that the plan's wording was made for, `minimal` knows nothing but the
incident's own number, `hostile` holds what customers and vendors really type.
"""

from __future__ import annotations

from typing import Any

from plan import expressions
from plan.facts import facts_of, sample_of
from plan.model import Action, Form, Section
from plan.walk import Found

Scope = dict[str, Any]

_T = "2026-11-11T03:0{}:00+00:00"
_HOSTILE = "<!channel> *bold* `code` <@U0MEI> & {{ 7*7 }} 😀 _it_ ~x~ \n> 'q' \"d\" <http://x|y>"

_MONEY = {"minor": 8642000, "currency": "TWD"}
_CASES: Scope = {
    "total": 41,
    "open": 32,
    "unknown": 9,
    "waiting": 0,
    "settled": 0,
    "customers": 39,
    "amount": _MONEY,
    "open_amount": {"minor": 2527000, "currency": "TWD"},
    "by_outcome": {},
    "told": 0,
    "link": 0,
}
_CASE: Scope = {
    "kind": "order",
    "key": "FG-10482",
    "state": "open",
    "amount": {"minor": 210000, "currency": "TWD"},
    "outcome": None,
    "facts": {
        "payment_id": "pay_0192",
        "language": "en",
        "delta": {"minor": 1000, "currency": "TWD"},
        "paid": {"minor": 211000, "currency": "TWD"},
        "total": {"minor": 210000, "currency": "TWD"},
    },
}
_TIMES: Scope = {"at": _T.format(9), "verified_at": "2026-11-11T03:10:00+00:00"}
_ORDER: Scope = {
    "id": "10482",
    "number": "FG-10482",
    "status": "paid",
    "route": "north",
    "total_minor": 210000,
    "currency": "TWD",
    "payments": [{"id": "pay_0192", "status": "captured", "amount_minor": 211000}],
    "refunds": [],
    "replacements": ["FG-10511"],
    "compensations": [],
}
_LOOK: Scope = {
    **_ORDER,
    "ok": False,
    "channel": "harborpay",
    "traffic": "primary",
    "servers": [
        {"id": "primary", "state": "down", "healthy": False},
        {"id": "standby", "state": "stopped", "healthy": False},
    ],
    "missing": ["FG-10481", "FG-10482", "FG-10483"],
    "orders_expected": 1204,
    "orders_found": 1201,
    "parameters": [{"name": "pool_size", "expected": 20, "actual": 5, "ok": False}],
}


def _entered(form: Form | None, *, text: str) -> Scope:
    """What a person would enter in the form: its first option, a sentence, an amount, a time."""
    values: Scope = {}
    for field in form.fields if form is not None else ():
        values[field.id] = {
            "select": field.options[0].id if field.options else None,
            "money": {"minor": 123450, "currency": "TWD"},
            "datetime": "2026-11-11T04:30:00+00:00",
            "date": "2026-11-11",
            "number": field.minimum or 1,
            "tick": True,
            "person": "U0MEI",
        }.get(field.kind, text)
    return values


def _steps(section: Section, *, text: str) -> Scope:
    return {
        step.id: {
            "state": "done",
            "actor": "Mei",
            **_TIMES,
            "branch": step.branches[0].id if step.branches else None,
            "fields": _entered(step.form, text=text),
            "figures": {},
            "did": [],
            "first": {"actor": "Mei", **_TIMES},
        }
        for step in section.steps
    }


def typical(section: Section, incident_type: str) -> Scope:
    """The incident as thread-examples show it: found by a check, handled by Mei."""
    kind = next(kind for kind in section.types if kind.id == incident_type)
    return {
        "facts": sample_of(facts_of(kind).items()),
        "cases": dict(_CASES),
        "incident": {
            "reference": "INC-412",
            "number": 412,
            "severity": kind.severity,
            "status": "mitigated",
            "started_at": _T.format(2),
            "detected_at": _T.format(7),
            "mitigated_at": "2026-11-11T03:10:00+00:00",
            "resolved_at": None,
            "owner": "Mei",
            "minutes_felt": 8,
            "felt_since": _T.format(2),
            "relapses": 0,
            "works_since": None,
            "section": section.id,
            "subject_key": "northpay",
        },
        "steps": _steps(section, text="3-D Secure server lost its certificate store."),
        "actor": "Mei",
        "now": _T.format(9),
        "target": {"cases": 32, "customers": 30, "amount": _MONEY},
    }


def relapsed(section: Section, incident_type: str) -> Scope:
    """The same, mended twice and failing for the third time; mended again where it says so."""
    scope = typical(section, incident_type)
    incident = {**scope["incident"], "relapses": 2, "felt_since": _T.format(8)}
    return {**scope, "incident": incident}


def at_opening(section: Section, incident_type: str) -> Scope:
    """The same incident in the minute it opens: nobody has it, nothing is done."""
    scope = typical(section, incident_type)
    facts = {k: v for k, v in scope["facts"].items() if k not in ("via", "now")}
    incident = {**scope["incident"], "owner": None, "mitigated_at": None, "status": "open"}
    steps: Scope = {
        step.id: {
            "state": "pending",
            "actor": None,
            "at": None,
            "fields": {},
            "did": [],
            "first": {},
        }
        for step in section.steps
    }
    return {**scope, "facts": facts, "incident": incident, "steps": steps}


def minimal(section: Section, incident_type: str) -> Scope:
    """Nothing is known but the number and the severity."""
    severity = next(kind.severity for kind in section.types if kind.id == incident_type)
    return {
        "facts": {},
        "cases": {
            **dict.fromkeys(("total", "open", "unknown", "waiting", "settled", "customers"), 0),
            "amount": None,
            "open_amount": None,
            "by_outcome": {},
        },
        "incident": {"reference": "INC-1", "number": 1, "severity": severity, "owner": None},
        "steps": {},
        "actor": "Mei",
    }


def hostile(section: Section, incident_type: str) -> Scope:
    """Every text in the facts replaced by what may really stand in an order or a vendor's name."""
    scope = typical(section, incident_type)
    return {
        **scope,
        "facts": poisoned(scope["facts"]),
        "actor": _HOSTILE,
        "steps": _steps(section, text=_HOSTILE),
        "incident": {**scope["incident"], "owner": _HOSTILE},
    }


def poisoned(value: Any, key: str = "") -> Any:
    """The value with every free text made hostile; times, currencies and codes stay readable."""
    if isinstance(value, dict):
        return {name: poisoned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key) for item in value]
    if isinstance(value, str) and key != "currency" and not value.startswith("2026-"):
        return _HOSTILE
    return value


def of_action(action: Action, scope: Scope) -> Scope:
    """What an action's own texts see beside the scope: its parameters, looks and answer."""
    seen: Scope = {
        **scope,
        "form": _entered(action.form, text="The parcel has not moved since Monday."),
        "case": _CASE,
        "group": [_CASE],
        "message": {"text": "Hello,", "language": "en", "kind": "payment_failed"},
        "attempt": {**_TIMES, "settled_at": _TIMES["verified_at"]},
        "batch": {
            "total": 30,
            "done": 30,
            "failed": 0,
            "unknown": 0,
            "customers": 30,
            "amount": _MONEY,
            "outcomes": {"charged": 2, "not_charged": 7},
            "counts": {"via": {"line": 19, "email": 11}},
        },
        "before": dict(_LOOK),
        "after": dict(_LOOK),
        "look": dict(_LOOK),
        "response": {**_LOOK, "id": "88213", "result": "captured", "via": "line"},
    }
    params: Scope = {}
    for name, template in action.params.items():
        try:
            params[name] = expressions.value(template, {**seen, "params": params})
        except expressions.ExpressionError:
            continue  # nothing is known of it in this scope
    return {**seen, "params": params}


def seen_by(found: Found, scope: Scope) -> Scope:
    """What the texts of a section see beside the scope: the form that was sent, a look, a case."""
    step = found.step
    form = step.form if step is not None else None
    return {**scope, "form": form_entered(form), "look": _LOOK, "case": _CASE}


def form_entered(form: Form | None, *, text: str = "It works again since the restart.") -> Scope:
    """The values of a form as `form` in a log line."""
    return _entered(form, text=text)
