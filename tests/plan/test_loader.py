"""Reading the plan: whole, cached, overridden by a shop, and clear about what is wrong."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from plan.kept_plan import restore_plan
from plan.loader import load_plan
from plan.model import Plan
from plan.sources import PlanError, plan_order, read_source
from tests.plan.conftest import PlanCopy

OWN = """
causes:
  typhoon:
    label: {en: Typhoon, zh-Hant: 颱風}
actions:
  escalate:
    title: {en: Call the boss, zh-Hant: 通知老闆}
    kind: internal
    roles: [oncall]
    log: {en: "{{ actor }} called the boss", zh-Hant: "{{ actor }} 已通知老闆"}
"""


def test_the_plan_has_its_sections_in_order(plan: Plan) -> None:
    """Five runbooks; what else is found is watched until its runbook comes."""
    runbooks = [s.id for s in plan.sections.values() if s.handling == "runbook"]
    assert runbooks == ["2.2", "3.2", "3.3", "7.2", "9.1"]
    assert list(plan.sections) == sorted(plan.sections, key=plan_order)
    watched = [s for s in plan.sections.values() if s.handling == "watch"]
    assert [[step.id for step in s.steps] for s in watched] == [[f"{s.id}.s0"] for s in watched]
    assert plan.version == "2026.11"
    assert plan.section_of("system_crash").id == "9.1"
    with pytest.raises(KeyError):
        plan.section_of("nothing")


def test_the_same_files_are_parsed_once() -> None:
    assert load_plan() is load_plan()


def test_the_content_brings_the_same_plan_back() -> None:
    """Save the facts' kinds and samples, which only lint and the pages read."""
    loaded = load_plan()
    again = restore_plan(loaded.content)
    assert again.model_dump_json(by_alias=True) == loaded.content
    assert again.actions == loaded.plan.actions


def test_a_shops_own_files_add_and_replace(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    own, ours = load_plan(tmp_path), load_plan()
    assert own.plan.causes["typhoon"].label.zh_hant == "颱風"
    assert own.plan.actions["escalate"].title.en == "Call the boss"
    assert own.plan.sections == ours.plan.sections
    assert own.hash != ours.hash
    assert own.sources["cause typhoon"].endswith("own.yaml")


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="does not exist"):
        load_plan(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "causes:\n  a:\n    label: {en: A}\n",
            "own.yaml:3: causes.a.label.zh-Hant: field required",
        ),
        ("causes:\n  a:\n    lable: 1\n", "own.yaml:2: causes.a.label: field required"),
        ("causes: [1]\n", "own.yaml:1: causes: must name each entry."),
        ("causes:\n  a: 3\n", "own.yaml:2: causes.a: "),
        ("cuases: {}\n", "own.yaml:1: “cuases” is not a part of a plan"),
        ("version: 1\nversion: 2\n", "own.yaml:2: “version” stands here twice."),
        ("causes:\n  a: [\n", "own.yaml:3: not readable as YAML"),
        ("- 1\n", "own.yaml:1: holds none of"),
        ("", "own.yaml:1: holds none of"),
    ],
)
def test_a_fault_names_file_line_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as error:
        load_plan(tmp_path)
    assert any(sentence in fault for fault in error.value.faults), error.value.faults
    assert all("\n" not in fault for fault in error.value.faults)


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = "causes:\n  a:\n    label: {en: A}\n  b:\n    label: {en: B}\n"
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as error:
        load_plan(tmp_path)
    assert [fault.split(":")[1] for fault in error.value.faults] == ["3", "5"]


def test_a_fault_inside_a_section_has_its_line(copy: PlanCopy) -> None:
    path = copy.root / "sections/3.3/section.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = lines.index("      kind: vendor_contact")
    lines[at] = "      kind: shouting"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(PlanError) as error:
        copy.build()
    assert any(
        f"3.3/section.yaml:{at + 1}: section.steps[2].kind:" in f for f in error.value.faults
    )


def test_a_notice_that_there_is_not_and_one_that_cannot_be_read(copy: PlanCopy) -> None:
    """A message to customers is named by its action; what is wrong with it stands in its file."""
    copy.change("actions/customers.yaml", "message: order_delayed", "message: order_late")
    copy.change(
        "notices/payment_outcome.yaml", "  payment_outcome:", "  payment_outcome:\n    oder: 1"
    )
    with pytest.raises(PlanError) as error:
        copy.build()
    said = error.value.faults
    assert any("payment_outcome.yaml:4: notices.payment_outcome.oder: " in one for one in said)
    assert any("notify_delay.message: there is no notice “order_late”" in one for one in said)


def test_a_shop_says_in_its_own_words_what_our_actions_tell_customers(tmp_path: Path) -> None:
    """A notice of the same name is read instead; its greeting is ours where it writes none."""
    text = "notices: {order_delayed: {order: {en: Patience., zh-Hant: 請稍候。}}}\n"
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    message = load_plan(tmp_path).plan.actions["notify_delay"].message
    assert message is not None
    assert message.order.in_("en") == "Patience."
    assert message.opening is not None
    assert "Hello" in message.opening.in_("en")


def test_a_line_is_found_for_the_deepest_key_that_exists(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("causes:\n  a:\n    label:\n      en: A\n", encoding="utf-8")
    source = read_source(path, tmp_path)
    assert source.line(("causes", "a", "label", "en")) == 4
    assert source.line(("causes", "a", "label", "zh-Hant")) == 3
    assert source.line(("causes", "b")) == 1


def test_a_plan_kept_by_incidents_of_before_is_read() -> None:
    """As the version before the holds wrote it: open incidents go on under their own plan."""
    kept = Path(__file__).parent / "data" / "plan_before_holds.json.xz"
    plan = restore_plan(lzma.decompress(kept.read_bytes()).decode())
    note = plan.incident_type("payment_channel_down").desk
    assert note is not None
    assert note.active is None
    assert "work now" in note.mitigated.title.en + note.mitigated.say.en
