"""Modules are called by the field's nouns, and say in their first line what they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "actions", "bot", "checks", "handlers", "incidents", "message_templates", "plan", "sandbox",
    "storage",
)  # fmt: skip
# What is found in a folder of its name and is explained by it.
GENERAL = {"__init__", "__main__", "base", "common", "env", "main"}
# Prepositions, adverbs and pictures say where or like what, and not what it is.
NO_NOUNS = {
    "above", "after", "again", "apart", "away", "before", "behind", "below", "beside", "between",
    "during", "early", "hand", "house", "known", "lane", "lanes", "late", "later", "muster", "now",
    "office", "often", "once", "pulse", "soon", "then", "together", "under", "when", "while",
}  # fmt: skip
# Of a picture that stands beside a noun the noun decides: late_outcomes, at_most_once.
ENDINGS = ("ings", "ing", "ers", "er", "ions", "ion", "ies", "ed", "es", "s", "y", "e")
MODULES = sorted(
    file
    for package in PACKAGES
    for file in (ROOT / package).rglob("*.py")
    if file.stem not in GENERAL and "versions" not in file.parts
)


def stem(word: str) -> str:
    word = word.lower()
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= 4 and long.startswith(short))


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_no_module_is_called_by_where_or_when_it_is() -> None:
    assert [name_of(file) for file in MODULES if file.stem in NO_NOUNS] == []


def test_the_first_line_begins_with_the_modules_noun() -> None:
    strange: list[str] = []
    for file in MODULES:
        first = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").split("\n")[0]
        words = re.findall(r"[A-Za-z]+", first.split(":")[0])[:4]
        head = {stem(word) for word in (*words, "".join(words[:2]))}
        if not any(same(stem(part), word) for part in file.stem.split("_") for word in head):
            strange.append(f"{name_of(file)}: {first}")
    assert strange == []


def test_no_first_line_is_a_riddle() -> None:
    """It says what the module is before it says what of it."""
    riddle = re.compile(r"(How|What|Where|Whether|Who|When|Why|Which)\b")
    firsts = {
        name_of(file): (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "")
        for folder in (*PACKAGES, "benchmarks")
        for file in (ROOT / folder).rglob("*.py")
    }
    assert [name for name, first in firsts.items() if riddle.match(first)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_too_long(package: str) -> None:
    """Past some 400 lines a module has more than one concern, or says here why not."""
    reasons = {
        "actions/runner.py": "one attempt, from written down to settled",
        "incidents/detection/findings.py": "one transaction over a check's result, step by step",
        "incidents/shop_actions/action_outcomes.py": "what follows from one press, in its order",
        "incidents/lifecycle/commands.py": "rows of commands, each with its function",
        "incidents/views.py": "read models: data without code",
        "plan/model.py": "the plan's fields: data without code",
    }
    long = {
        name_of(file): len(file.read_text("utf-8").splitlines())
        for file in MODULES
        if file.is_relative_to(ROOT / package)
    }
    too_long = {name: lines for name, lines in long.items() if lines > 420}
    assert set(too_long) <= set(reasons), too_long
