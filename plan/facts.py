"""Facts of an incident: what a check, a form or the engine may write of it, with their kinds.

Those that every check and every recovery writes stand here; those of an incident type stand in its
section's folder (`facts.yaml`), as do the samples that its texts are measured with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plan.model import Fact, IncidentType

# What every check and every recovery writes, whatever the type.
COMMON: Mapping[str, Fact] = {
    "check.name": Fact(kind="text", says="the check that found it", sample="payments-northpay"),
    "check.failures": Fact(kind="number", says="failed runs in a row", sample=3),
    "check.failed_runs": Fact(kind="number", says="failed runs, where a share of them opened it"),
    "check.of_runs": Fact(kind="number", says="the runs of its window, of which they are"),
    "check.first_at": Fact(
        kind="time", says="the first of them", sample="2026-11-11T03:05:00+00:00"
    ),
    "check.last_at": Fact(kind="time", says="the last of them", sample="2026-11-11T03:07:00+00:00"),
    "check.passes": Fact(kind="number", says="passed runs in a row, once it recovers", sample=3),
    "recovered_at": Fact(kind="time", says="when the check passed again; missing while it fails"),
    "orders": Fact(kind="number", says="affected orders", sample=41),
    "customers": Fact(kind="number", says="their customers", sample=39),
    "amount": Fact(kind="money", says="their amount", sample={"minor": 8642000, "currency": "TWD"}),
    "solution.at": Fact(kind="time", says="when the first customer was offered a solution"),
    "solution.limit_seconds": Fact(kind="number", says="the limit for it at that time"),
    "unlisted.cases": Fact(
        kind="number", says="affected ones that the check counted and does not name"
    ),
    "unlisted.customers": Fact(kind="number", says="their customers"),
    "unlisted.amount": Fact(kind="money", says="their amount"),
    "oldest_since": Fact(
        kind="time", says="since when the oldest of them", sample="2026-11-09T02:00:00+00:00"
    ),
    "unread": Fact(
        kind="list",
        says="what its check could not judge: by field, how many rows hold nothing to be read",
    ),
    "alert.door": Fact(kind="text", says="the other system whose alert it is, by its door"),
    "alert.at": Fact(kind="time", says="when its last alert came"),
    "alert.over_at": Fact(kind="time", says="when it said that it is resolved; missing while not"),
    "alert.ended_at": Fact(kind="time", says="since when, by its own word"),
    "refused.door": Fact(kind="text", says="the door that refuses requests without its secret"),
    "refused.requests": Fact(kind="number", says="such requests within the time that counts"),
    "what": Fact(kind="text", says="what a person who declared it wrote (encrypted)"),
}


def facts_of(kind: IncidentType) -> dict[str, Fact]:
    """Every fact that a check or form may give an incident of the type."""
    return {**COMMON, **kind.facts}


def money_parts(facts: Mapping[str, Fact]) -> frozenset[str]:
    """The dotted names that `facts.…` may be followed by, money's own parts included."""
    names: set[str] = set()
    for name, fact in facts.items():
        parts = name.split(".")
        names.update(".".join(parts[: length + 1]) for length in range(len(parts)))
        if fact.kind == "money":
            names.update({f"{name}.minor", f"{name}.currency"})
    return frozenset(names)


def sample_of(facts: Iterable[tuple[str, Fact]]) -> dict[str, Any]:
    """The facts as an incident would hold them, by their samples: {"channel": {"id": "northpay"}}.

    A fact without a sample is not known in it.
    """
    found: dict[str, Any] = {}
    for name, fact in facts:
        if fact.sample is None:
            continue
        *above, last = name.split(".")
        at = found
        for part in above:
            at = at.setdefault(part, {})
        at[last] = fact.sample
    return found
