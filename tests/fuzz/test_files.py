"""Files that a shop writes, with other words in them: a sentence, no traceback and no hang."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from bot.cli.stack import demo_settings
from bot.settings import load_settings
from bot.settings_errors import SettingsError
from plan.lint import lint
from plan.sources import PlanError
from tests.fuzz.budget import Budget
from tests.fuzz.forging import HOSTILE, RECIPES, Recipe, forged

pytestmark = pytest.mark.slow
SECONDS = 90.0
LONGEST = 60.0  # seconds for one file, on a busy machine
ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "plan" / "own"
KNOWN = sorted((ROOT / "checks" / "shop" / "known").rglob("*.yaml"))
_HERE = "http://127.0.0.1:9"

Cut = tuple[int, int, str]  # from where, how many characters, and what stands there instead
CUTS = st.lists(
    st.tuples(
        st.integers(0, 100_000),
        st.integers(0, 40),
        st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)),
    ),
    max_size=3,
)


def _cut(text: str, cuts: list[Cut]) -> str:
    for start, length, instead in cuts:
        at = start % (len(text) + 1)
        text = text[:at] + instead + text[at + length :]
    return text


def _written(tree: Any) -> str:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)


def _judged(
    read: Callable[[], object], refusals: tuple[type[Exception], ...], budget: Budget
) -> None:
    began, said = time.monotonic(), "taken"
    try:
        read()
    except refusals as refusal:
        said = str(refusal)
    budget.counts["taken" if said == "taken" else "refused"] += 1
    assert said.strip(), "it is refused without a word"
    assert "Traceback" not in said
    assert time.monotonic() - began < LONGEST


def _put(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))


def test_a_configuration_is_read_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = {"control": _HERE, "primary": _HERE, "standby": _HERE, "database": "sqlite:///shop.db"}
    trees = [demo_settings({"url": _HERE}, shop, tmp_path)]
    for mapping in KNOWN:
        data = yaml.safe_load(mapping.read_text("utf-8"))
        if isinstance(data, dict) and "mapping" in data:
            trees.append({**trees[0], "shop": {**trees[0]["shop"], "mapping": data["mapping"]}})
    file, budget = tmp_path / "muster.yaml", Budget(SECONDS)

    def attack(recipe: Recipe, cuts: list[Cut]) -> None:
        if budget.over:
            return
        _put(file, _cut(_written(forged(trees, recipe)), cuts))
        _judged(lambda: load_settings(file), (SettingsError,), budget)

    budget.attack(attack, RECIPES, CUTS)
    budget.told("configurations and mappings", capsys)
    assert min(budget.counts["taken"], budget.counts["refused"]) > 0


def test_a_plan_folder_is_read_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(OWN, tmp_path / "own")
    files = sorted((tmp_path / "own").rglob("*.yaml"))
    whole = {file: file.read_text("utf-8") for file in files}
    budget = Budget(SECONDS)

    def attack(which: int, recipe: Recipe, cuts: list[Cut]) -> None:
        if budget.over:
            return
        file = files[which]
        try:
            _put(file, _cut(_written(forged([yaml.safe_load(whole[file])], recipe)), cuts))
            _judged(lambda: lint(tmp_path / "own"), (PlanError,), budget)
        finally:
            file.write_text(whole[file], "utf-8")

    budget.attack(attack, st.integers(0, len(files) - 1), RECIPES, CUTS)
    budget.told("plan folders", capsys)
    assert min(budget.counts["taken"], budget.counts["refused"]) > 0
