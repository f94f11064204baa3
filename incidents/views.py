"""Views: what a card, a runbook message, a log line and a review are made of.

Plain data, gathered in one read of the database. They hold the plan's bilingual texts together with
the scope those are rendered in, never rendered text: the language is chosen when it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from plan.model import CardWords, Confirm, Words

Scope = Mapping[str, Any]  # facts, cases, incident, steps … (the scope of plan.scope)


@dataclass(frozen=True)
class PersonView:
    """Somebody as a plain name; a mention is a ring and is chosen elsewhere."""

    user_id: str
    name: str


@dataclass(frozen=True)
class ButtonView:
    """A button as it stands on a card or under a step."""

    action_id: str  # "step.run", "incident.take", "cases.open" …
    value: str  # "INC-412:7:3.3.1.s2:switch"
    label: Words | None  # the plan's words; None: the catalogue's `buttons.<catalogue>`
    catalogue: str | None = None
    style: Literal["primary", "danger"] | None = None
    confirm: Confirm | None = None
    url: str | None = None
    scope: Scope = field(default_factory=dict)  # extra scope of this button (params …)


@dataclass(frozen=True)
class NextView:
    """The card's Next line: what is to be done, what runs, or what is waited for."""

    kind: Literal[
        "step", "running", "unknown", "restored", "approval", "watched", "quiet", "resolve", "none"
    ]
    words: Words | None  # the plan's words, where it has some; else the catalogue's `next.<kind>`
    params: Mapping[str, Any] = field(default_factory=dict)  # actor, at, until, reason …


Mood = Literal["active", "mitigated", "ended", "unseen", "dismissed", "merged"]
Lead = Literal["active", "waits", "mitigated", "ended", "unseen", "dismissed", "merged"]


@dataclass(frozen=True)
class CardView:
    """The root of the thread (thread-examples 1.1–1.3)."""

    reference: str
    version: int
    severity: int
    status: str
    family: str
    section: str
    section_short: Words
    plan_version: str
    mood: Mood
    words: CardWords
    scope: Scope
    owner: PersonView | None
    owner_since: datetime | None
    ring_group: str | None  # Slack id of the user group that is asked while nobody has it
    passed_over: tuple[tuple[PersonView, datetime | None], ...]  # in Do Not Disturb, until when
    rung_instead: PersonView | None
    next: NextView
    buttons: tuple[ButtonView, ...]  # at most three, one of them green
    more: tuple[tuple[str, str], ...]  # (verb of the catalogue, value), at most five
    quiet_until: datetime | None
    quiet_reason: str | None  # revealed: literal text only
    merged_into: str | None
    reason: str | None  # dismissal
    ring: Words  # the notification text
    other_languages: tuple[str, ...]
    drill: bool = False
    nobody: str | None = None  # the role that nobody has, while somebody should be rung
    unwatched: str | None = None  # the check that found it and is no longer configured
    door: str | None = None  # of another system's alerts, through which it came
    said_over: tuple[str, datetime] | None = None  # the door that said it is resolved, and when
    times: int = 1  # how often the customers have felt it
    follows: str | None = None  # the incident of the same subject that was resolved before
    waits: bool = False  # what was done about the cases shows at none of them yet: not over
    unread: tuple[Mapping[str, Any], ...] = ()  # what its check could not judge, and so left out
    reaches_to: datetime | None = None  # the record, which was restored and nobody has confirmed
    confirm_record: ButtonView | None = None

    @property
    def lead(self) -> Lead:
        """The mark before the title, `card.lead` of the catalogue; the severity's if active."""
        return "waits" if self.waits else self.mood


@dataclass(frozen=True)
class LeftView:
    """Of how many cases a step still asks, while some have their answers."""

    left: int
    asked: int
    keys: tuple[str, ...]  # the first of them
    more: int


@dataclass(frozen=True)
class StepView:
    step_id: str
    number: int  # 1, 2, 3 as people count them
    section: str
    state: Literal[
        "pending", "next", "running", "unknown", "done", "skipped", "not_needed", "open_any_time"
    ]
    title: Words
    do: Words
    detail: Words | None
    scope: Scope
    actor: PersonView | None
    actor_kind: Literal["person", "system", "check"] | None
    at: datetime | None
    verified_at: datetime | None
    started_at: datetime | None
    reason: str | None  # of a skip; literal text
    branch: Words | None
    buttons: tuple[ButtonView, ...]
    undo: ButtonView | None
    not_needed: Words | None
    problem: Words | None  # why the last try did not happen
    problem_scope: Scope = field(default_factory=dict)  # its attempt, and what was seen against it
    branches: tuple[tuple[Words, ButtonView], ...] = ()
    first_at: datetime | None = None  # when it was first done, also if it was taken back since
    approver: PersonView | None = None  # while it waits for their yes
    recorded: tuple[tuple[Words, str], ...] = ()  # label and literal text of non-personal fields
    left: LeftView | None = None
    lacks: tuple[str, ...] = ()  # places in muster.yaml without which it cannot be done from here
    by_hand: bool = False  # done on a person's word


@dataclass(frozen=True)
class RunbookView:
    """The runbook message, second in the thread, edited in place (thread-examples 1.4)."""

    reference: str
    version: int
    run_id: int
    section: str
    title: Words
    done: int
    total: int
    steps: tuple[StepView, ...]
    later: tuple[tuple[Words, Scope], ...]
    replaced: bool
    scope: Scope


@dataclass(frozen=True)
class LogView:
    """One log line (thread-examples 1.5): `kind` is a key of the catalogue's `log`."""

    reference: str
    sequence: int
    at: datetime
    kind: str
    actor: PersonView | None
    words: Words | None  # the plan's log line, where the plan gives one
    scope: Scope
    text: str | None  # what a person wrote: literal, shown as a quotation
    buttons: tuple[ButtonView, ...] = ()
    version: int = 0
    broadcast: bool = False


@dataclass(frozen=True)
class AnswerView:
    """What a person said of one case: a field's label, and the option's words or the value."""

    label: Words
    words: Words | None
    value: Any


@dataclass(frozen=True)
class CaseView:
    kind: str
    key: str
    state: str
    amount: Mapping[str, Any] | None
    outcome: str | None
    facts: Mapping[str, Any]
    updated_at: datetime
    answers: tuple[AnswerView, ...] = ()  # in the order of the plan


@dataclass(frozen=True)
class CasesView:
    """One page of the cases: ten, with filter (state) and export."""

    reference: str
    version: int
    incident_number: int
    title: Words
    scope: Scope
    filter: str
    counts: Mapping[str, int]
    page: int
    pages: int
    cases: tuple[CaseView, ...]
    state_words: Mapping[str, Words] = field(default_factory=dict)  # of the type: “paid”


@dataclass(frozen=True)
class ResolveView:
    """What is still open, by name, before resolving (thread-examples 1.7)."""

    reference: str
    version: int
    incident_number: int
    scope: Scope
    refused: tuple[tuple[Words, Scope], ...]  # hard guards that do not hold
    open_guards: tuple[tuple[Words, Scope], ...]
    open_steps: tuple[tuple[Words, Scope], ...]
    open_cases: int
    open_amount: Mapping[str, Any] | None
    causes: tuple[tuple[str, Words], ...]
    cause: str | None
    improvement_needed_for: tuple[str, ...]
    owner: PersonView | None
    failing: str | None = None  # name of a check that fails at the incident's subject
    failing_door: str | None = None  # or of the door whose system has not said that it is over
    failing_since: datetime | None = None


@dataclass(frozen=True)
class ListItem:
    reference: str
    number: int
    severity: int
    status: str
    section: str
    lead: Lead  # as the card's
    words: Words  # the card's title
    scope: Scope
    owner: PersonView | None
    detected_at: datetime
    next: NextView


@dataclass(frozen=True)
class StuckView:
    """Something that waits for an operator. `detail` is the reason where it has no words."""

    id: int  # of the work item
    what: str
    reference: str | None  # None: of no incident, or of one that the reader may not see
    person: PersonView | None  # whom it was for
    reason: str
    detail: str
    since: datetime


@dataclass(frozen=True)
class Reach:
    """What reached customers: orders touched, their money, and what of it is not recovered."""

    orders: int
    amounts: tuple[Mapping[str, Any], ...] = ()  # one for each currency
    lost: tuple[Mapping[str, Any], ...] = ()
    open: int = 0  # orders that are not settled, with an amount or without


@dataclass(frozen=True)
class AskedApproval:
    """A press that waits for somebody's yes."""

    reference: str
    number: int
    what: Words
    scope: Mapping[str, Any]
    count: int
    amounts: tuple[Mapping[str, Any], ...]
    who: PersonView | None
    since: datetime


@dataclass(frozen=True)
class LateItem:
    """A follow-up whose day has passed."""

    id: int
    reference: str
    number: int
    text: str | Words
    scope: Mapping[str, Any]
    owner: PersonView | None
    due: datetime
    days: int


@dataclass(frozen=True)
class HomeView:
    """App Home of one person."""

    person: PersonView
    language: str
    roles: tuple[str, ...]
    mine: tuple[ListItem, ...]
    open: tuple[ListItem, ...]
    recent: tuple[ListItem, ...]
    follow_ups: tuple[tuple[str, str, datetime | None, int], ...]  # reference, text, due, id
    checks: tuple[tuple[str, bool, datetime | None], ...]
    now: datetime
    stuck: tuple[StuckView, ...] = ()  # for who is on call: the first of what waits for them
    stuck_count: int = 0
    silenced: tuple[tuple[ListItem, datetime], ...] = ()  # dismissed and still failing; until when
    approvals: tuple[AskedApproval, ...] = ()  # that wait for this person's yes
    late: tuple[LateItem, ...] = ()  # follow-ups of theirs whose day has passed
    at_stake: Reach | None = None  # of the open incidents that they may see


@dataclass(frozen=True)
class ShadowView:
    check: str
    opened: int  # incidents that it would have opened in the week
    cases: int  # with so many cases
    now: int  # cases that it finds at present
    below: bool = False  # a quorum's: some signals failed, and too few


@dataclass(frozen=True)
class WeekView:
    number: int  # of the ISO week
    start: datetime
    end: datetime
    code: str  # "2026-W46"
    incidents: int
    severities: Mapping[int, int]
    reach: Reach
    before: Reach
    owner_after: float | None  # seconds, the median of those that were taken
    kept: int
    owned_of: int
    approvals: tuple[AskedApproval, ...]
    late: tuple[LateItem, ...]
    followed: int
    ended: int
    exceptions: tuple[tuple[str, tuple[str, ...]], ...]  # reference, codes of the catalogue
    said_twice: int
    told_late: int
    left_open: int
    shadows: tuple[ShadowView, ...] = ()  # checks that look without opening anything

    @property
    def needs(self) -> int:
        return len(self.approvals) + len(self.late)


@dataclass(frozen=True)
class ReviewAction:
    action: str
    title: Words
    actor: PersonView | None
    requested_at: datetime
    settled_at: datetime | None
    state: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    scope: Scope
    log: Words
    undone: bool
    looked_at: bool = True  # its effect was seen in the shop


@dataclass(frozen=True)
class ReviewView:
    """The review, from the log (thread-examples 1.9). Every line has its entry."""

    reference: str
    number: int
    title: Words
    summary: Words
    scope: Scope
    severity: int
    status: str
    family: str
    section: str
    section_title: Words
    plan_version: str
    plan_hash: str
    times: tuple[tuple[str, datetime | None], ...]  # started, found, told, owner, works, resolved
    timeline: tuple[LogView, ...]
    steps: tuple[StepView, ...]
    actions: tuple[ReviewAction, ...]
    cases: tuple[CaseView, ...]
    cause: Words | None
    cause_code: str | None
    cause_text: str | None
    cause_by: PersonView | None
    follow_ups: tuple[tuple[str, PersonView | None, datetime | None, bool], ...]
    steps_done: int
    steps_skipped: int
    in_order: bool
    acknowledged_after: float | None  # seconds
    acknowledge_limit: float | None
    found_after: float | None
    rings: Mapping[str, int]
    notes: tuple[tuple[PersonView, datetime, str], ...]
    open_items: tuple[str, ...]
    written_at: datetime
    touched: bool = True  # somebody did something of it
    end: str = "seen"  # seen, failing (by the check, when it was closed), not_seen
    steps_needed: int | None = None  # without those not needed and those of the review
    steps_left: tuple[tuple[Words, Scope], ...] = ()  # neither done nor skipped
    solution_after: float | None = None  # seconds until the first customer was offered a solution
    solution_limit: float | None = None  # kept with it (1.2.1)
    solution_due: bool = False  # customers are affected and none was offered one
    outages: tuple[tuple[datetime, datetime | None], ...] = ()  # when it was felt, from and to
