"""Entities page: the table of docs/checks.md, printed from the entities themselves."""

from __future__ import annotations

from collections.abc import Iterator

from checks.queries.entity import entities
from checks.queries.reach import CHANGED_AT


def entities_page() -> Iterator[str]:
    """One heading and one table an entity, line by line."""
    for name, entity in entities().items():
        yield f"### `{name}`"
        yield ""
        yield entity.says
        yield ""
        yield "| field | type | what it is |"
        yield "| --- | --- | --- |"
        for field, one in entity.fields.items():
            if field == CHANGED_AT:  # said once, for all
                continue
            words = f": {', '.join(f'`{word}`' for word in one.words)}" if one.words else ""
            lacks = "; a row may lack it" if one.may_lack else ""
            yield f"| `{field}` | {one.type} | {one.says}{words}{lacks} |"
        yield ""
