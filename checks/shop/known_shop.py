"""Known shop: the ready-made mapping of a shop software, recognised by the names of its tables.

Each is a file in `known/`: what it was made of, whether it has been run, and what a person must
still answer. A prefix that the shop gave its tables is taken over into its mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class KnownShopError(Exception):
    """A file of `known/` that cannot be used: one sentence with its name."""


class Source(BaseModel):
    """Where its schema was read: the project, and files of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str
    files: Names


class Signature(BaseModel):
    """The tables by which it is told. `prefix`: what each begins with in the file; None: a shop
    cannot give them another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: str | None = None
    tables: Names


class OpenQuestion(BaseModel):
    """What the person must still answer: where it stands in the mapping, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    why: str


class KnownShop(BaseModel):
    """One shop software. `mapping` stands as `shop.mapping` in muster.yaml.

    `ran`: its mapping was held against the software itself; else its schema was read from its
    sources. `beside`: entities whose tables a shop may lack, with these tables.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: str
    source: Source
    ran: bool
    signature: Signature
    beside: dict[str, Names] = {}
    mapping: dict[str, Any]
    open: tuple[OpenQuestion, ...] = ()

    @model_validator(mode="after")
    def _names_what_there_is(self) -> KnownShop:
        """A field, or a whole entity, may be open because the shop does not keep it."""
        known = entities()
        for entity in self.beside:
            if entity not in self.mapping:
                raise ValueError(f"beside names “{entity}”, which the mapping does not have")
        for one in self.open:
            entity, *rest = one.path.split(".")
            fields = known[entity].fields if entity in known else {}
            if entity not in known or (rest and (rest[0] != "fields" or rest[1] not in fields)):
                raise ValueError(f"open names “{one.path}”, which is no place of a mapping")
        return self

    @property
    def entities(self) -> EntitiesMapping:
        """The mapping as the checks read it."""
        return EntitiesMapping.model_validate({"entities": self.mapping})

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that its mapping asks of."""
        return (*self.signature.tables, *(t for names in self.beside.values() for t in names))

    def prefixes(self, names: set[str]) -> list[str]:
        """The prefixes under which all of its tables are there, the shortest first."""
        own, first = self.signature.prefix, self.signature.tables[0]
        if own is None:
            return [""] if names.issuperset(self.signature.tables) else []
        bare = [table.removeprefix(own) for table in self.signature.tables]
        begin = {
            name.removesuffix(bare[0]) for name in names if name.endswith(first.removeprefix(own))
        }
        return sorted(
            (one for one in begin if names.issuperset(one + table for table in bare)), key=len
        )

    def of(self, prefix: str, names: set[str]) -> KnownShop:
        """The same for a shop with that prefix, without the entities whose tables it lacks."""
        own = self.signature.prefix

        def called(table: str) -> str:
            return table if own is None else prefix + table.removeprefix(own)

        lacking = {
            e for e, tables in self.beside.items() if not names.issuperset(map(called, tables))
        }
        renamed = {table: called(table) for table in self.tables}
        kept = {entity: one for entity, one in self.mapping.items() if entity not in lacking}
        return self.model_copy(
            update={
                "signature": Signature(
                    prefix=None if own is None else prefix,
                    tables=tuple(map(called, self.signature.tables)),
                ),
                "beside": {
                    entity: tuple(map(called, tables))
                    for entity, tables in self.beside.items()
                    if entity not in lacking
                },
                "mapping": kept if own in (None, prefix) else _renamed(kept, renamed),
                "open": tuple(one for one in self.open if one.path.split(".")[0] not in lacking),
            }
        )


def recognise(table_names: Iterable[str]) -> KnownShop | None:
    """The shop whose tables these are, its mapping with the prefix that they have; None: of none.

    Of two that are there, the one with more tables of its own.
    """
    names = set(table_names)
    found = [(shop, at) for shop in known_shops() for at in shop.prefixes(names)[:1]]
    if not found:
        return None
    shop, prefix = max(found, key=lambda one: len(one[0].signature.tables))
    return shop.of(prefix, names)


@cache
def known_shops() -> tuple[KnownShop, ...]:
    """Every shop that is known, by name. Raises KnownShopError."""
    folder = resources.files("checks.shop") / "known"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=str)
    return tuple(read(one.name, one.read_text(encoding="utf-8")) for one in files)


def read(file: str, text: str) -> KnownShop:
    """One file. Raises KnownShopError, which says what in it cannot be used."""
    try:
        shop = KnownShop.model_validate(yaml.safe_load(text))
        EntitiesMapping.model_validate({"entities": shop.mapping})
    except yaml.YAMLError as error:
        raise KnownShopError(f"{file} is no YAML: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        raise KnownShopError(f"{file}: {_sentence(error)}") from None
    return shop


def _sentence(error: ValidationError) -> str:
    """The first of its mistakes: the place, and what is wrong there."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{place} is not a key here"
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The mapping with each of these tables called otherwise, wherever it stands in it."""
    if isinstance(value, dict):
        return {key: _renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if not isinstance(value, str):
        return value
    words = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"\b(?:{words})\b", lambda found: names[found.group()], value)
