"""Scope of the plan: what may stand in a text or expression. The facts of each type stand beside
its section (`plan.facts`).

A text is a Jinja template over this scope; everything may be missing (then it is falsy), so a text
asks before it prints. The tables here are what `plan.lint` checks against and what `docs/plan.md`
shows; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

SCOPE: Mapping[str, str] = {
    "facts": "figures of the incident, by its type (`facts.yaml`), and what actions left behind",
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
    "since": "up to when the record reaches, less a minute (`earlier.found` alone)",
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
# States as the database writes them; what a plan compares with is one of them.
CASE_STATES = frozenset({"open", "unknown", "waiting", "settled"})
STEP_STATES = frozenset({"pending", "running", "unknown", "done", "skipped", "not_needed"})
STATUSES = frozenset(
    {
        "open",
        "acknowledged",
        "mitigated",
        "monitoring",
        "resolved",
        "reviewed",
        "dismissed",
        "merged",
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
    "command": "`command('order')`: the slash command as it is called in this workspace",
    "holding": "`holding(look, facts.rules)`: what an order should hold, holds, and what follows",
    "newer": "`newer(look, 'created_at', since)`: those of a list since then, or of no known time",
}
