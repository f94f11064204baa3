"""Page of the facts: what may be known of each incident type, as a table for people.

`muster plan facts` prints it; docs/plan.md holds it for the product's own sections, and a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plan.facts import COMMON
from plan.model import Fact, Plan


def facts_page(plan: Plan) -> str:
    """Markdown: the facts of every type, then of each; types with the same ones share a table."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield from _table("Every type", COMMON)
    shared: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
    for section in plan.sections.values():
        for kind in section.types:
            shared.setdefault(_rows(kind.facts), []).append(kind.id)
    for rows, types in shared.items():
        yield ""
        yield from _written(", ".join(f"`{one}`" for one in types), rows)


def _rows(facts: Mapping[str, Fact]) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, fact.kind, fact.says) for name, fact in sorted(facts.items()))


def _table(title: str, facts: Mapping[str, Fact]) -> Iterator[str]:
    yield from _written(title, _rows(facts))


def _written(title: str, rows: tuple[tuple[str, str, str], ...]) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield "| fact | kind | says |"
    yield "|---|---|---|"
    for name, kind, says in rows:
        yield f"| `{name}` | {kind} | {says} |"
