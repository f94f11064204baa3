"""Whatever way a shop is laid out, with names that say nothing: what inspect proposes is so."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.queries.entity import entities
from checks.shop.inspect import propose
from checks.shop.inspection.proposal import Proposal
from tests.checks.laid_out_shop import LaidOutShop, Layout
from tests.shops.meaning import differences, meaning
from tests.shops.renaming import renamed
from tests.shops.trading import traded

_WAYS = {
    "keys": ("number", "random"),
    "declared": (True, False),
    "payments": ("own", "through", "none"),
    "failed": (True, False),
    "lines": ("code", "article", "names", "pieces"),
    "address": ("within", "referred", "kinds"),
    "refunds": ("own", "among", "below", "none"),
    "history": ("both", "reached", "none"),
    "doubles": (True, False),
    "minor": (True, False),
    "starts": (True, False),
}
LAYOUTS = st.builds(Layout, **{name: st.sampled_from(ways) for name, ways in _WAYS.items()})
assert _WAYS.keys() == {one.name for one in fields(Layout)}


def told(proposal: Proposal, layout: Layout) -> dict[str, Any]:
    """The mapping without the words, of which a letter says nothing; with the unit and the zone."""
    made: dict[str, Any] = {}
    for entity, one in proposal.mapping.items():
        known = entities()[entity].fields
        kept = {
            name: given
            for name, given in one["fields"].items()
            if known[name].type != "word" or (entity, name) == ("refunds", "state")
        }
        made[entity] = {**one, "fields": kept}
        if "unit" in one and "unit" in proposal.open:
            made[entity]["unit"] = "minor" if layout.minor else "major"
    return made


def wrong(layout: Layout, seed: int, orders: int = 140) -> tuple[Proposal, Mapping[str, str]]:
    """The proposal for a shop of that layout, and what of it is not so."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        shop = LaidOutShop(path, layout, traded(orders, seed=seed))
        url = f"sqlite:///{path}"
        renamed(url, seed)
        proposal = propose(url, signatures=False)
        mapping = told(proposal, layout)
        own = meaning(url, mapping, "EUR")
        return proposal, differences(shop.truth, own, ("payments",), ("refunds.state",))


@given(layout=LAYOUTS, seed=st.integers(1, 9))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_what_is_proposed_is_so_whatever_the_layout(layout: Layout, seed: int) -> None:
    _, found = wrong(layout, seed)
    assert found == {}


@pytest.mark.slow
@given(layout=LAYOUTS, seed=st.integers(1, 9))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_it_is_so_in_many_layouts(layout: Layout, seed: int) -> None:
    _, found = wrong(layout, seed)
    assert found == {}
