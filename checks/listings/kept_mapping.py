"""Kept mapping: listings as the tables that Muster keeps of them, as queries ask for these.

Their values were read when they came, so a field is a column of its own name in one exact form.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping, EntityMapping, FieldMapping


def as_kept(mapping: EntitiesMapping) -> EntitiesMapping:
    """The whole mapping, as its queries are compiled: a listing is the table kept of it."""
    if all(one.listing is None for one in mapping.entities.values()):
        return mapping
    return _of({name: _kept(name, one) for name, one in mapping.entities.items()})


def in_database(mapping: EntitiesMapping) -> EntitiesMapping:
    """What stands in the shop's own database."""
    return _of({name: one for name, one in mapping.entities.items() if one.listing is None})


def in_listings(mapping: EntitiesMapping) -> EntitiesMapping:
    """What stands beside it, as it is kept."""
    kept = {n: _kept(n, one) for n, one in mapping.entities.items() if one.listing is not None}
    return _of(kept)


def standing_apart(asked: Iterable[str], mapping: EntitiesMapping) -> str | None:
    """Why code cannot read all of these: they stand in two places. None: it can."""
    known = [name for name in dict.fromkeys(asked) if name in mapping.entities]
    listed = [name for name in known if mapping.entities[name].listing is not None]
    others = [name for name in known if name not in listed]
    if not listed or not others:
        return None
    return (
        f"“{listed[0]}” stands in {mapping.entities[listed[0]].place} and “{others[0]}” in the "
        "shop's database: this check reads both in one place"
    )


def _of(entities_: dict[str, EntityMapping]) -> EntitiesMapping:
    return EntitiesMapping.model_construct(entities=entities_)


def _kept(name: str, mapped: EntityMapping) -> EntityMapping:
    if mapped.listing is None:
        return mapped
    fields = {field: _field(name, field, one) for field, one in mapped.fields.items()}
    return EntityMapping.model_validate(
        {"from": name, "fields": fields, "currency": mapped.currency}
    )


def _field(entity: str, name: str, mapped: FieldMapping) -> FieldMapping:
    kind = entities()[entity].fields[name].type
    return FieldMapping(
        column=name,
        unit="fine" if kind == "money" else None,
        form="native" if kind == "instant" else None,
        zone="UTC" if kind == "instant" else None,
        words={word: [str(one) for one in them] for word, them in mapped.words.items()},
        own={word: [str(one) for one in them] for word, them in mapped.own.items()},
        ignore=[str(one) for one in mapped.ignore],
    )
