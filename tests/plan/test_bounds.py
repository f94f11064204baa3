"""What a shop's plan folder may cost: whatever is too much is one error, at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import strict_yaml
from message_templates.engine import Templates
from plan import bounds, expressions
from plan.model import Words
from plan.sources import PlanError, read_source, read_sources

SCOPE = {
    "facts": {"name": "Northpay", "number": 7, "items": list(range(1000))},
    "cases": [{"key": f"FG-{n}", "amount": n} for n in range(1000)],
}
AT_ONCE = 3.0  # seconds of the processor, on a slow machine
_TWICE = "{% set s = s ~ s %}"
_NESTS = "{% set s = [s, s] %}"

# What would take for ever, or all the memory that there is.
ENDLESS = {
    "loops within loops": "{% for a in cases %}{% for b in cases %}{% for c in cases %}x"
    "{% endfor %}{% endfor %}{% endfor %}",
    "filters within loops": "{% for a in cases %}{% for b in cases %}"
    "{{ cases | selectattr('amount') | list | length }}{% endfor %}{% endfor %}",
    "range": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "sums of long lists": "{% set a = [0] * 150000 %}{% for i in range(300) %}"
    "{% set x = a + [1] %}{% endfor %}",
    "a power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "a power of a fact": "{{ facts.number ** facts.number ** facts.number ** facts.number }}",
    "a product of texts": "{{ 'x' * 9999999999 }}",
    "a product of a fact": "{{ facts.name * 9999999999 }}",
    "a product of lists": "{{ [0] * 9999999999 }}",
    "products of numbers": "{% set s = 3 %}" + "{% set s = s * s %}" * 60 + "{{ s }}",
    "a text twice, and that twice": "{% set s = 'xxxxxxxx' %}" + _TWICE * 60 + "{{ s }}",
    "a sum of texts": "{% set s = 'xxxxxxxx' %}" + "{% set s = s + s %}" * 60 + "{{ s }}",
    "lists in lists": "{% set s = [1] %}" + _NESTS * 60 + "{{ s }}",
    "lists in lists, compared": "{% set s = [1] %}" + _NESTS * 60 + "{{ s == [s] }}",
    "tuples in tuples": "{% set s = (1,) %}" + "{% set s = (s, s) %}" * 60 + "{{ s }}",
    "mappings in mappings": "{% set s = {} %}" + "{% set s = {'a': s, 'b': s} %}" * 60 + "{{ s }}",
    "a sum of lists": "{% set s = [1] %}" + "{% set s = [s, s] | sum(start=[]) %}" * 60 + "{{ s }}",
    "a width": "{{ 'x' | center(9999999999) }}",
    "an indent": "{{ 'x\\nx' | indent(9999999999) }}",
    "a width by a method": "{{ 'x'.ljust(9999999999) }}",
    "a width by format": "{{ '{:>9999999999}'.format(1) }}",
    "a width by %": "{{ '%9999999999d' % 1 }}",
    "a filter of format": "{{ '%9999999999d' | format(1) }}",
    "a text for each letter": "{{ (facts.name * 9999) | replace('', facts.name * 9999) }}",
    "a text between": "{{ facts.items | join(facts.name * 9999) }}",
    "rounding": "{{ 7 | round(-9999999999) }}",
    "a batch": "{{ [1] | batch(9999999999, 0) | list }}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "a loop that calls itself": "{% for a in cases recursive %}{{ loop(cases) }}{% endfor %}",
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "lists in brackets": "{{ " + "[" * 4000 + "]" * 4000 + " }}",
    "not not not": "{{ " + "not " * 2000 + "1 }}",
    "a long sum": "{{ " + "1 + " * 2000 + "1 }}",
    "a long path": "{{ facts" + ".a" * 4000 + " }}",
    "conditions within conditions": "{% if 1 %}" * 400 + "x" + "{% endif %}" * 400,
    "a long text": "x{{ 1 }}" * 2000,
    "a world of filler": "{{ lipsum(n=99999) }}",
    "a cycler": "{% set c = cycler(1) %}{% for a in cases %}{% for b in cases %}{{ c.next() }}"
    "{% endfor %}{% endfor %}",
}


def quick(do: Callable[[], Any]) -> Any:
    """What it gives, or the error that it raises; in no time."""
    started = time.process_time()
    try:
        found = do()
    except (expressions.ExpressionError, PlanError, strict_yaml.NotStrict) as error:
        found = error
    assert time.process_time() - started < AT_ONCE
    return found


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
def test_what_has_no_end_has_one_in_the_plan(source: str) -> None:
    """An action's parameters, a vendor's message, a condition."""
    found = quick(lambda: expressions.fill(source, SCOPE))
    assert isinstance(found, expressions.ExpressionError) or len(str(found)) <= bounds.SIZE
    if source.startswith("{{") and source.endswith("}}"):
        assert quick(lambda: expressions.holds(source[2:-2], SCOPE)) in (True, False)


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
def test_what_has_no_end_has_one_in_slack(source: str) -> None:
    """The same in a text that people read: it stands there as “not known”, or cut."""
    words = Words.model_validate({"en": source, "zh-Hant": source})
    said = quick(lambda: Templates().words(words, SCOPE, language="en"))
    assert isinstance(said, str)


def test_all_texts_of_one_message_have_one_end() -> None:
    """A hundred texts, each of which is just within its bounds."""
    heavy = "{% for a in cases %}{% for b in cases[:90] %}{% endfor %}{% endfor %}"
    assert expressions.fill(heavy, SCOPE) == ""
    counting = bounds.begin(bounds.MESSAGE_STEPS)
    try:
        with pytest.raises(expressions.ExpressionError, match="too many steps"):
            all(expressions.fill(heavy, SCOPE) == "" for _ in range(100))
    finally:
        bounds.end(counting)


def test_what_a_plan_needs_is_within_the_bounds() -> None:
    text = (
        "{% for one in cases[:20] %}{{ loop.index }}/{{ loop.length }} {{ one.key }}"
        "{% if not loop.last %}, {% endif %}{% endfor %} {{ facts.name ~ '!' | upper }}"
        " {{ cases | selectattr('amount', '>', 990) | map(attribute='key') | join(', ') }}"
        " {{ (facts.number * 3) ** 2 }} {{ facts.items | sum }} {{ 7 % 4 }}"
    )
    said = expressions.fill(text, SCOPE)
    assert said.startswith("1/20 FG-0, 2/20 FG-1,")
    assert said.endswith("FG-998, FG-999 441 499500 3")


PARTS = st.sampled_from(
    [
        "{% for a in cases %}", "{% endfor %}", "{% if facts.name %}", "{% endif %}", "{{ a }}",
        "{% set s = 'x' %}", "{% set s = s ~ s %}", "{% set s = [s, s] %}", "{{ s }}",
        "{{ s * 99 }}",
        "{{ cases | join(s) }}", "{{ facts.items * 9 }}", "{{ 9 ** 99 }}",
        "{{ s | replace('', s) }}",
        "{{ cases | map(attribute='key') | list | sort | string | upper }}", "{{ -2 ** 5000 }}",
    ]
)  # fmt: skip


@settings(deadline=None)  # `quick` has its own: the processor's time
@given(st.lists(PARTS, max_size=30))
def test_however_it_is_put_together(parts: list[str]) -> None:
    quick(lambda: expressions.fill("".join(parts), SCOPE))


# --- files

_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
_MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12)
)
FILES = {
    "names for names": (_BOMB, "more than 100000 values"),
    "merges of merges": (_MERGES, "more than 100000 values"),
    "brackets": ("version: " + "[" * 200_000, "nested more than 60 deep"),
    "lists in lists": ("- " * 100_000, "nested more than 60 deep"),
    "a name within itself": ("version: &a [*a]", "recursion"),
    "a long file": ("# " + "x" * bounds.SIZE * 6, "longer than"),
    "a sign that is none": ("version: \x01", "not readable"),
}


@pytest.mark.parametrize(("text", "why"), FILES.values(), ids=FILES)
def test_a_file_of_a_plan_has_a_size_and_a_depth(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "section.yaml"
    file.write_text(text, encoding="utf-8")
    found = quick(lambda: read_source(file, tmp_path))
    assert isinstance(found, PlanError)
    assert why in str(found)
    assert str(found).startswith(f"{tmp_path.name}/section.yaml:")


def test_so_has_the_configuration() -> None:
    found = quick(lambda: strict_yaml.read(_BOMB))
    assert isinstance(found, strict_yaml.NotStrict)


def test_a_pipe_is_no_file_of_a_plan(tmp_path: Path) -> None:
    """It would be waited for, by the start and for ever."""
    os.mkfifo(tmp_path / "section.yaml")
    found = quick(lambda: read_sources(tmp_path))
    assert "it is no file" in str(found)


def test_a_bomb_behind_what_another_parser_takes_for_no_yaml_is_refused(tmp_path: Path) -> None:
    """A tab after a colon: libyaml reads it, the parser in Python does not."""
    file = tmp_path / "sections.yaml"
    file.write_text("k:\tv\n" + _BOMB, "utf-8")
    with pytest.raises(PlanError, match="more than"):
        read_source(file, tmp_path)
