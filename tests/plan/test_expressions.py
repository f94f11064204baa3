"""Expressions and templates in their sandbox."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan.expressions import ExpressionError, check, evaluate, fill, holds, value

SCOPE: dict[str, Any] = {
    "facts": {
        "items": 3,
        "amount": {"minor": 8642000, "currency": "TWD"},
        "vendor": None,
        "missing": ["FG-1", "FG-2"],
    },
    "cases": {"total": 41},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("facts.items + 1", 4),  # a fact may have the name of a dict's method
        ("facts.nothing.at.all", None),
        ("facts.vendor.ticket", None),
        ("facts.nothing > 3 or facts.nothing < 3", False),
        ("not facts.nothing", True),
        ("facts.nothing == none", True),
        ("(facts.nothing or 0) + 1", 1),
        ("facts.missing|length", 2),
        ("facts.nothing|length", 0),
        ("facts.nothing|selectattr('ok')|list", []),
        ("cases.total if cases.total else 0", 41),
    ],
)
def test_a_missing_fact_is_falsy_and_passes_through(expression: str, expected: object) -> None:
    assert evaluate(expression, SCOPE) == expected


def test_printing_a_missing_fact_is_an_error_that_names_it() -> None:
    with pytest.raises(ExpressionError, match="“nothing” is not known"):
        fill("Ticket {{ facts.nothing }}", SCOPE)
    with pytest.raises(ExpressionError, match="not known"):
        fill("Ticket {{ facts.vendor }}", SCOPE)


def test_a_single_expression_keeps_its_type_and_a_sentence_does_not() -> None:
    assert value("{{ facts.amount }}", SCOPE) == {"minor": 8642000, "currency": "TWD"}
    assert value(" {{ facts.items }} ", SCOPE) == 3
    assert value("{{ facts.items }}{{ facts.items }}", SCOPE) == "33"
    assert value("plain", SCOPE) == "plain"
    assert value("{{ facts.nothing or '' }}", SCOPE) == ""
    with pytest.raises(ExpressionError, match="not known"):
        value("{{ facts.nothing }}", SCOPE)


@pytest.mark.parametrize(
    "source",
    [
        "{{ facts.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ facts.update({'items': 9}) }}",
        "{{ facts.missing.append('FG-3') }}",
        "{{ range(1000000000) }}",
        "{{ 1 / 0 }}",
        "{{ facts.items|nosuchfilter }}",
        "{% if %}",
    ],
)
def test_what_would_leave_the_sandbox_or_fail_is_an_expression_error(source: str) -> None:
    before = deepcopy(SCOPE)
    try:
        said = fill(source, SCOPE)
    except ExpressionError:
        said = ""
    assert said == ""
    assert before == SCOPE


def test_holds_never_raises_and_none_always_holds() -> None:
    assert holds(None, SCOPE)
    assert holds("facts.items == 3", SCOPE)
    assert not holds("facts.items + facts.missing", SCOPE)
    assert not holds("facts.nothing", SCOPE)


@pytest.mark.parametrize(
    ("look", "held"),
    [
        ({"ok": True}, True),
        ({"ok": "true"}, True),
        ({"ok": "false"}, False),
        ({"ok": " No "}, False),
        ({"ok": "0"}, False),
        ([], False),
        (["ok"], False),
        ("ok", False),
        (None, False),
    ],
)
def test_a_look_holds_by_what_it_says_and_not_by_its_being_a_text(look: object, held: bool) -> None:
    assert holds("look.ok", {"look": look}) is held


def test_check_tells_expressions_from_templates() -> None:
    check("facts.items > 3", expression=True)
    check("{{ facts.items }}", expression=False)
    with pytest.raises(ExpressionError, match="is not an expression"):
        check("facts.items >", expression=True)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.one_of(st.none(), st.integers())))
def test_any_facts_leave_a_guarded_text_whole(facts: dict[str, object]) -> None:
    """A text that asks before it prints can be rendered whatever is known."""
    said = fill(
        "{% if facts.amount %}{{ facts.amount }}{% else %}not known{% endif %}", {"facts": facts}
    )
    assert said in ("not known", str(facts.get("amount")))
