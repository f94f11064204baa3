"""Model of the emergency plan: sections, steps, branches, guards, forms, actions, incident types.

Every text is a Jinja template in English and Traditional Chinese; `plan.scope` says what may stand
in it. Nothing here knows Slack. No code may branch on a section's number: what differs between
sections stands in these fields (architecture, rule 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from plan import languages

SectionId = Annotated[str, Field(pattern=r"^\d+(\.\d+){1,2}$")]
StepId = Annotated[str, Field(pattern=r"^\d+(\.\d+){1,2}\.s\d+$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


# One field for each row of the languages, so that one that is missing is named where it is missing.
_InEvery: Any = create_model(
    "_InEvery",
    __base__=Model,
    **{one.name: (str, Field(alias=one.code)) for one in languages.ROWS},  # type: ignore[call-overload]
)


class Words(_InEvery):  # type: ignore[misc]
    """One text in every language of the product, under the language's code."""

    def in_(self, language: str) -> str:
        return str(getattr(self, languages.row(language).name))

    def items(self) -> Iterator[tuple[str, str]]:
        """Each language's code with its text, in the order of the languages."""
        return ((one.code, str(getattr(self, one.name))) for one in languages.ROWS)

    def each(self, made: Callable[[str, str], str]) -> Words:
        """The words made anew, language by language, from code and text."""
        return Words(**{code: made(code, text) for code, text in self.items()})


class Fact(Model):
    """One fact of an incident type. Times are ISO strings, money is {"minor", "currency"}."""

    kind: Literal["text", "code", "number", "flag", "time", "money", "list", "group"]
    says: str
    sample: Any = None  # what the texts are measured with; None: not known in the samples

    @field_validator("sample")
    @classmethod
    def _as_facts_hold_it(cls, given: Any) -> Any:
        """YAML reads an unquoted moment as one; a fact holds its ISO string."""
        return given.isoformat() if isinstance(given, date) else given


class Option(Model):
    id: Name
    label: Words
    opens: Name | None = None  # declaring with it opens this incident type instead


class FormField(Model):
    """A field of a form. `personal`: what is typed is kept encrypted and is screened first."""

    id: Name
    kind: Literal[
        "text", "lines", "number", "money", "date", "datetime", "select", "person", "tick"
    ]
    label: Words
    hint: Words | None = None
    required: bool = True
    options: tuple[Option, ...] = ()
    fact: str | None = None  # where it stands in the facts, if not under its id: channel.name
    personal: bool = False
    maximum: int | None = None
    minimum: int | None = None
    approved_by: Name | None = None  # internal action by whose limit this amount is approved


class Form(Model):
    title: Words  # at most 24 characters (Slack: modal title)
    submit: Words
    intro: Words | None = None
    fields: tuple[FormField, ...]
    # Expression over `case`: the form holds for those that are chosen in it, of the cases for which
    # this holds. Each keeps its answers (`case.facts.answers`); the step is done when none is left.
    cases: str | None = None


class Confirm(Model):
    """What will happen, said before it happens. Slack: title 100, text 300, buttons 30."""

    title: Words
    text: Words
    confirm: Words
    deny: Words


class Button(Model):
    """A verb and its object. `when` is a Jinja expression over the same scope as the texts."""

    id: Name
    label: Words  # at most 24 characters (8 in Chinese)
    does: Literal["action", "form", "branch", "done", "cases"]
    action: Name | None = None
    branch: str | None = None
    when: str | None = None
    on_card: bool = True
    completes: bool = True  # its success finishes the step; False: the step stays next
    completes_when: str | None = None  # … and only where this holds afterwards
    params: dict[str, str] = {}  # templates that override the action's own


class Branch(Model):
    """A way to go on from a step. `leaves_out` steps become "not needed"."""

    id: str  # 3.2.3.s2.a
    label: Words
    when: Words
    condition: str | None = None  # a Jinja expression; the branch is offered only where it holds
    leaves_out: tuple[StepId, ...] = ()
    opens_section: SectionId | None = None  # a second runbook run in the same thread
    log: Words | None = None


class Standing(Model):
    """How it is seen that an effect still stands: a look that changes nothing, asked again."""

    look: Name
    holds: str  # expression over `look`, `before`, `params`, `response`
    facts: dict[
        str, str
    ] = {}  # what the incident knows by the look: "via.id": "{{ look.channel }}"


class Hold(Model):
    """How long an effect is watched before the incident counts as mitigated."""

    seconds: int = Field(default=120, ge=0)
    every: int = Field(default=30, ge=5)  # seconds between looks
    at_most: int = 240  # seconds until a check that fails all the while says that it did not hold
    looks: tuple[Standing, ...] = ()  # looked at beside the effect: a test payment
    enough: str | None = None  # expression: the samples suffice; `looks` counts the good ones


class Step(Model):
    id: StepId
    section: SectionId  # the part of the plan the step stands in: 3.3.1
    plan_number: str | None = None
    kind: Literal[
        "detect",
        "notify",
        "verify",
        "decide",
        "action",
        "customer_contact",
        "vendor_contact",
        "record",
        "follow_up",
        "prevent",
    ]
    title: Words  # "Switch to the standby"
    do: Words  # one line under the title: what to do now
    next: Words  # the card's Next line while this step is next
    role: Name  # who does it: a role of the configuration
    needs: tuple[str, ...] = ()  # steps that must be done or skipped first, beyond the order
    ordered: bool = True  # False: may be done at any time (7.2.s7)
    repeats: bool = False  # may be recorded more than once
    done_by_opening: bool = False  # the opening of the incident is this step
    done_when_recovered: bool = False
    mitigates: bool = False  # done, verified and held: the incident turns to mitigated
    hold: Hold = Hold()  # of a step that mitigates
    in_review: bool = False  # a prevention step: stands in the resolve form, not in the way
    optional_when: str | None = None  # expression: shown as not needed now, with the words below
    not_needed: Words | None = None
    first_when: str | None = None  # expression: next before the others, whatever the order
    form: Form | None = None
    buttons: tuple[Button, ...] = ()
    branches: tuple[Branch, ...] = ()
    detail: Words | None = None  # second line of the step once done: "Shelf 120, as recorded."
    log: Words | None = None  # the log line when it is done (None: silent, the runbook shows it)
    case_outcome: str | None = None  # outcome code that the cases get when the step is done


class Guard(Model):
    """What must hold before resolving. Hard ones refuse; the others are listed and confirmed."""

    id: Name
    hard: bool = False
    look: Name | None = None  # a fresh look at the shop, per case where `per_case`
    per_case: bool = False
    field: Name | None = None  # a field that the resolve form then demands; asked there, not before
    holds: str  # Jinja expression
    words: Words  # said when it does not hold


class CardWords(Model):
    title: Words
    figures: Words
    affected: Words
    looks_like: Words


class CardTexts(Model):
    """The card while the customer feels it, after it is mitigated, and at the end."""

    active: CardWords
    mitigated: CardWords
    ended: CardWords


class CaseWords(Model):
    """What the states of a case are called: in a payment thread “settled” reads “paid”."""

    open: Words
    waiting: Words
    unknown: Words
    settled: Words


class IncidentType(Model):
    id: Name
    title: Words
    family: Literal["order", "system", "operation"]
    severity: int = Field(ge=1, le=4)
    severity_rules: tuple[SeverityRule, ...] = ()
    named_by: str | None = None  # the fact that names the subject: each card and ring says it
    customer_impact: bool = True
    private: bool = False
    audience: Name = "incidents"
    role: Name = "oncall"  # who is rung
    felt: str = "failing and not beside"  # expression: whether the customers feel it
    present: tuple[str, ...] = ()  # facts that describe the present: a check renews them always
    verify_first: bool = False  # 1.2.2: order family verifies before it changes an order
    case_label: Words  # "{{ cases.total }} orders"
    case_kind: Name = "order"  # what these cases are; cases of another kind keep their own label
    case_words: CaseWords | None = None
    card: CardTexts
    ring: Words  # the lock screen: severity, what the customer feels, count, what can be done
    ring_mitigated: Words
    declare: Form | None = None  # intake by a person: /incident, /complaint
    intake: Literal["command", "complaint"] = "command"  # by /incident, or by /complaint
    subject: str | None = None  # of a declared one, a template over `form`: "channel:northpay"
    desk: DeskNote | None = None
    review_title: Words
    review_summary: Words
    # What may be known of it, by dotted name (`facts.yaml`). For lint and pages alone: an incident
    # does not keep them with its plan.
    facts: dict[str, Fact] = Field(default={}, exclude=True)


class SeverityRule(Model):
    when: str  # Jinja expression over facts and cases
    severity: int = Field(ge=1, le=4)


class DeskWords(Model):
    title: Words
    say: Words
    do_not_say: Words | None = None
    order: Words | None = None  # of one order (`case`), for /order: its own sentence


class DeskNote(Model):
    """For the service desk: posted when the card opens, edited at every change.

    `active` while the customers feel it, again after a relapse; `mitigated` once they do not.
    """

    active: DeskWords | None = None  # plans of old had words for the end alone; lint asks for it
    mitigated: DeskWords

    @model_validator(mode="before")
    @classmethod
    def _of_old(cls, given: Any) -> Any:
        """An incident keeps the plan that it opened with: then the note had its words at once."""
        if isinstance(given, Mapping) and "say" in given:
            return {"mitigated": given}
        return given


_ONCE = {"en": "Then: ", "zh-Hant": "之後："}


class Later(Model):
    """What Muster asks for after the steps ("switch back when it passes 3 checks in a row")."""

    id: Name
    words: Words  # what is waited for, as it goes on after "Then:"; the runbook's last line
    when: Literal["recovered", "time"]
    condition: str | None = None  # asked, and its line shown, only where this holds
    ask: Words  # posted, with the buttons
    buttons: tuple[Button, ...]

    @field_validator("words")
    @classmethod
    def _of_old(cls, given: Words) -> Words:
        """An incident keeps the plan that it opened with: then the words had their beginning."""
        return given.each(lambda code, text: text.removeprefix(_ONCE.get(code, "")))


class Section(Model):
    id: SectionId
    title: Words
    short: Words  # for the card's identity line: "Payment channel"
    chapter: int
    # Watched: it is found and shown, and has the one step of noting what was done; its runbook is
    # to come. Lint asks no drill of it, and none of the outline's steps.
    handling: Literal["runbook", "watch"] = "runbook"
    summary: Words
    types: tuple[IncidentType, ...]
    steps: tuple[Step, ...]
    guards: tuple[Guard, ...] = ()
    later: tuple[Later, ...] = ()
    causes: tuple[Name, ...] = ()  # codes offered first when resolving
    owner_roles: tuple[Name, ...] = ()  # who may own its incidents; none named: its types' roles

    @property
    def may_own(self) -> tuple[str, ...]:
        """The roles of those who may have an incident of the section."""
        return self.owner_roles or tuple(dict.fromkeys(kind.role for kind in self.types))


class Precondition(Model):
    look: Name
    holds: str  # expression over `look`, `params`, `facts`
    problem: Words  # said when it does not hold; ends with "Nothing has changed."


class Verification(Model):
    look: Name
    holds: str  # expression over `look`, `before`, `params`, `response`
    fails: str | None = None  # over the same: it will never hold, the shop says it went wrong
    failed: Words | None = None  # said at once where `fails` holds: what failed, what to do now
    every: int = 15  # seconds between looks
    within: int = 120  # seconds until it is called unknown to the owner


class Earlier(Model):
    """What of its kind the shop shows since a moment: asked where the record may not know of it."""

    look: Name
    found: str  # expression over `look`, `params`, `since`: a list, empty where there is nothing
    words: Words  # over `look.found`: what that is; "since then" stands before it


class Reading(Model):
    """A look at each order just before a message about it goes out, and what it owes by that."""

    look: Name
    due: str  # expression over `look` and `case`: the money still owed; nothing where none is


class CustomerMessage(Model):
    """What a customer reads: one opening, a line for each of their orders, one closing.

    Written in the customer's language, and again from a fresh look just before it is sent.
    """

    notice: Name | None = None  # the file of notices that it stands in; None: in the action itself
    opening: Words | None = None
    order: Words  # over `case`: one paragraph an order; a link ends it
    closing: Words | None = None
    reads: Reading | None = None  # lint asks for it where `link_url` or paying is spoken of


class Action(Model):
    """What a button does to the shop, a vendor or a customer; the configuration says where."""

    id: Name
    title: Words  # a verb and its object
    kind: Literal["internal", "read", "contact", "mutate"]
    roles: tuple[Name, ...]
    # Of an internal one: who is named in `params.roles` hears the news, or is rung to act.
    sends: Literal["news", "call"] = "call"
    irreversible: bool = False  # red
    approval_above: Name | None = None  # limit of the configuration that its amounts count against
    approval_always: bool = False  # a second person approves each press: restore, delete, roll back
    any_number: bool = False  # for as many cases as there are: it changes nothing for a customer
    params: dict[str, str] = {}  # templates over facts, case, form
    form: Form | None = None  # asked before it is done
    cases: str | None = None  # expression over `case`: once for each case for which it holds
    once_per_customer: bool = False  # one attempt for each customer among these cases
    solution: bool = False  # it offers a customer a way out: the first one is timed (1.2.1)
    to: Literal["customer", "vendor", "staff"] | None = None  # whom a `contact` reaches
    tells: str | None = None  # template: the kind of message; once per order, in any incident
    message: CustomerMessage | None = None  # params see it as `message`; shown before it is sent
    then: Name | None = None  # requested at once when all attempts of the press are settled
    quiet_in_chain: bool = False  # the line of the action that follows says it for both
    confirm: Confirm | None = None
    preconditions: tuple[Precondition, ...] = ()
    before: Name | None = None  # look that is kept as the state before
    keeps: tuple[Name, ...] = ()  # fields of the shop's answers that are kept beside those named
    verify: Verification | None = None
    earlier: Earlier | None = (
        None  # after a restore: whether it was done, where `verify` cannot say
    )
    stands: Standing | None = None  # how the effect is looked at again, if not as it was verified
    undo: Name | None = None
    undo_label: Words | None = None
    undo_when: str | None = None  # expression: the way back is offered only where it holds
    doing: Words | None = None  # what is being done while it runs: "Switching to Harborpay"
    running: Words | None = None  # the card's Next line while it runs
    log: Words  # the log line once it is done (and verified): what, from what to what
    log_unknown: Words | None = None
    facts: dict[str, str] = {}  # what the incident knows once it is done: "vendor.ticket": template
    case_facts: dict[str, str] = {}  # what the case knows once it is done: told, link
    case_state: str | None = None  # expression giving the case's new state from `response`
    case_outcome: str | None = None  # expression giving its outcome code
    # Hours that a case may wait for what was done; one that a check still finds is open after them.
    patience_hours: float | None = Field(default=None, gt=0)

    @property
    def moves_money(self) -> bool:
        """Whether it pays, or may need a second person: then rights are asked for anew."""
        return self.approval_above is not None or self.approval_always or "amount" in self.params

    @property
    def standing(self) -> Standing | None:
        """How it is seen that its effect stands; None where nothing can be asked again."""
        if self.stands is not None or self.verify is None:
            return self.stands
        if self.kind != "mutate" or self.cases is not None:
            return None  # what was done case by case is watched by the checks over cases
        return Standing(look=self.verify.look, holds=self.verify.holds)


class Cause(Model):
    id: Name
    label: Words
    needs_improvement: bool = False  # 1.2.4: operator error and process gap


class Plan(Model):
    version: str
    sections: dict[str, Section]
    actions: dict[str, Action]
    causes: dict[str, Cause]

    def section_of(self, incident_type: str) -> Section:
        """The section that handles the type; KeyError if no section names it."""
        for section in self.sections.values():
            if any(kind.id == incident_type for kind in section.types):
                return section
        raise KeyError(incident_type)

    def incident_type(self, name: str) -> IncidentType:
        for section in self.sections.values():
            for kind in section.types:
                if kind.id == name:
                    return kind
        raise KeyError(name)


IncidentType.model_rebuild()
