"""Query settings: what a check that is one `select` is told, and what it gives to its query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.kinds.base import CheckSettings
from checks.kinds.parameters import Age, Parameter, values_at
from checks.model import NONE_FAILED, Failed

_NOW = "now"


TypeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class TypeBy(BaseModel):
    """The incident type stands in a column of the row, one of these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: str
    of: Annotated[list[TypeName], Field(min_length=1)]


class QueryCheckSettings(CheckSettings):
    kind: Literal["query"] = "query"
    incident_type: TypeName | TypeBy
    find: Annotated[str, Field(min_length=1)]
    # What is one incident: these words, and of them the value of a column.
    subject: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9:-]{0,60}$")]
    subject_by: str | None = None
    looked_at: str | None = None  # `rows` and `newest`: what it must have seen to call it well
    parameters: dict[str, Parameter] = {}  # further ones than :now
    stale_after: Annotated[float, Field(gt=0)] = 24.0  # hours without a new row: nothing is known
    case_kind: Annotated[str, Field(pattern=r"^[a-z_]+$")] = "order"
    facts: dict[str, Any] = {}  # of every finding, beside orders, customers, amount, oldest_since
    facts_from: list[str] = []  # columns that say the same of the whole finding: pieces missing
    severity_by: str | None = None  # column with 1 to 4: the most severe row counts
    at_least: Annotated[int, Field(ge=1)] = 1  # rows that make a finding; one that stands needs one
    open_after: int = 1
    recover_after: int = 1

    @property
    def opens(self) -> tuple[str, ...]:
        one = self.incident_type
        return tuple(one.of) if isinstance(one, TypeBy) else (one,)

    @property
    def type_by(self) -> str | None:
        """The column that holds the type, where a row says of which it is."""
        return self.incident_type.by if isinstance(self.incident_type, TypeBy) else None

    @property
    def apart(self) -> tuple[str, ...]:
        """The columns whose values make incidents of their own."""
        return tuple(one for one in (self.type_by, self.subject_by) if one is not None)

    @property
    def moments(self) -> frozenset[str]:
        """The parameters that are times."""
        ages = (name for name, value in self.parameters.items() if isinstance(value, Age))
        return frozenset((_NOW, *ages))

    @property
    def passing(self) -> frozenset[str]:
        """The parameters whose value is another one as time passes."""
        kept = float | int | str
        others = (name for name, one in self.parameters.items() if not isinstance(one, kept))
        return frozenset((_NOW, *others))

    def names(self, subject: str) -> bool:
        """Whether an incident of that subject is of this check."""
        return subject.partition("=")[0] == self.subject

    def subject_of(self, row: Mapping[str, Any]) -> str:
        return "=".join((self.subject, *(str(row[name]) for name in self.apart)))

    def given(
        self,
        now: datetime,
        failed: Mapping[str, Failed] = NONE_FAILED,
        calendar: Calendar = NO_CALENDAR,
    ) -> dict[str, Any]:
        """The parameters of a run at that moment. `failed`: what earlier ones found, by subject."""
        mine = (one.since for name, one in failed.items() if self.names(name))
        return {_NOW: now, **values_at(self.parameters, now, min((now, *mine)), calendar)}
