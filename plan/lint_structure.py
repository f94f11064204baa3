"""Lint of the structure: what must hang together, ids against the outline, buttons with their
actions, forms, branches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from plan import expressions
from plan.facts import facts_of, money_parts
from plan.languages import ORIGINAL
from plan.model import Action, Button, Plan, Section, Step, Verification
from plan.outline import Entry
from plan.problem import Problem

Outline = Mapping[str, Entry]


def _listed(names: Iterator[str] | list[str] | set[str]) -> str:
    return ", ".join(sorted(names))


def outline_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """Every step and branch that the emergency plan names, in its order, and no other."""
    for section in plan.sections.values():
        owner = f"section {section.id}"
        entry = outline.get(section.id)
        if entry is None:
            continue  # a section of the shop's own: the outline knows nothing of it
        # A policy has no steps; what it watches for may be found and noted all the same.
        watched = section.handling == "watch" and entry.handling == "policy"
        if entry.handling != "runbook" and not watched:
            yield Problem(owner, ("id",), f"{section.id} is no runbook of the emergency plan.")
            continue
        if section.chapter != entry.chapter:
            yield Problem(owner, ("chapter",), f"the plan has it in chapter {entry.chapter}.")
        if section.title.in_(ORIGINAL) != entry.title.in_(ORIGINAL):
            yield Problem(owner, ("title",), f"the plan calls it “{entry.title.in_(ORIGINAL)}”.")
        if section.handling == "watch":
            continue  # found and shown; its steps are to come
        wanted = [*entry.live, *entry.review]
        steps = [step.id for step in section.steps]
        for missing in [step for step in wanted if step not in steps]:
            yield Problem(owner, ("steps",), f"step {missing} of the plan is missing.")
        for index, step in enumerate(section.steps):
            if step.id not in wanted:
                yield Problem(owner, ("steps", index), f"the plan has no step {step.id}.")
            if step.section not in entry.parts:
                yield Problem(
                    owner, ("steps", index, "section"), f"{step.section} is no part of the runbook."
                )
            if step.in_review != (step.id in entry.review):
                place = "in the review" if step.id in entry.review else "during the incident"
                yield Problem(owner, ("steps", index), f"the plan has step {step.id} {place}.")
        known = [step for step in steps if step in wanted]
        if known != [step for step in wanted if step in known]:
            yield Problem(owner, ("steps",), f"the plan's order is {', '.join(wanted)}.")
        branches = [branch.id for step in section.steps for branch in step.branches]
        for missing in [branch for branch in entry.branches if branch not in branches]:
            yield Problem(owner, ("steps",), f"branch {missing} of the plan is missing.")
        for extra in [branch for branch in branches if branch not in entry.branches]:
            yield Problem(owner, ("steps",), f"the plan has no branch {extra}.")


def step_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """A step can be done by somebody, and names only steps and branches that there are."""
    for section in plan.sections.values():
        ids = [step.id for step in section.steps]
        for doubled in [step for step, times in Counter(ids).items() if times > 1]:
            yield Problem(f"section {section.id}", ("steps",), f"step {doubled} stands here twice.")
        for index, step in enumerate(section.steps):
            yield from _step(plan, section, index, step, set(ids))


def _step(plan: Plan, section: Section, index: int, step: Step, ids: set[str]) -> Iterator[Problem]:
    owner, at = f"section {section.id}", ("steps", index)
    for name in step.needs:
        if name not in ids or name == step.id:
            yield Problem(owner, (*at, "needs"), f"{name} is no other step of this section.")
    if not (step.done_by_opening or any(b.completes for b in step.buttons)):
        yield Problem(owner, at, f"no button finishes step {step.id}.")
    if step.optional_when and not step.not_needed:
        yield Problem(owner, at, "say why it is not needed (not_needed).")
    if step.form and not any(button.does == "form" for button in step.buttons):
        yield Problem(owner, (*at, "form"), "no button opens this form.")
    for number, branch in enumerate(step.branches):
        for name in branch.leaves_out:
            if name not in ids:
                yield Problem(owner, (*at, "branches", number), f"there is no step {name}.")
        if branch.opens_section and branch.opens_section not in plan.sections:
            yield Problem(
                owner, (*at, "branches", number), f"there is no section {branch.opens_section}."
            )
        if not any(button.branch == branch.id for button in step.buttons):
            yield Problem(owner, (*at, "branches", number), f"no button takes branch {branch.id}.")
    for number, button in enumerate(step.buttons):
        for sentence in _button(plan, button, {b.id for b in step.branches}, step):
            yield Problem(owner, (*at, "buttons", number), sentence)
    for name, times in Counter(button.id for button in step.buttons).items():
        if times > 1:
            yield Problem(owner, (*at, "buttons"), f"button “{name}” stands here twice.")


def _button(plan: Plan, button: Button, branches: set[str], step: Step | None) -> Iterator[str]:
    if button.does == "action" and button.action is None:
        yield "name the action that the button does."
    if button.action is not None and button.action not in plan.actions:
        yield f"there is no action “{button.action}”."
    if button.does == "form" and step is not None and step.form is None:
        yield f"step {step.id} has no form to open."
    if button.does == "branch" and button.branch is None:
        yield "name the branch that the button takes."
    if button.branch is not None and button.branch not in branches:
        yield f"there is no branch {button.branch} at this step."


def section_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """Types, causes, guards and later questions."""
    owners: dict[str, str] = {}
    for section in plan.sections.values():
        owner = f"section {section.id}"
        for index, kind in enumerate(section.types):
            if kind.id in owners:
                yield Problem(
                    owner, ("types", index), f"section {owners[kind.id]} has “{kind.id}” already."
                )
            owners[kind.id] = section.id
            if kind.case_words is None:
                yield Problem(
                    owner, ("types", index), "say what the states of its cases are (case_words)."
                )
            if kind.desk is not None and kind.desk.active is None:
                yield Problem(
                    owner, ("types", index, "desk"), "say what holds while it is felt (active)."
                )
            known = money_parts(facts_of(kind))
            for name in kind.present:
                if name not in known:
                    yield Problem(
                        owner, ("types", index, "present"), f"“{name}” is no fact of “{kind.id}”."
                    )
        for cause in section.causes:
            if cause not in plan.causes:
                yield Problem(owner, ("causes",), f"there is no cause “{cause}”.")
        for index, guard in enumerate(section.guards):
            if guard.per_case and guard.look is None:
                yield Problem(owner, ("guards", index), "a guard per case needs a look.")
        for index, later in enumerate(section.later):
            for number, button in enumerate(later.buttons):
                for sentence in _button(plan, button, set(), None):
                    yield Problem(owner, ("later", index, "buttons", number), sentence)
                if _writes(plan, button.action):
                    yield Problem(
                        owner,
                        ("later", index, "buttons", number),
                        "what customers will read is shown first: only a step's button can.",
                    )


def action_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """What changes the shop says so first, is looked at after, and names its way back."""
    for action in plan.actions.values():
        owner = f"action {action.id}"
        for field, name in (("then", action.then), ("undo", action.undo)):
            if name is not None and name not in plan.actions:
                yield Problem(owner, (field,), f"there is no action “{name}”.")
        if not action.roles:
            yield Problem(owner, ("roles",), "name at least one role that may do it.")
        if action.kind == "mutate" and action.confirm is None and action.form is None:
            yield Problem(owner, (), "what changes the shop must be confirmed (confirm or form).")
        if action.kind != "internal" and action.verify is None:
            yield Problem(owner, (), "nothing is called done before it was looked at (verify).")
        if action.verify is not None:
            for field, sentence in _verification(action.verify):
                yield Problem(owner, ("verify", field), sentence)
        if action.undo and action.undo_label is None:
            yield Problem(owner, (), "the way back needs its words (undo_label).")
        if action.irreversible and action.undo:
            yield Problem(owner, (), "what cannot be taken back has no way back (undo).")
        for sentence in _customer_facing(action):
            yield Problem(owner, (), sentence)
        if (action.case_state or action.case_outcome or action.case_facts) and not action.cases:
            yield Problem(owner, (), "say for which cases it is done (cases).")


def _verification(verify: Verification) -> Iterator[tuple[str, str]]:
    """A look that shows words has one that says it went wrong; it is said in the plan's words."""
    if verify.fails is None and expressions.reads_word(verify.holds):
        yield "holds", "it reads a word of the shop: say which word means that it failed (fails)."
    if verify.fails is not None and verify.failed is None:
        yield "fails", "say what failed and what to do now (failed)."
    if verify.failed is not None and verify.fails is None:
        yield "failed", "nothing says when it failed (fails)."


def _customer_facing(action: Action) -> Iterator[str]:
    """Whoever writes to customers says what it tells, once, and how it reads."""
    if action.kind == "contact" and action.to is None:
        yield "say whom it reaches (to: customer, vendor or staff)."
    writes = action.to == "customer" or action.once_per_customer or action.message is not None
    if writes and action.to != "customer":
        yield "what is written to customers says so (to: customer)."
    if writes and action.tells is None:
        yield "name the kind of message (tells): no order is told the same twice."
    if writes and action.message is None and action.form is None:
        yield "say how the message reads (message), or let a person write it (form)."
    if action.message is not None and not _printed(action, "message.text"):
        yield "a parameter must hold the message ({{ message.text }})."
    if action.message is not None and not action.once_per_customer:
        yield "a customer with several orders gets one message (once_per_customer)."
    if action.message is not None and action.confirm is None:
        yield "the preview needs its title and buttons (confirm)."


def _writes(plan: Plan, name: str | None) -> bool:
    """Whether the action, or one that follows it, writes to customers."""
    known: set[str] = set()
    while name is not None and name in plan.actions and name not in known:
        known.add(name)
        if plan.actions[name].message is not None:
            return True
        name = plan.actions[name].then
    return False


def _printed(action: Action, name: str) -> bool:
    return any(name in template for template in action.params.values())


def form_rule(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """A form that holds case by case: of a step alone, without an amount for a second person, and
    with a way on where nothing is left to ask."""
    for section in plan.sections.values():
        owner = f"section {section.id}"
        for index, step in enumerate(section.steps):
            if step.form is None or step.form.cases is None:
                continue
            at = ("steps", index, "form")
            if any(field.approved_by for field in step.form.fields):
                yield Problem(owner, at, "a form with “cases” can ask for no approval.")
            if not any(one.does == "done" for one in step.buttons):
                sentence = "a form with “cases” needs a button “done” with “when: not asked”."
                yield Problem(owner, at, sentence)
        for number, kind in enumerate(section.types):
            if kind.declare is not None and kind.declare.cases is not None:
                where = ("types", number, "declare", "cases")
                yield Problem(owner, where, "only a step's form holds case by case.")
    for action in plan.actions.values():
        if action.form is not None and action.form.cases is not None:
            sentence = "only a step's form holds case by case; an action has “cases” of its own."
            yield Problem(f"action {action.id}", ("form", "cases"), sentence)


RULES = (outline_rule, step_rule, section_rule, action_rule, form_rule)
