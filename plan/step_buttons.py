"""Button of a step: what it does and the form that it asks for, found in one version of the plan.

The acknowledgement of a form, the form that is opened and the press itself find it here, so that
what was judged at once is what is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass

from plan.model import Action, Branch, Button, Form, Plan, Step


@dataclass(frozen=True)
class StepButton:
    """A button with its step, its action, the way that it goes and the form that comes first."""

    step: Step
    button: Button
    action: Action | None

    @property
    def form(self) -> Form | None:
        """The step's own, where the button records it; else that of its action."""
        if self.button.does == "form":
            return self.step.form
        return self.action.form if self.action is not None else None

    @property
    def branch(self) -> Branch | None:
        wanted = self.button.branch
        return next((one for one in self.step.branches if one.id == wanted), None)


def of_step(plan: Plan, step: Step, button_id: str) -> StepButton | None:
    """None: the step has no such button."""
    button = next((one for one in step.buttons if one.id == button_id), None)
    if button is None:
        return None
    return StepButton(step, button, plan.actions.get(button.action or ""))


def find(plan: Plan, step_id: str, button_id: str) -> StepButton | None:
    """None: this version of the plan has no such step, or the step no such button."""
    steps = (step for section in plan.sections.values() for step in section.steps)
    step = next((one for one in steps if one.id == step_id), None)
    return None if step is None else of_step(plan, step, button_id)
