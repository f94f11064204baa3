"""The plan is without fault, and every rule says so when it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plan import expressions, scope
from plan.lint import lint
from plan.lint_reach import can_hold
from plan.loader import load_plan
from plan.model import Fact
from storage.models.incidents import CaseState, Status, StepState
from tests.plan.conftest import PlanCopy

S33, S91, S32, S72 = (f"sections/{n}/section.yaml" for n in ("3.3", "9.1", "3.2", "7.2"))
STUCK, PAY, SERVERS, AMOUNTS = (f"sections/{n}/actions.yaml" for n in ("2.2", "3.3", "9.1", "3.2"))
PEOPLE, CUSTOMERS = "actions/people.yaml", "actions/customers.yaml"
DELAYED = "notices/order_delayed.yaml"


def test_the_shipped_plan_has_no_fault() -> None:
    assert [str(fault) for fault in lint()] == []


# Each: the file, what is replaced by what, and what lint must say.
BROKEN = {
    "a limit that there is not": (
        AMOUNTS,
        "approval_above: refund\n",
        "approval_above: refnd\n",
        "sections/3.2/actions.yaml:8: approval_above: there is no limit “refnd”",
    ),
    "money that goes out without a limit": (
        AMOUNTS,
        "    approval_above: refund\n",
        "",
        "needs a limit (approval_above)",
    ),
    "a form of cases without a way on": (
        S32,
        "does: done\n          when: not asked\n          label: {en: Nothing differs",
        "does: cases\n          label: {en: Nothing differs",
        "needs a button “done”",
    ),
    "an action's form of cases": (
        STUCK,
        "      title: {en: Change the route",
        "      cases: case.state == 'open'\n      title: {en: Change the route",
        "only a step's form holds case by case",
    ),
    "a step is gone": (S33, "id: 3.3.4.s1", "id: 3.3.4.s2", "step 3.3.4.s1 of the plan is missing"),
    "a step too much": (S33, "id: 3.3.4.s1", "id: 3.3.4.s2", "the plan has no step 3.3.4.s2"),
    "steps out of order": (
        S91,
        "    - id: 9.1.3.s3\n",
        "    - id: 9.1.3.s5\n",
        "stands here twice",
    ),
    "a branch is gone": (
        S32,
        "id: 3.2.2.s1.a\n",
        "id: 3.2.2.s1.z\n",
        "branch 3.2.2.s1.a of the plan is missing",
    ),
    "wrong chapter": (S33, "chapter: 3", "chapter: 4", "in chapter 3"),
    "another title": (S33, "zh-Hant: 付款渠道異常處理", "zh-Hant: 金流異常", "the plan calls it"),
    "a part of another runbook": (
        S33,
        "    - id: 3.3.4.s1\n",
        "    - id: 3.3.4.s1\n      section: 9.1.2\n",
        "no part of the runbook",
    ),
    "prevention in the way": (S91, "in_review: true", "in_review: false", "in the review"),
    "unknown need": (S33, "needs: [3.3.1.s2]", "needs: [3.3.9.s9]", "no other step"),
    "a word without the one that says failed": (
        STUCK,
        "      fails: look.status in ('cancelled', 'refunded')\n",
        "",
        "say which word means that it failed (fails)",
    ),
    "a failure without its words": (
        STUCK,
        "holds: look.route == params.route",
        "holds: look.route == params.route\n      fails: look.status == 'cancelled'",
        "say what failed and what to do now (failed)",
    ),
    "nothing finishes it": (
        S91,
        "completes_when: facts.config.ok",
        "completes: false",
        "no button finishes step 9.1.3.s5",
    ),
    "not needed without words": (
        S91,
        "      in_review: true",
        "      in_review: true\n      optional_when: facts.data.ok",
        "say why it is not needed",
    ),
    "a form that nothing opens": (
        S91,
        "        - id: cause\n          does: form",
        "        - id: cause\n          does: done",
        "no button opens this form",
    ),
    "no form to open": (
        S91,
        "        - id: nothing_lost\n          does: done",
        "        - id: nothing_lost\n          does: form",
        "has no form to open",
    ),
    "unknown action": (S33, "action: switch_payment_channel", "action: fly", "no action “fly”"),
    "action without a name": (
        S33,
        "          action: switch_payment_channel\n",
        "",
        "name the action",
    ),
    "unknown branch": (S32, "branch: 3.2.3.s2.a", "branch: 3.2.3.s2.q", "no branch 3.2.3.s2.q"),
    "unknown cause": (S33, "causes: [vendor,", "causes: [weather,", "no cause “weather”"),
    "guard per case without look": (
        S32,
        "      look: order\n",
        "",
        "a guard per case needs a look",
    ),
    "mutation without confirmation": (
        PEOPLE,
        "zh-Hant: 升級通報}\n    kind: internal",
        "zh-Hant: 升級通報}\n    kind: mutate",
        "must be confirmed",
    ),
    "mutation that is not looked at": (
        PEOPLE,
        "zh-Hant: 升級通報}\n    kind: internal",
        "zh-Hant: 升級通報}\n    kind: mutate",
        "nothing is called done before it was looked at",
    ),
    "unknown way back": (
        PAY,
        "undo: switch_back_payment_channel",
        "undo: pray",
        "no action “pray”",
    ),
    "no role": (SERVERS, "roles: [oncall]", "roles: []", "at least one role"),
    "red with a way back": (
        PAY,
        "    undo: switch_back_payment_channel",
        "    irreversible: true\n    undo: switch_back_payment_channel",
        "has no way back",
    ),
    "no words for the way back": (
        PAY,
        "    undo_label: {en: Switch back, zh-Hant: 切回}\n    doing",
        "    doing",
        "the way back needs its words",
    ),
    "cases without saying which": (
        PAY,
        "    cases: case.state == 'unknown' and case.facts.payment_id\n",
        "",
        "for which cases",
    ),
    "unknown fact": (S33, "facts.banks", "facts.bankers", "“facts.bankers” is no fact"),
    "unknown part of a fact": (
        S33,
        "facts.channel.name",
        "facts.channel.nmae",
        "facts.channel.nmae",
    ),
    "unknown count": (S33, "cases.settled", "cases.happy", "“cases.happy” is nothing"),
    "unknown part of the incident": (
        S33,
        "incident.reference",
        "incident.refrence",
        "incident.refrence",
    ),
    "unknown step in a text": (
        S33,
        "steps['3.3.2.s1'].state",
        "steps['3.3.2.s7'].state",
        "no step 3.3.2.s7",
    ),
    "unknown part of a step": (S33, "steps['3.3.2.s1'].state", "steps['3.3.2.s1'].stat", "“stat”"),
    "unknown field": (
        S33,
        "fields.expected_recovery_time",
        "fields.eta",
        "has no field “eta”",
    ),
    "unknown form field": (
        S33,
        "form.expected_recovery_time",
        "form.eta",
        "“form.eta” is no field",
    ),
    "unknown parameter": (PAY, "params.from_name", "params.origin", "no parameter"),
    "unknown target": (PAY, "target.customers", "target.people", "target.people"),
    "name out of scope": (S33, "actor }}", "auctor }}", "“auctor” is not in the scope"),
    "expression that is none": (
        S33,
        "when: not facts.vendor_ticket.asked_at",
        "when: not facts.vendor_ticket.asked_at and",
        "is not an expression",
    ),
    "unknown test": (S91, "is number", "is nummer", "there is no test “nummer”"),
    "template that is none": (S33, "{% endif %}", "{% end %}", "is not a template"),
    "unknown filter": (S33, "|money", "|mony", "there is no filter “mony”"),
    "English in the Chinese": (
        S33,
        "zh-Hant: 切換到備援}",
        "zh-Hant: Switch over}",
        "has no Chinese",
    ),
    "the same in both": (
        S33,
        "title: {en: Notice it, zh-Hant: 發現異常}",
        "title: {en: Notice it, zh-Hant: Notice it}",
        "the English text once more",
    ),
    "Chinese in the English": (S33, "en: Notice it", "en: 發現 it", "“現發” is Chinese"),
    "simplified writing": (S33, "zh-Hant: 發現異常", "zh-Hant: 订单異常", "simplified"),
    "an empty text": (S33, "en: Notice it", 'en: ""', "the text is empty"),
    "a code shown": (S33, "en: Notice it", "en: channel_down", "a name of code"),
    "an emoji": (S33, "en: Notice it", "en: Notice it 🎉", "has no place"),
    "a mention": (S33, "en: Notice it", 'en: "<!channel> Notice it"', "mentions"),
    "a label too long": (
        S33,
        "en: Enter their answer",
        "en: Enter the answer of the vendor",
        "a label has 24",
    ),
    "a Chinese label too long": (
        S33,
        "zh-Hant: 登錄回覆}",
        "zh-Hant: 登錄供應商的詳細回覆}",
        "a Chinese label is 8",
    ),
    "a modal title too long": (
        S33,
        "en: The vendor's answer",
        "en: The answer that the vendor gave",
        "24 fit",
    ),
    "a confirmation too long": (PAY, "You can switch back at any time.", "x" * 200, "300 fit"),
    "a lock screen too long": (
        S33,
        "Card payments failing",
        "Card payments are failing " * 4,
        "110 fit",
    ),
    "a title that heads a preview": (
        PAY,
        "\"Ask {{ facts.channel.name or 'the channel' }} about",
        "\"Ask {{ facts.channel.name or 'the channel' }} once more about",
        "24 fit",
    ),
    "a lock screen without its severity": (
        S33,
        'ring:\n        en: "',
        'ring:\n        en: "Sev {{ incident.reference }}',
        "begins with the severity",
    ),
    "a lock screen without its number": (
        S33,
        'ring:\n        en: "',
        'ring:\n        en: "Sev {{ incident.reference }}',
        "ends with the incident",
    ),
    "a fact printed unasked": (
        S33,
        "en: Open the incident.",
        'en: "Banks: {{ facts.banks }}"',
        "minimal: “banks” is not known",
    ),
    "a step that waits for itself": (
        S33,
        "needs: [3.3.1.s2]",
        "needs: [3.3.1.s2, 3.3.4.s1]",
        "3.3.4.s1 is no other step",
    ),
    "steps that wait for each other": (
        S91,
        "    - id: 9.1.3.s3\n",
        "    - id: 9.1.3.s3\n      needs: [9.1.3.s4]\n",
        "9.1.3.s4 comes after 9.1.3.s3, so neither opens",
    ),
    "a button that is never offered": (
        S33,
        "when: not facts.vendor_ticket.asked_at",
        "when: facts.vendor_ticket.asked_at and not facts.vendor_ticket.asked_at",
        "holds in no case, so it is never offered",
    ),
    "a severity that is never reached": (
        S33,
        "facts.attempts and facts.failed and facts.failed * 5 < facts.attempts",
        "facts.failed is number and facts.failed < 0 and facts.failed > 9",
        "holds in no case",
    ),
    "a state of a step that there is not": (
        S33,
        "steps['3.3.2.s1'].state == 'done'",
        "steps['3.3.2.s1'].state == 'finished'",
        "“finished” is no state; there are done,",
    ),
    "a state of a case that there is not": (
        STUCK,
        "case.state == 'open'",
        "case.state == 'opened'",
        "“opened” is no state; there are open,",
    ),
    "a state that an action gives": (
        PAY,
        "case_state: \"'waiting'\"",
        "case_state: \"'wating'\"",
        "“wating” is no state",
    ),
    "a type that an option opens": (
        S72,
        "opens: service_attitude",
        "opens: rudeness",
        "there is no incident type “rudeness”",
    ),
    "a name that is no fact": (S91, "named_by: facts.service", "named_by: facts.srv", "no fact of"),
    "a field that the resolve form lacks": (
        S91,
        "field: prevention",
        "field: preventive",
        "the resolve form has no “preventive”",
    ),
    "present facts that there are not": (
        S33,
        "present: [now, probe, standby]",
        "present: [now, prob, standby]",
        "“prob” is no fact of “payment_channel_down”",
    ),
    "a message that does not greet": (
        DELAYED,
        "  order_delayed:\n",
        "  order_delayed:\n    opening: {en: 'Dear customer,', zh-Hant: '您好，'}\n",
        "order_delayed.yaml:4: warning: opening.en: begins without “Hello”",
    ),
    "a message that no action sends": (
        DELAYED,
        "  order_delayed:\n",
        "  order_lost: {order: {en: It is lost., zh-Hant: 包裹遺失。}}\n  order_delayed:\n",
        "order_delayed.yaml:3: warning: notice order_lost: no action sends it",
    ),
    "a message with a word of the house": (
        DELAYED,
        "Your order {{ case.key }} was held up",
        "Your order {{ case.key }} (see the incident) was held up",
        "“incident” says nothing to a customer",
    ),
    "a message with a word of the house in Chinese": (
        DELAYED,
        "造成不便，敬請見諒。}",
        "本事件造成不便，敬請見諒。}",
        "“事件” says nothing to a customer",
    ),
    "a text that says nothing": (
        S33,
        "en: Open the incident.",
        'en: "{% if facts.banks %}Banks{% endif %}"',
        "minimal: says nothing",
    ),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_spoiled_plan_is_told(copy: PlanCopy, name: str) -> None:
    file, old, new, sentence = BROKEN[name]
    copy.change(file, old, new)
    said = [str(fault) for fault in copy.lint()]
    assert any(sentence in fault for fault in said), said
    assert any(fault.split(":")[0].endswith(file) for fault in said if sentence in fault)


def test_conditions_that_can_hold_are_not_called_impossible() -> None:
    facts = {"hours": Fact(kind="number", says="x", sample=48.0)}
    for source in (
        "facts.hours > 40 and facts.hours < 50",
        "not facts.a and facts.b in ('x', 'y') and facts.b != 'x'",
        "facts.a.b and not facts.a.c",
        "facts.list|length == 1 or facts.hours is number",
        "facts.told and facts.at <= incident.at",
        "asked",
        "not asked",
        "now > facts.deadline",
        "minutes(incident.started_at, now) > 60",
        "cases.total >= 10 * 60",
        "facts.tags|selectattr('x')|list",
        "facts.a < facts.b",
    ):
        assert can_hold(source, facts), source
    for source in ("facts.a and not facts.a", "facts.b == 'x' and facts.b == 'y'", "false"):
        assert not can_hold(source, facts), source


def test_the_states_are_those_of_the_database() -> None:
    assert set(CaseState) == scope.CASE_STATES
    assert set(StepState) == scope.STEP_STATES
    assert set(Status) == scope.STATUSES


def test_a_section_that_nobody_has_lived_through(tmp_path: Path) -> None:
    """A warning for a shop's own; ours are held by the drills."""
    own = Path(__file__).parent / "own/sections/11.1"
    shutil.copytree(own, tmp_path / "sections/11.1")
    shutil.rmtree(tmp_path / "sections/11.1/drills")
    (fault,) = lint(tmp_path)
    assert fault.warning
    assert fault.sentence.startswith("no drill lives through 11.1")
    assert "section.yaml:3: warning: section.id" in str(fault)


def test_a_section_that_nothing_opens(tmp_path: Path) -> None:
    own = Path(__file__).parent / "own/sections/11.1"
    shutil.copytree(own, tmp_path / "sections/11.1")
    file = tmp_path / "sections/11.1/section.yaml"
    text = file.read_text("utf-8")
    start, end = text.index("      subject:"), text.index("  steps:")
    file.write_text(text[:start] + text[end:], "utf-8")
    (warned,) = lint(tmp_path)
    assert warned.warning
    assert "only a check opens it" in warned.sentence
    (fault,) = lint(tmp_path, opened={"complaint"})
    assert not fault.warning
    assert "no check of muster.yaml opens it" in fault.sentence
    assert lint(tmp_path, opened={"cold_store_warm"}) == []


def test_markup_on_the_lock_screen_is_told(copy: PlanCopy) -> None:
    copy.change(S33, 'ring:\n        en: "', 'ring:\n        en: "*Card* ')
    assert any("has no markup" in str(fault) for fault in copy.lint())


def test_the_line_of_a_fault_is_the_line_of_its_text(copy: PlanCopy) -> None:
    copy.change(S33, "en: Notice it", "en: channel_down")
    fault = next(f for f in copy.lint() if "channel_down" in f.sentence)
    lines = (copy.root / S33).read_text(encoding="utf-8").splitlines()
    assert "channel_down" in lines[fault.line - 1]
    assert fault.key == "steps[0].title.en"


WORDS = [
    "look.status == 'paid'",
    "look.status not in ('open', 'cancelled')",
    "'failed' != look.state",
    "look.refunds|selectattr('status', 'equalto', 'succeeded')|list",
    "look|rejectattr('status', 'in', ['failed', 'rejected'])|list",
    "look.ok and (look.state is eq 'up')",
]
NO_WORDS = [
    "look.ok",
    "look.channel == params.channel",
    "look.ok is boolean",
    "look|selectattr('id', 'equalto', response.id)|list",
    "look.servers|selectattr('healthy')|list",
    "look.total_minor == params.amount.minor",
    "look.status ==",
]


@pytest.mark.parametrize(
    ("source", "reads"), [*((w, True) for w in WORDS), *((w, False) for w in NO_WORDS)]
)
def test_which_looks_read_a_word_of_the_shop(source: str, reads: bool) -> None:
    assert expressions.reads_word(source) is reads


def test_every_action_whose_look_reads_a_word_knows_the_word_that_says_failed() -> None:
    for action in load_plan().plan.actions.values():
        if action.verify is not None and expressions.reads_word(action.verify.holds):
            assert action.verify.fails, action.id
            assert action.verify.failed is not None, action.id
