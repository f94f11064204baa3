"""What may stand in a text or expression of the plan: the scope, and the facts of each type.

A text is a Jinja template over this scope; everything may be missing (then it is falsy), so a text
asks before it prints. The tables here are what `plan.lint` checks against and what `docs/plan.md`
shows; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "code", "number", "flag", "time", "money", "list", "group"]


@dataclass(frozen=True)
class Fact:
    """One fact. Times are ISO strings, money is {"minor", "currency"}."""

    kind: Kind
    says: str


SCOPE: Mapping[str, str] = {
    "facts": "figures of the incident, by its type (below), and what actions left behind",
    "cases": "how many cases: in all, by state, by outcome, by what was done to them, by answer",
    "incident": "reference, severity, status, the times, the owner's plain name",
    "steps": "the steps of the run by id: state, actor, at, verified_at, fields, did, first",
    "actor": "plain name of who pressed",
    "now": "the moment, as an ISO string",
    "asked": "of how many cases the step's own form, which holds case by case, still asks",
    "target": "what pressing the button now would reach: cases, customers, amount",
    "batch": "what a press that ran once per case has done: total, done, failed, unknown …",
    "attempt": "one action: at, verified_at, settled_at",
    "params": "the action's parameters",
    "before": "what the look before the action showed",
    "after": "what the verifying look showed",
    "response": "the shop's answer to the action",
    "look": "what a look shows: the JSON of the shop",
    "failing": "whether a check of the incident fails now (`felt` alone)",
    "beside": "whether what fails carries no traffic, by the check's word (`felt` alone)",
    "effect": "whether the effect of a mitigating step stands, as last looked at (`felt` alone)",
    "looks": "how many looks of the hold were good, one after the other (`enough` alone)",
    "case": "one case: kind, key, state, amount, outcome, facts, told; in a message seen, due",
    "group": "the cases of one customer, where an action runs once per customer",
    "message": "what a customer reads: text, language, kind",
    "form": "what was entered in the form",
}

INCIDENT = frozenset(
    {
        "reference",
        "number",
        "severity",
        "status",
        "started_at",
        "detected_at",
        "mitigated_at",
        "resolved_at",
        "owner",
        "minutes_felt",
        "felt_since",
        "relapses",
        "works_since",
        "section",
        "subject_key",
    }
)
CASES = frozenset(
    {
        "total",
        "open",
        "unknown",
        "waiting",
        "settled",
        "customers",
        "amount",
        "open_amount",
        "by_outcome",
        "answers",
        "open_answers",
    }
)
STEP = frozenset(
    {
        "state",
        "actor",
        "at",
        "verified_at",
        "branch",
        "fields",
        "figures",
        "did",
        "first",
        "problem",
    }
)
RESOLVE_FORM = frozenset({"cause", "prevention", "owner", "due"})
TARGET = frozenset({"cases", "customers", "amount"})
BATCH = frozenset(
    {"total", "done", "failed", "unknown", "customers", "amount", "outcomes", "counts"}
)
ATTEMPT = frozenset({"at", "verified_at", "settled_at"})
CASE = frozenset({"kind", "key", "state", "amount", "outcome", "facts", "told", "seen", "due"})
MESSAGE = frozenset({"text", "language", "kind"})

# What every check and every recovery writes, whatever the type.
COMMON: Mapping[str, Fact] = {
    "check.name": Fact("text", "the check that found it"),
    "check.failures": Fact("number", "failed runs in a row"),
    "check.first_at": Fact("time", "the first of them"),
    "check.last_at": Fact("time", "the last of them"),
    "check.passes": Fact("number", "passed runs in a row, once it recovers"),
    "recovered_at": Fact("time", "when the check passed again; missing while it fails"),
    "orders": Fact("number", "affected orders"),
    "customers": Fact("number", "their customers"),
    "amount": Fact("money", "their amount"),
    "solution.at": Fact("time", "when the first customer was offered a solution"),
    "solution.limit_seconds": Fact("number", "the limit for it at that time"),
    "unlisted.cases": Fact("number", "affected ones that the check counted and does not name"),
    "unlisted.customers": Fact("number", "their customers"),
    "unlisted.amount": Fact("money", "their amount"),
    "oldest_since": Fact("time", "since when the oldest of them"),
    "what": Fact("text", "what a person who declared it wrote (encrypted)"),
}

_ORDER_STATE: Mapping[str, Fact] = {
    "state": Fact("code", "the state the orders are in"),
    "limit_hours": Fact("number", "how long an order may stay in it"),
    "usual_hours": Fact("number", "how long it usually stays"),
    "order": Fact("text", "the order, where a person declared one"),
    "also.couriers": Fact("text", "what the orders have in common"),
    "transition.from": Fact("code", "the state before the wrong one"),
    "transition.to": Fact("code", "the wrong state"),
}

_COMPLAINT: Mapping[str, Fact] = {
    "channel": Fact("code", "how the complaint came in"),
    "reason": Fact("code", "one of the six reasons of 7.1"),
    "sub_reason": Fact("code", "the reason more exactly"),
    "order": Fact("text", "order number, if one is named"),
    "payment_id": Fact("text", "the order's captured payment"),
    "received_at": Fact("time", "when it came in"),
    "step_since": Fact("time", "since when the present step stands"),
    "public": Fact("flag", "the customer says they will go public or to court"),
    "language": Fact("code", "the customer's language: en or zh-Hant"),
    "text": Fact("text", "the customer's words (encrypted)"),
}

FACTS: Mapping[str, Mapping[str, Fact]] = {
    "payment_channel_down": {
        "channel.id": Fact("code", "the failing channel"),
        "channel.name": Fact("text", "its name"),
        "standby.id": Fact("code", "the channel that can stand in; missing if there is none"),
        "standby.name": Fact("text", "its name"),
        "standby.ok": Fact("flag", "whether its test payment went through"),
        "standby.tested_at": Fact("time", "when it was tested"),
        "standby.problem": Fact("code", "why its test failed"),
        "probe.ok": Fact("flag", "whether the failing channel's own test payment went through"),
        "probe.problem": Fact("code", "why not: timeout, refused, http_503"),
        "method": Fact("code", "the way to pay: card"),
        "window_minutes": Fact("number", "the minutes that are counted"),
        "attempts": Fact("number", "payments tried in them"),
        "failed": Fact("number", "of these, failed"),
        "usual_failed_per_100": Fact("number", "how many of a hundred usually fail"),
        "failing_since": Fact("time", "since when"),
        "unanswered": Fact("number", "payments whose result the channel never gave"),
        "stage.code": Fact("code", "where most fail: 3ds_timeout"),
        "stage.count": Fact("number", "how many fail there"),
        "banks": Fact("number", "how many banks these are of"),
        "now.channel.id": Fact("code", "the channel that `now` speaks of"),
        "now.attempts": Fact("number", "payments tried lately through the channel in use"),
        "now.captured": Fact("number", "of these, paid"),
        "now.since": Fact("time", "since when they are counted"),
        "vendor": Fact("text", "the vendor's name"),
    },
    "order_state_stuck": _ORDER_STATE,
    "order_state_illegal": _ORDER_STATE,
    "payment_amount_mismatch": {
        "order": Fact("text", "the order, where it is one"),
        "over.orders": Fact("number", "orders paid too much"),
        "over.amount": Fact("money", "how much too much"),
        "under.orders": Fact("number", "orders paid too little"),
        "under.amount": Fact("money", "how much too little"),
        "total": Fact("money", "the one order's amount"),
        "paid": Fact("money", "what was paid for it, less refunds"),
        "delta": Fact("money", "paid less amount; negative: too little"),
        "parts.list": Fact("money", "list price"),
        "parts.discount": Fact("money", "discount"),
        "parts.shipping": Fact("money", "shipping"),
        "payments": Fact("number", "how many payments"),
        "usual_per_day": Fact("number", "how many differ on a usual day"),
        "rules.closed": Fact("list", "states in which an order should hold nothing"),
        "rules.unpaid": Fact("list", "states in which nobody has begun to pay"),
        "rules.refund_lowers_total": Fact("flag", "the shop takes a refund off the total"),
        "rules.tolerance": Fact("number", "minor units by which it may differ"),
        "rules.currency": Fact("code", "the shop's currency, where an order has none"),
    },
    "system_crash": {
        "service": Fact("code", "what does not answer"),
        "part": Fact("flag", "the shop itself is not known to be down: it is a service of it"),
        "latency_ms": Fact("number", "how long the probe took"),
        "error": Fact("code", "refused, timeout, http_500; missing: it answers"),
        "last_ok_at": Fact("time", "its last good answer"),
        "window_minutes": Fact("number", "the minutes in which orders are counted"),
        "orders_per_minute_usual": Fact("number", "orders a minute on a usual day"),
        "orders_last_minutes": Fact("number", "orders in these minutes"),
        "standby.id": Fact("code", "the standby server"),
        "standby.ok": Fact("flag", "whether it is healthy"),
        "standby.state": Fact("code", "running, stopped"),
        "traffic": Fact("code", "the server that has the shop's traffic"),
        "data.ok": Fact("flag", "whether every order is there"),
        "data.missing": Fact("list", "order numbers known only from payments"),
        "data.expected": Fact("number", "orders there should be"),
        "data.found": Fact("number", "orders there are"),
        "data.sums_ok": Fact("flag", "whether the sums agree"),
        "data.checked_at": Fact("time", "when a person last looked"),
        "now.orders": Fact("number", "orders since the switch"),
        "now.since": Fact("time", "since when they are counted"),
        "symptom": Fact("code", "what a person declared: not_started, interrupted, data_lost"),
    },
    "complaint": _COMPLAINT,
    "service_attitude": _COMPLAINT,
}

FILTERS: Mapping[str, str] = {
    "money": "`{{ cases.amount|money }}` → NT$86,420",
    "time": "hours and minutes in each reader's own zone",
    "date": "day, hours and minutes",
    "day": "the day",
    "percent": "0.483 → 48.3 %",
    "duration": "seconds as words",
    "word": "the catalogue's word of a code",
    "plain": "a person's own words, literally",
}
FUNCTIONS: Mapping[str, str] = {
    "n": "`n(41, 'order')` → 41 orders; `n(41)` → the number alone (Chinese)",
    "minutes": "`minutes(a, b)`: whole minutes between two times",
    "word": "as the filter",
    "money": "as the filter",
    "duration": "as the filter",
    "holding": "`holding(look, facts.rules)`: what an order should hold, holds, and what follows",
}


def facts_of(incident_type: str) -> dict[str, Fact]:
    """Every fact that a check or form may give an incident of the type; KeyError if unknown."""
    return {**COMMON, **FACTS[incident_type]}


def money_parts(facts: Mapping[str, Fact]) -> frozenset[str]:
    """The dotted names that `facts.…` may be followed by, money's own parts included."""
    names: set[str] = set()
    for name, fact in facts.items():
        parts = name.split(".")
        names.update(".".join(parts[: length + 1]) for length in range(len(parts)))
        if fact.kind == "money":
            names.update({f"{name}.minor", f"{name}.currency"})
    return frozenset(names)
