"""Door settings: who may send alerts by `POST /alerts/<name>`, and how an alert is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from checks.alerts import texts
from checks.alerts.texts import Scalar
from plan.languages import Code

_SHORTEST = 24  # characters of a secret


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _text(value: str) -> str:
    texts.text(value)
    return value


def _path(value: str) -> str:
    texts.path(value)
    return value


def _secret(value: str) -> str:
    if len(value) < _SHORTEST or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(
            f"it must be at least {_SHORTEST} letters and digits without a space; make one with "
            "openssl rand -hex 32"
        )
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_text)]
Secret = Annotated[str, AfterValidator(_secret)]


class ByWord(_Part):
    """A value by the source's own words: `{from: "{labels.severity}", words: {critical: 1}}`."""

    from_: Text = Field(alias="from")
    words: Annotated[dict[str, Scalar], Field(min_length=1)]
    otherwise: Scalar | None = None  # of a word that does not stand here, or of none

    @property
    def values(self) -> tuple[Scalar, ...]:
        """Everything that can come of it."""
        rest = () if self.otherwise is None else (self.otherwise,)
        return (*self.words.values(), *rest)


class Holds(_Part):
    """Whether the alert says one of these words there: `{from: "{status}", is: resolved}`."""

    from_: Text = Field(alias="from")
    is_: str | list[str] = Field(alias="is")

    @property
    def words(self) -> tuple[str, ...]:
        return (self.is_,) if isinstance(self.is_, str) else tuple(self.is_)


# What is tried of a union stands in no sentence about a mistake (bot.settings_errors).
_ALONE, _BY_WORD = "~alone", "~by_word"


def _which(given: object) -> str:
    return _BY_WORD if isinstance(given, dict | ByWord) else _ALONE


def _single(given: Any) -> Scalar:
    """A number or a truth as it is; a text with its paths."""
    if isinstance(given, bool | int | float):
        return given
    if not isinstance(given, str) or not given:
        raise ValueError("it is a text, a number or a truth")
    return _text(given)


_Words = Annotated[ByWord, Tag(_BY_WORD)]
_Type = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), Tag(_ALONE)]
_Severity = Annotated[int, Field(ge=1, le=4), Tag(_ALONE)]
_Single = Annotated[Any, BeforeValidator(_single), Tag(_ALONE)]
Types = Annotated[_Type | _Words, Discriminator(_which)]
Severities = Annotated[_Severity | _Words, Discriminator(_which)]
Value = Annotated[_Single | _Words, Discriminator(_which)]


class RefusedPart(_Part):
    """So many requests without the secret within so many seconds open an incident."""

    incident_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    at_least: Annotated[int, Field(ge=1, le=10_000)] = 5
    within: Annotated[int, Field(ge=60, le=86_400)] = 600  # seconds


class DoorSettings(_Part):
    """One door. Unless a key says otherwise its value is a text (checks.alerts.texts)."""

    # As people read it, by language; where one is missing, the name.
    title: dict[Code, Annotated[str, Field(min_length=1, max_length=60)]] = {}
    auth: Literal["hmac", "bearer"]
    secret: Secret = Field(repr=False)
    old_secret: Secret | None = Field(default=None, repr=False)  # taken too, while it is changed
    per_minute: Annotated[int, Field(ge=1, le=6000)] = 120  # requests
    each: Annotated[str, AfterValidator(_path)] | None = None  # path of the list of alerts
    key: Text  # what the source knows it by: the same key is the same alert
    subject: Text | None = None  # what is one incident; without it the key
    incident_type: Types
    severity: Severities | None = None  # None: the plan's rules decide
    resolved: Holds | None = None  # None: it never says that it is over
    ignored: Holds | None = None  # nothing is done for these
    started: Text | None = None  # when it began, by the source
    ended: Text | None = None  # when it was over, by the source
    says: Text | None = None  # the source's sentence about it
    facts: dict[str, Value] = {}  # fact of the incident type → what it is
    refused: RefusedPart | None = None

    @property
    def opens(self) -> tuple[str, ...]:
        """Every incident type that it may open."""
        kind = self.incident_type
        found = kind.values if isinstance(kind, ByWord) else (kind,)
        return tuple(dict.fromkeys(map(str, found)))

    @property
    def every_type(self) -> tuple[str, ...]:
        """Every incident type that it names."""
        refused = () if self.refused is None else (self.refused.incident_type,)
        return (*self.opens, *refused)

    def faults(self) -> Iterator[str]:
        """What its parts say about each other and does not fit, each the end of a sentence."""
        if isinstance(self.severity, ByWord):
            for value in self.severity.values:
                if isinstance(value, bool) or value not in (1, 2, 3, 4):
                    yield f"severity is “{value}” by one of its words; a severity is 1, 2, 3 or 4."
        if self.ended is not None and self.resolved is None:
            yield "ended is never read without resolved; add it."
        if self.secret == self.old_secret:
            yield "old_secret is the secret itself; take it away."
