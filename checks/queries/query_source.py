"""Source of a query: what one of its aliases stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from checks.queries.compiled_query import Output
from checks.queries.entity_mapping import EntityMapping, FieldMapping
from checks.queries.row_reading import Reading


@dataclass(frozen=True)
class Source:
    """What an alias stands for: an entity of the shop's, or the columns of a query within."""

    entity: str = ""
    mapping: EntityMapping | None = None
    outputs: Mapping[str, Output] = field(default_factory=dict)
    computed: set[str] = field(default_factory=set)  # fields asked for that stand in no column
    reading: Reading = field(default_factory=Reading)
    every: bool = False  # all of its rows, whatever counts

    @property
    def fields(self) -> Mapping[str, FieldMapping]:
        """What its entity maps; of a query within, nothing."""
        return {} if self.mapping is None else self.mapping.fields

    @property
    def joined(self) -> bool:
        """Whether a field that is asked for stands in another table of the shop's."""
        return any(self.fields[name].join is not None for name in self.computed)

    def column(self, name: str, alias: str) -> exp.Column:
        """A mapped field, which may stand in no column of its table."""
        assert self.mapping is not None  # noqa: S101 - it has a field of it
        mapped = self.mapping.fields[name]
        if mapped.column is not None:
            return exp.column(mapped.column, table=alias)
        self.computed.add(name)
        return exp.column(f"muster_{name}", table=alias)
