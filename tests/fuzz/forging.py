"""Forging: payloads that Slack did send, with other values in them; files with other words."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

Path = tuple[Any, ...]

HOSTILE = (
    "",
    " ",
    "\x00",
    "..",
    "../../etc/passwd",
    "%2e%2e%2f",
    "{{ 7 * 7 }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "<!channel>",
    "<@U0MEI>",
    "<https://evil.example|INC-1>",
    "' or 1=1 --",
    "INC-1",
    "INC-99999999999999999999",
    "INC-2:1:take",
    "INC-2:-1:3.3.1.s1:read",
    "INC-2:9223372036854775808:resolve",
    "9" * 400,
    "1e309",
    "NaN",
    "\ud800",
    "\u202e412-CNI",
    "ＩＮＣ－２",
    "a:b:c:d:e:f:g",
    "x" * 3001,
    "null",
    "[]",
    '{"a":',
    "0912-345-678",
    "-1",
    "0",
)

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.integers(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.lists(st.sampled_from(HOSTILE), max_size=3),
    st.dictionaries(st.sampled_from(("id", "value", "type", "x")), st.text(max_size=5), max_size=3),
)


def leaves(tree: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in it that holds a value, and every place that holds more places."""
    if path:
        yield path
    if isinstance(tree, dict):
        for name, below in tree.items():
            yield from leaves(below, (*path, name))
    elif isinstance(tree, list):
        for at, below in enumerate(tree):
            yield from leaves(below, (*path, at))


def at(tree: Any, path: Path) -> Any:
    for one in path:
        tree = tree[one]
    return tree


def replaced(tree: Any, path: Path, value: Any) -> Any:
    """A copy with that value there."""
    found = copy.deepcopy(tree)
    at(found, path[:-1])[path[-1]] = value
    return found


def without(tree: Any, path: Path) -> Any:
    """A copy without that place."""
    found = copy.deepcopy(tree)
    del at(found, path[:-1])[path[-1]]
    return found


Change = tuple[int, str, Any, int]  # at which place, how, the value, the place that it is from
Recipe = tuple[int, list[Change]]  # of which tree

_PLACE = st.integers(0, 100_000)
RECIPES: st.SearchStrategy[Recipe] = st.tuples(
    _PLACE,
    st.lists(
        st.tuples(_PLACE, st.sampled_from(("value", "swap", "remove")), VALUES, _PLACE), max_size=4
    ),
)
"""How one is forged: small, so that what failed can be told."""


def forged(trees: Sequence[Any], recipe: Recipe) -> Any:
    """One of these with some places changed: another value, one of its own, or none."""
    which, changes = recipe
    tree = copy.deepcopy(trees[which % len(trees)])
    for place, how, value, source in changes:
        places = list(leaves(tree))
        if not places:
            return tree
        path = places[place % len(places)]
        if how == "value":
            tree = replaced(tree, path, value)
        elif how == "swap":
            tree = replaced(tree, path, copy.deepcopy(at(tree, places[source % len(places)])))
        else:
            tree = without(tree, path)
    return tree
