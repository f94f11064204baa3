"""Reach of a query: which rows of which tables decide whether one of its rows is found.

Each row that it finds stands on one row of its first table. A changed row of any of its tables
leads there by the equalities of the query, so a run can look at what changed and at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHANGED_AT = "changed_at"  # the field of each entity that tells when a row last changed
KEY = "muster_key"  # the column of the answer that names the row of the first table
CASE_KEY = "muster_case"  # the one that names a row whose number is missing


@dataclass(frozen=True)
class Hop:
    """From a field of a table to another one of the same rows."""

    entity: str
    given: str
    wanted: str


@dataclass(frozen=True)
class Route:
    """From changed rows of a table to a field of the first one."""

    entity: str
    field: str
    to: str
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True)
class Reach:
    """The first table, the routes to it, and the query among given rows of it, by engine.

    In these texts `:among_FIELD` stands for the values of a field.
    """

    entity: str
    routes: tuple[Route, ...]
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def entities(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.entity, *(one.entity for one in self.routes))))

    @property
    def fields(self) -> tuple[str, ...]:
        """Of the first table: by what its rows are named."""
        return tuple(dict.fromkeys(("key", *(one.to for one in self.routes))))
