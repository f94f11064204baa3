"""Check settings: checks that stand in files, and what is wrong with a check's queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.settings_errors import SettingsError, sentences
from checks.kinds.query import QueryCheckSettings
from checks.queries.entity_mapping import EntitiesMapping, EntityMapping, of_shop
from checks.shop.mapping import ShopMapping
from plan.check_files import check_files
from plan.sources import PlanError

if TYPE_CHECKING:
    from checks.queries.compiled_query import Query


def with_check_files(data: dict[str, Any]) -> dict[str, Any]:
    """The data with the checks that stand beside their sections. Raises SettingsError."""
    part = data.get("plan")
    extra = part.get("extra") if isinstance(part, Mapping) else None
    problems: list[str] = []
    found: list[dict[str, Any]] = []
    try:
        files = list(check_files(Path(extra) if isinstance(extra, str) else None))
    except PlanError as error:
        raise SettingsError(list(error.faults)) from None
    for source, written in files:
        check = {"kind": "query", "name": source.path.stem, **written}
        try:
            QueryCheckSettings.model_validate(check)
        except ValidationError as error:
            problems += sentences(error, QueryCheckSettings, f"{source.shown}: check")
        found.append(check)
    if problems:
        raise SettingsError(problems)
    given = data.get("checks")
    return {**data, "checks": [*(given or []), *found]} if found and _listed(given) else data


def _listed(given: object) -> bool:
    """Whether it is a list, or nothing: what else it is will be said of it."""
    return given is None or isinstance(given, list)


def query_faults(
    check: QueryCheckSettings,
    mapped: ShopMapping,
    entities: Mapping[str, EntityMapping],
    currency: str,
) -> Iterator[str]:
    """What is wrong with a check's queries, over what this shop maps."""
    from checks.queries.compiled_query import QueryError
    from checks.queries.compiler import compile_query

    try:
        mapping = of_shop(mapped, EntitiesMapping(entities=dict(entities)))
    except ValueError as error:
        yield f"shop.entities: {str(error).splitlines()[-1].strip()}."
        return
    given = {"now", *check.parameters}
    for name in ("find", "looked_at"):
        text = getattr(check, name)
        if text is None:
            continue
        try:
            query = compile_query(text, mapping, currency)
        except QueryError as error:
            yield f"checks.{check.name}.{name}: {error}."
            continue
        for lacking in sorted(query.parameters - given):
            yield f"checks.{check.name}.{name}: there is no parameter “:{lacking}”; add it."
        yield from _answers(check, name, query)


def _answers(check: QueryCheckSettings, name: str, query: Query) -> Iterator[str]:
    """What the answer of a query lacks of the columns that are read."""
    if name == "looked_at":
        if not query.has("rows"):
            yield f"checks.{check.name}.looked_at: it does not say how many “rows”."
        return
    if not (query.has("number") or query.has("key")):
        yield f"checks.{check.name}.find: it gives no “number” (or “key”) of what it finds."
    if check.subject_by is not None and not query.has(check.subject_by):
        yield f"checks.{check.name}.subject_by: find gives no “{check.subject_by}”."
