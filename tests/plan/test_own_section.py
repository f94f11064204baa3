"""A shop's own section: a folder in our form, with its facts and its drill, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plan import loader
from plan.drill_files import stories
from plan.lint import lint
from plan.loader import load_plan
from plan.sources import DATA, PlanError

OWN = Path(__file__).parent / "own"
SECTION = OWN / "sections/11.1/section.yaml"


def test_it_passes_lint_in_forty_lines() -> None:
    assert [str(fault) for fault in lint(OWN)] == []
    assert len(SECTION.read_text("utf-8").splitlines()) <= 60


def test_it_is_the_documented_example() -> None:
    page = (Path(__file__).parents[2] / "docs/plan.md").read_text("utf-8")
    text = SECTION.read_text("utf-8").partition("\n")[2].rstrip()  # without its comment
    assert f"```yaml\n{text}\n```" in page
    assert (OWN / "sections/11.1/facts.yaml").read_text("utf-8").rstrip() in page


def test_it_stands_beside_ours() -> None:
    plan = load_plan(OWN).plan
    assert list(plan.sections)[-2:] == ["11.1", "11.2"]
    assert set(load_plan().plan.sections) < set(plan.sections)
    assert list(stories(OWN))[-2:] == ["11.1", "11.2"]
    assert plan.incident_type("cold_store_warm").facts["degrees"].sample == 12


def test_what_it_leaves_out_is_ours() -> None:
    section = load_plan(OWN).plan.sections["11.1"]
    (kind,) = section.types
    assert kind.ring.zh_hant.startswith("{{ '🔴🟠🟡⚪'[incident.severity - 1] }} SEV")
    assert "冷藏庫溫度過高{%" in kind.ring.zh_hant
    assert kind.ring.en.endswith("nobody has it yet{% endif %}. {{ incident.reference }}")
    assert kind.card.mitigated.title.zh_hant == "冷藏庫溫度過高：已緩解"
    first, second = section.steps
    assert [button.does for button in first.buttons] == ["form"]
    assert [button.does for button in second.buttons] == ["done"]
    assert first.form is not None
    assert first.form.title == first.title
    assert second.next == second.do
    assert second.section == "11.1"


@pytest.mark.drill
def test_it_is_lived_through(tmp_path: Path) -> None:
    """Declared by a person, or found by the shop's own query; worked, resolved, reviewed: by
    Slack's and the shop's HTTP alone."""
    file = tmp_path / "out.json"
    command = ["drill", "11.1", "11.2", "--extra", str(OWN), "-q", "--json", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *command], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr + done.stdout
    declared, found = json.loads(file.read_text("utf-8"))
    assert declared["steps_done"] == ["11.1.s1", "11.1.s2"]
    assert found["steps_done"] == ["11.2.s1"]
    assert declared["review_written"]
    assert found["review_written"]


BROKEN = {
    "a phrase that there is not": (
        'ring:\n        en: "The',
        'ring:\n        en: "[[too_cold]] The',
        "section.yaml:14: section.types[0].ring.en: there is no phrase “too_cold”",
    ),
    "words in an expression": (
        "      kind: verify\n",
        "      kind: verify\n      optional_when: \"[[reason]][facts.store] == 'x'\"\n",
        "section.steps[1].optional_when: “reason” is words, and an expression has no language",
    ),
    "a phrase that is none": (
        "causes:\n  equipment:",
        "phrases:\n  much: {en: Much}\ncauses:\n  equipment:",
        "phrases.much: write a text in en and zh-Hant",
    ),
    "an option without words": (
        "kind: text, label: {en: Which store, zh-Hant: 哪個冷藏庫}, maximum: 40}",
        "kind: select, label: {en: Which store, zh-Hant: 哪個冷藏庫}, options: {north: {en: N}}}",
        "options[0].label.zh-Hant: field required",
    ),
    "facts of no type": (
        "causes:\n  equipment:",
        "facts:\n  cold_stores: {a: {kind: text, says: x}}\ncauses:\n  equipment:",
        "facts.cold_stores: no section has this incident type",
    ),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    old, new, sentence = BROKEN[name]
    text = SECTION.read_text("utf-8")
    assert old in text
    folder = tmp_path / "sections/11.1"
    folder.mkdir(parents=True)
    (folder / "section.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(PlanError) as error:
        load_plan(tmp_path)
    assert any(sentence in fault for fault in error.value.faults), error.value.faults


def own(folder: Path, **files: str) -> Path:
    """A shop's folder: the example's section, and these files beside it."""
    shutil.copytree(OWN, folder, dirs_exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def test_a_shops_defaults_and_phrases_are_its_own(tmp_path: Path) -> None:
    """They stand over ours in its files, text by text, and change none of our sections."""
    words = (
        "defaults:\n  form: {submit: {en: Keep, zh-Hant: 保存}}\n"
        "phrases:\n  reason: {en: Why, zh-Hant: 為何}\n"
    )
    plan = load_plan(own(tmp_path, words=words)).plan
    form = plan.sections["11.1"].steps[0].form
    assert form is not None
    assert (form.submit.en, form.title.en) == ("Keep", "Move the goods")
    assert plan.sections["7.2"] == load_plan().plan.sections["7.2"]


def test_a_moment_may_stand_unquoted(tmp_path: Path) -> None:
    folder = own(
        tmp_path,
        facts="facts:\n  cold_store_warm:\n"
        "    since: {kind: time, says: since when, sample: 2026-11-09T02:00:00+00:00}\n",
    )
    for _ in range(2):  # parsed, and as it was kept
        loader._CACHE.clear()
        facts = load_plan(folder).plan.incident_type("cold_store_warm").facts
        assert facts["since"].sample == "2026-11-09T02:00:00+00:00"


def test_a_phrase_stands_in_an_option(tmp_path: Path) -> None:
    text = SECTION.read_text("utf-8")
    kind = "kind: text, label: {en: Which store, zh-Hant: 哪個冷藏庫}, maximum: 40}"
    assert kind in text
    offered = '{north: {en: "[[side]] North", zh-Hant: "[[side]]北"}}'
    folder = own(tmp_path, words="phrases:\n  side: {en: Side, zh-Hant: 側}\n")
    (folder / "sections/11.1/section.yaml").write_text(
        text.replace(kind, kind.replace("text", "select", 1)[:-13] + f"options: {offered}}}"),
        "utf-8",
    )
    declare = load_plan(folder).plan.incident_type("cold_store_warm").declare
    assert declare is not None
    (option,) = declare.fields[0].options
    assert (option.id, option.label.en, option.label.zh_hant) == ("north", "Side North", "側北")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("phrases: [1]\n", "phrases: must name each entry."),
        ("defaults: [1]\n", "defaults: must name each entry."),
        (
            'section: {id: "11.2", chapter: 11, types: {a: 1}, steps: {b: 2}}\n',
            "section.types: input should be a valid",
        ),
    ],
)
def test_what_has_another_form_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    with pytest.raises(PlanError) as error:
        load_plan(tmp_path)
    assert any(sentence in fault for fault in error.value.faults), error.value.faults


def test_a_shops_way_of_writing_is_its_own(tmp_path: Path) -> None:
    """What we hold ourselves to is a warning for a shop: a brand has the word in its name."""
    text = SECTION.read_text("utf-8").replace("zh-Hant: 設備故障", "zh-Hant: 街口支付故障")
    folder = own(tmp_path)
    (folder / "sections/11.1/section.yaml").write_text(text, "utf-8")
    (fault,) = lint(folder)
    assert fault.warning
    assert "支付" in fault.sentence


def test_a_phrase_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    text = (
        'phrases:\n  a: {en: "[[b]]", zh-Hant: "[[b]]"}\n  b: {en: "[[a]]", zh-Hant: "[[a]]"}\n'
        'causes:\n  c:\n    label: {en: "[[a]]", zh-Hant: "[[a]]"}\n'
    )
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    with pytest.raises(PlanError) as error:
        load_plan(tmp_path)
    assert any("own.yaml:6: causes.c.label.en: “" in fault for fault in error.value.faults)
    assert all("names itself" in fault for fault in error.value.faults)


@pytest.mark.parametrize("file", sorted(DATA.rglob("*.yaml")), ids=lambda f: f.parent.name + f.stem)
def test_every_file_is_yaml_to_any_reader(file: Path) -> None:
    """PyYAML's own loader is stricter than the C one that we read with."""
    text = file.read_text("utf-8")
    assert yaml.load(text, Loader=yaml.SafeLoader) == yaml.load(text, Loader=yaml.CSafeLoader)


def test_a_check_that_could_open_nothing_is_named(tmp_path: Path) -> None:
    shutil.copytree(OWN, tmp_path / "own")
    file = tmp_path / "own/sections/11.2/checks/not-closed.yaml"
    text = file.read_text("utf-8").replace("incident_type: order_not_closed", "incident_type: gone")
    file.write_text(text, encoding="utf-8")
    said = [str(fault) for fault in lint(tmp_path / "own")]
    assert (
        "own/sections/11.2/checks/not-closed.yaml:3: check.incident_type: “gone” is no incident "
        "type of the plan: its findings could open nothing."
    ) in said
    assert any("only a check opens it" in fault for fault in said)
