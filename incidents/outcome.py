"""Outcome: what an act came to, for the one who did it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """`code` is a key of the catalogue's `answers`; shown to the one who acted, to nobody else.

    Parameters may hold people (PersonView), the plan's Words and times; `scope` is what Words are
    rendered in. An act that was refused has changed nothing but the audit log.
    """

    ok: bool
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None  # of the incident it was about, or that it opened
    quiet: bool = False  # the thread shows it; no answer is needed
    noted: bool = False  # a refusal that stands in the audit already, or a question that is none
    # What a person wrote and the answer needs: kept encrypted until it is sent.
    secret: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def done(cls, code: str = "done", /, *, quiet: bool = False, **params: Any) -> Outcome:
        return cls(True, code, params, quiet=quiet)

    @classmethod
    def refused(cls, code: str, /, **params: Any) -> Outcome:
        return cls(False, code, params)
