"""Model: what a check run says, findings with their cases, and what it saw healthy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from checks.mark import Mark
from storage.models.alerts import ALERT
from storage.money import Money


@dataclass(frozen=True)
class CaseFound:
    """One affected order, payment, channel or server. No personal data stands in here."""

    kind: str  # order, payment, channel, server
    key: str  # FG-10482
    amount: Money | None = None
    customer_key: str | None = None  # the shop's own id, for counting customers
    state: str = "open"  # a storage.models.CaseState
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A fault on one subject. The same subject in the same section is one incident."""

    subject: str  # channel:northpay, orders:paid, service:storefront
    incident_type: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[CaseFound, ...] = ()
    severity: int | None = None  # None: the plan's own rules decide
    count: int | None = None  # affected at this moment; None: its cases are counted
    felt: bool = True  # False: customers do not feel it (what fails carries no traffic)
    sure: bool = False  # chance does not explain it: one look is enough, whatever `open_after` says
    started_at: datetime | None = None  # when the customer began to feel it, if the data tell
    says: str | None = None  # the sentence of the system that sent it, kept encrypted


@dataclass(frozen=True)
class Failed:
    """A subject that failed in an earlier run: the next run says what has become of it."""

    since: datetime  # of the first failure in a row
    last: datetime
    live: bool = False  # what it led to is still open


NONE_FAILED: Mapping[str, Failed] = MappingProxyType({})


@dataclass(frozen=True)
class OpenShare:
    """Failing by a share of the runs of a time, beside so many in a row."""

    share: float
    within: int  # seconds


@dataclass(frozen=True)
class CheckResult:
    """One run. `healthy_subjects` were looked at and are in order; `error`: it could not look.

    Every subject that failed before is among the findings, among `healthy_subjects`, or it is
    `not_looked_at` (checks.runner sees to that): nobody knows whether it is in order.
    """

    name: str
    ran_at: datetime
    findings: tuple[Finding, ...] = ()
    healthy_subjects: tuple[str, ...] = ()
    noted: tuple[Finding, ...] = ()  # seen, and too little to open anything
    not_looked_at: tuple[str, ...] = ()
    error: str | None = None
    cause: str | None = None  # of the error, where other checks have it too: shop-database
    figures: Mapping[str, Any] = field(default_factory=dict)
    open_after: int = 1
    open_share: OpenShare | None = None
    recover_after: int = 1
    every: int = 60  # seconds between runs, for "three checks in a row"
    took: float | None = None  # seconds of this run
    recovered_facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fresh figures of healthy subjects, for incidents that are still open on them."""
    settled: Mapping[str, tuple[CaseFound, ...]] = field(default_factory=dict)
    """By subject: cases of open incidents that are in order again (`facts["outcome"]` says how)."""
    shadow: bool = False  # nothing of it opens, updates or recovers anything
    mark: Mark | None = None  # what the next run begins with; None: what there was stays
    later_part: bool = False  # of a run whose first part has spoken for the check itself

    @property
    def of_alert(self) -> bool:
        """Whether another system said it, and no check of ours saw it."""
        return self.name.startswith(ALERT)

    @property
    def source(self) -> str:
        """Who found it, as an incident names it: check:payments-northpay, alert:ids."""
        return self.name if self.of_alert else f"check:{self.name}"
