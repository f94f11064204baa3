"""The catalogues hold the same keys, and every code that the product says has its words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import jinja2.filters
import pytest
import yaml

from bot.delivery.fallback_text import STATUS
from message_templates.catalogue import LANGUAGES, catalogue, normal
from message_templates.filters import FILTERS
from tests.message_templates.everything import TEMPLATES

ROOT = Path(__file__).parents[2]
_NAMES = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)


def test_the_catalogues_hold_the_same_keys() -> None:
    """A word that only one language has would fail at night in the other."""
    english, chinese = (catalogue(language).entries for language in LANGUAGES)
    assert set(english) == set(chinese)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_entry_is_empty(language: str) -> None:
    """An entry without words says nothing; the one exception is a step that is next."""
    empty = [key for key, text in catalogue(language).entries.items() if not text.strip()]
    assert empty == ["runbook.after.next"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_status_has_one_word_whether_the_card_could_be_drawn_or_not(language: str) -> None:
    words = catalogue(language).entries
    assert {f"status.{name}": said[language] for name, said in STATUS.items()} == {
        key: said for key, said in words.items() if key.startswith("status.")
    }


def test_no_entry_is_left_in_english() -> None:
    """Every Chinese entry with words of its own has Chinese ones, but for names and numbers."""
    alike = {"language", "lang", "title", "step", "active", "mitigated", "ended", "line", "system"}
    for key, text in catalogue("zh-Hant").entries.items():
        words = _NAMES.sub("", text)
        if re.search("[A-Za-z]{4,}", words) and key.rsplit(".", 1)[-1] not in alike:
            assert re.search("[\u4e00-\u9fff]", words), key


def test_the_chinese_is_that_of_taiwan() -> None:
    """Words and characters of another usage are not ours, nor those that gave way to one word."""
    foreign = (
        "网络|支付失败|订单|退款单|信息|默认|用户|登录|视频|质量问题|软件|界面|点击|反馈|激活|优化"
        "|你|支付|渠道|投訴|非異常|這不是異常|章節不對|備援值班"
    )
    for key, text in catalogue("zh-Hant").entries.items():
        assert not re.search(foreign, text), key


@pytest.mark.parametrize("key", [k for k in catalogue("en").entries if k.startswith("buttons.")])
def test_a_button_is_short(key: str) -> None:
    """At most 24 characters, 8 in Chinese."""
    assert len(_NAMES.sub("", catalogue("en").entries[key])) <= 24
    assert len(re.findall("[\u4e00-\u9fff]", catalogue("zh-Hant").entries[key])) <= 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_can_be_rendered_without_any_fact(language: str) -> None:
    """Nothing known, nothing handed in: it says so, and does not fail."""

    class View:
        scope: dict[str, object] = {}
        severity = 1

    for key in catalogue(language).entries:
        if key.startswith(
            ("review.", "forms.", "runbook.", "home.", "cases.", "card.", "notices.")
        ):
            continue  # these are rendered with their views in the other tests
        said = TEMPLATES.text(key, language=language, view=View())
        assert "\ue005" not in said
        assert "{{" not in said


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [("zh-TW", "zh-Hant"), ("zh-Hant", "zh-Hant"), ("en-US", "en"), ("fr", "en"), (None, "en")],
)
def test_a_tag_becomes_a_language_of_the_product(tag: str | None, wanted: str) -> None:
    assert normal(tag) == wanted


# -- what the other parts say -------------------------------------------------------------------


Node = TypeVar("Node", bound=ast.AST)


def _nodes(folder: str, kind: type[Node]) -> Iterator[Node]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, kind):
                yield node


def _calls(folder: str) -> Iterator[tuple[str, ast.Call]]:
    for node in _nodes(folder, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        yield node.func.id if isinstance(node.func, ast.Name) else name, node


def _first_text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _owner(call: ast.Call) -> str:
    value = call.func.value if isinstance(call.func, ast.Attribute) else None
    return value.id if isinstance(value, ast.Name) else ""


def said_codes() -> set[str]:
    """Codes of outcomes in the domain and of the handlers' own answers."""
    found: set[str] = set()
    for folder in ("incidents", "handlers"):
        for name, call in _calls(folder):
            if _owner(call) == "Outcome" and name in ("refused", "done"):
                found.add(_first_text(call) or ("done" if name == "done" else ""))
            if name == "Outcome" and len(call.args) > 1:
                code = call.args[1]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
        for node in _nodes(folder, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code":
                    found |= {str(value.value)} if isinstance(value, ast.Constant) else set()
    return found - {""}


def written_kinds() -> set[str]:
    """Kinds of the entries that the domain writes into the log."""
    return {
        text
        for name, call in _calls("incidents")
        if name == "entry" and _owner(call) == "change" and (text := _first_text(call))
    }


def test_every_code_of_an_outcome_has_its_words() -> None:
    """Who pressed gets a sentence, whatever came of it."""
    missing = {code for code in said_codes() if f"answers.{code}" not in catalogue("en").entries}
    assert missing == set()


def test_every_log_line_has_its_words() -> None:
    """Whatever the domain writes down can be read in the thread and in the review."""
    missing = {kind for kind in written_kinds() if f"log.{kind}" not in catalogue("en").entries}
    assert missing == set()


# Drawn by the composition root itself: files of a review, the text of a page.
OTHERS = {"review_files", "page", "cases_csv"}


def test_every_template_that_is_named_is_there() -> None:
    """A template named by the domain or the handlers exists."""
    names = {path.stem for path in (ROOT / "message_templates" / "templates").glob("*.yaml")}
    used = {
        str(keyword.value.value)
        for folder in ("incidents", "handlers")
        for _, call in _calls(folder)
        for keyword in call.keywords
        if keyword.arg == "template" and isinstance(keyword.value, ast.Constant)
    }
    assert used - OTHERS <= names


def test_the_plans_words_use_only_filters_of_the_messages() -> None:
    """What the plan writes in its texts can be rendered in Slack as well."""
    used: set[str] = set()
    for path in (ROOT / "plan" / "data").rglob("*.yaml"):
        for leaf in re.findall(r"\{\{(.*?)\}\}", path.read_text("utf-8"), re.DOTALL):
            used |= set(re.findall(r"\|\s*([a-z_]+)", re.sub(r"'[^']*'", "", leaf)))
    assert used - set(jinja2.filters.FILTERS) <= set(FILTERS)


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: the first would be lost silently."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> Any:
    keys = [key.value for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    assert twice == set(), node.start_mark
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def test_no_key_stands_twice() -> None:
    """Templates and catalogues are readable YAML, and nothing in them is lost."""
    for path in (ROOT / "message_templates").rglob("*.yaml"):
        assert yaml.load(path.read_text("utf-8"), Loader=_Strict) is not None  # noqa: S506 (a safe loader)
