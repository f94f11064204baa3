"""A shop's own section: a folder in our form, with its facts and its drill, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plan.lint import lint
from plan.loader import DATA, PlanError, load_plan, stories

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
    assert list(plan.sections)[-1] == "11.1"
    assert set(load_plan().plan.sections) < set(plan.sections)
    assert list(stories(OWN))[-1] == "11.1"
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
    """Declared by a person, worked, resolved, reviewed: by Slack's and the shop's HTTP alone."""
    file = tmp_path / "out.json"
    command = ["drill", "11.1", "--extra", str(OWN), "-q", "--json", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *command], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr + done.stdout
    (report,) = json.loads(file.read_text("utf-8"))
    assert report["steps_done"] == ["11.1.s1", "11.1.s2"]
    assert report["review_written"]


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
        "options[0].label: field required",
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
