"""Entity: a canonical table that checks ask of, with its fields and types (`entities.yaml`).

A shop maps its own tables onto these; no check knows a shop's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from checks.queries.reach import CHANGED_AT
from plan.languages import LANGUAGES

Type = Literal["key", "text", "word", "money", "instant", "day", "flag", "integer"]

_STAMP = {"type": "instant", "may_lack": True, "says": "when the row last changed"}


class Field(BaseModel):
    """One field. `words`: of a word, the whole closed list. `may_lack`: a row may hold none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Type
    says: str
    words: tuple[str, ...] = ()
    may_lack: bool = False


class Entity(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str
    fields: dict[str, Field]


@cache
def entities() -> Mapping[str, Entity]:
    """Every entity by its name."""
    text = resources.files("checks.queries").joinpath("entities.yaml").read_text(encoding="utf-8")
    return {
        name: Entity.model_validate(_whole(entity))
        for name, entity in yaml.safe_load(text)["entities"].items()
    }


def _whole(entity: dict[str, Any]) -> dict[str, Any]:
    """With the stamp that every entity may have, and the languages that there are.

    A language is a word of ours, whichever there are; a tag needs no words.
    """
    fields = {
        name: {**field, "words": LANGUAGES} if name == "language" else field
        for name, field in entity["fields"].items()
    }
    return {**entity, "fields": {**fields, CHANGED_AT: _STAMP}}
