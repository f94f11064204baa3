"""Every parameter that a template or a word of the catalogue names is supplied by the product: one
that only a test hands in is a sentence that nobody ever reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jinja2.meta
import pytest

from message_templates.catalogue import LANGUAGES, catalogue
from message_templates.engine import _ENVIRONMENT

ROOT = Path(__file__).parents[2]
FOLDERS = ("incidents", "handlers", "bot", "message_templates")
LATE = ROOT / "incidents" / "shop_actions"  # answers that come after the press
_OURS = set(_ENVIRONMENT.globals)
# What the words of the plan are rendered in; without them it says "not known".
_OPTIONAL = {"scope"}
_PATH = re.compile(r"\bparams\.([a-z_]+)(?:\.([a-z_]+))?")


def named_in(entry: str) -> set[str]:
    """The parameters that an entry of the catalogue names, in either language."""
    found: set[str] = set()
    for language in LANGUAGES:
        source = catalogue(language).get(entry) or ""
        found |= jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
    return found - _OURS - _OPTIONAL


@cache
def modules() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text("utf-8"))
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def _texts(node: ast.AST) -> set[str]:
    """The string constants in a node; of a choice between two, both."""
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def _named(node: ast.AST) -> Iterator[object]:
    for one in ast.walk(node):
        if isinstance(one, ast.keyword):
            yield one.arg
        elif isinstance(one, ast.Dict):
            yield from (key.value for key in one.keys if isinstance(key, ast.Constant))
        elif isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
            yield one.slice.value
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id
        elif isinstance(one, ast.Tuple):
            yield from (each.value for each in one.elts if isinstance(each, ast.Constant))


@cache
def handed_in(path: Path) -> frozenset[str]:
    """What a module hands on by name: keywords, keys, fields of a view, lists of names."""
    return frozenset(name for name in _named(modules()[path]) if isinstance(name, str))


@cache
def said_in(path: Path) -> frozenset[str]:
    return frozenset(_texts(modules()[path]))


@cache
def calls() -> list[tuple[Path, ast.Call, frozenset[str]]]:
    """Every call of the product, with the texts among its arguments."""
    return [
        (path, one, frozenset(text for arg in one.args for text in _texts(arg)))
        for path, tree in modules().items()
        for one in ast.walk(tree)
        if isinstance(one, ast.Call)
    ]


def keywords(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg is not None}


@cache
def with_a_code_chosen_before() -> frozenset[str]:
    """What is handed in by calls that name no answer, but one that was chosen before."""
    found: set[str] = set()
    for _, call, _ in calls():
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        name = call.func.id if isinstance(call.func, ast.Name) else name
        if name in ("refused", "done") and call.args and not isinstance(call.args[0], ast.Constant):
            found |= keywords(call)
    return frozenset(found)


@cache
def supplied_with(code: str) -> set[str]:
    """What the product hands in with that answer: by the calls that name it; where it is chosen
    first and handed in later, by those that do so."""
    found: set[str] = set()
    by_name = False
    for path, call, texts in calls():
        if code in texts:
            found |= keywords(call)
            by_name = by_name or bool(call.keywords)
            if any(keyword.arg is None for keyword in call.keywords) or len(call.args) > 2:
                found |= handed_in(path)
    if not by_name:
        found |= with_a_code_chosen_before()
        for path in modules():
            if code in said_in(path):
                found |= handed_in(path)
    if code in said_in(LATE / "action_outcomes.py") | said_in(LATE / "thread_answers.py"):
        found |= handed_in(ROOT / "incidents" / "read" / "notices.py")
    return found


ANSWERS = sorted(
    key.removeprefix("answers.") for key in catalogue("en").entries if key.startswith("answers.")
)


@pytest.mark.parametrize("code", ANSWERS)
def test_an_answer_names_what_the_product_hands_in_with_it(code: str) -> None:
    assert named_in(f"answers.{code}") <= supplied_with(code)


def asked_of_params() -> set[tuple[str, str]]:
    """Each `params.<name>` of a template, with the template; what lies in `params.params` too."""
    found = set()
    for path in sorted((ROOT / "message_templates" / "templates").glob("*.yaml")):
        for first, second in _PATH.findall(path.read_text("utf-8")):
            found.add((path.stem, second if first == "params" and second else first))
    return found


@pytest.mark.parametrize(("template", "name"), sorted(asked_of_params()))
def test_a_parameter_of_a_template_is_handed_in_somewhere(template: str, name: str) -> None:
    product = [path for path in modules() if "message_templates" not in path.parts]
    assert any(name in handed_in(path) for path in product), (template, name)
