"""Check settings: checks that stand in files, and what is wrong with a check's queries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actions.declarations import LookDeclaration
from bot.settings_errors import SettingsError, sentences
from checks.calendar.settings import CalendarSettings
from checks.kinds.parameters import Age, ByPeak
from checks.kinds.query_settings import QueryCheckSettings
from checks.kinds.quorum_settings import QuorumSettings
from checks.listings.kept_mapping import as_kept
from checks.queries.compiled_query import NotMapped, Query, QueryError
from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping
from checks.queries.query_cache import compiled
from checks.registry import AnyCheckSettings
from plan.check_files import check_files
from plan.sources import DATA, PlanError


def with_check_files(data: dict[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The data with the checks that stand beside their sections, and the names of those that are
    the product's: its detections. One that the configuration has itself is read from there, one in
    `detections.off` not at all. Raises SettingsError.
    """
    part, off = data.get("plan"), _named(data, "off")
    given = data.get("checks")
    listed = given if isinstance(given, list) else []
    own = {str(one.get("name")) for one in listed if isinstance(one, Mapping)}
    extra = part.get("extra") if isinstance(part, Mapping) else None
    problems: list[str] = []
    found: list[dict[str, Any]] = []
    ours: set[str] = set()
    try:
        files = list(check_files(Path(extra) if isinstance(extra, str) else None))
    except PlanError as error:
        raise SettingsError(list(error.faults)) from None
    for source, written in files:
        check = {"kind": "query", "name": source.path.stem, **written}
        if source.path.is_relative_to(DATA):
            if check["name"] in own or check["name"] in off:
                continue
            ours.add(str(check["name"]))
            check["shadow"] = check["name"] in _named(data, "shadow")
        try:
            QueryCheckSettings.model_validate(check)
        except ValidationError as error:
            problems += sentences(error, QueryCheckSettings, f"{source.shown}: check")
        found.append(check)
    if problems:
        raise SettingsError(problems)
    if not found or not (given is None or isinstance(given, list)):
        return data, frozenset()  # what is no list will be said of it
    return {**data, "checks": [*listed, *found]}, frozenset(ours)


def detections(extra: Path | None = None) -> tuple[str, ...]:
    """The names of the product's own detections."""
    return tuple(s.path.stem for s, _ in check_files(extra) if s.path.is_relative_to(DATA))


def _named(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    part = data.get("detections")
    named = part.get(key) if isinstance(part, Mapping) else None
    return tuple(map(str, named)) if isinstance(named, list) else ()


def why_off(check: QueryCheckSettings, mapping: EntitiesMapping, currency: str) -> str | None:
    """Why a detection cannot run over what this shop maps; None: it can."""
    if not mapping.entities:
        return "nothing of the shop is mapped"
    try:
        for text in (check.find, check.looked_at):
            if text is not None:
                compiled(text, as_kept(mapping), currency)
    except NotMapped as error:
        return str(error)
    except ValueError:
        return None  # a mapping that cannot be read is said where it stands
    return None


def query_faults(
    check: QueryCheckSettings,
    mapping: EntitiesMapping,
    currency: str,
    calendar: CalendarSettings,
) -> Iterator[str]:
    """What is wrong with a check's queries, over what this shop maps."""
    for name, one in check.parameters.items():
        if isinstance(one, Age) and one.needs_calendar and calendar.hours is None:
            yield (
                f"checks.{check.name}.parameters.{name} counts working time, and there is none: "
                "add calendar.hours, or say what counts in without_calendar."
            )
        if isinstance(one, ByPeak) and calendar.peak is None and not calendar.campaigns:
            yield (
                f"checks.{check.name}.parameters.{name} is another number in peak hours, and there "
                "are none: add calendar.peak or calendar.campaigns."
            )
    given = {"now", *check.parameters}
    for name in ("find", "looked_at"):
        text = getattr(check, name)
        if text is None:
            continue
        try:
            query = compiled(text, as_kept(mapping), currency)
        except QueryError as error:
            yield f"checks.{check.name}.{name}: {error}."
            continue
        for lacking in sorted(query.parameters - given):
            yield f"checks.{check.name}.{name}: there is no parameter “:{lacking}”; add it."
        for moment in sorted(query.without_form & check.moments):
            yield (
                f"checks.{check.name}.{name}: “:{moment}” is a time, held against what is none; "
                "compare it with a field that is a time."
            )
        yield from _answers(check, name, query)


def quorum_faults(checks: Sequence[AnyCheckSettings], looks: Collection[str]) -> Iterator[str]:
    """Signals of a quorum that nobody gives."""
    kinds = {check.name: check.kind for check in checks}
    for check in checks:
        if not isinstance(check, QuorumSettings):
            continue
        for name in check.checks:
            if name not in kinds:
                yield (
                    f"checks.{check.name}.signals names “{name}”, which is no check; a prober "
                    f"outside is written as {{look: {name}}}."
                )
            elif kinds[name] == "quorum":
                yield f"checks.{check.name}.signals names “{name}”, which is a quorum itself."
        for name in check.looks:
            if name not in looks:
                yield f"checks.{check.name}.signals names “{name}”, which is not in shop.looks."


def hasty_checks(
    checks: Sequence[AnyCheckSettings], looks: Mapping[str, LookDeclaration]
) -> Iterator[str]:
    """Looks that may take longer than the check that needs their answer."""
    for check in checks:
        named = {field: getattr(check, field, None) for field in ("probe_look", "route_look")}
        for field, name in named.items():
            look = looks.get(name) if name is not None else None
            if look is not None and look.timeout >= check.deadline:
                yield (
                    f"checks.{check.name}.{field}: the timeout of “{name}” ({look.timeout:g} s) "
                    f"must be shorter than the check's deadline ({check.deadline:g} s)."
                )


def state_faults(check: AnyCheckSettings, mapping: EntitiesMapping) -> Iterator[str]:
    """States by which a check of code goes and that no order can be in: a limit for one of them
    would be in order for ever."""
    orders = mapping.entities.get("orders")
    state = orders.fields.get("state") if orders is not None else None
    if state is None:
        return
    known = {*entities()["orders"].fields["state"].words, *state.own, *map(str, state.known())}
    for key in ("limits", "transitions", "closed_states", "unpaid_states"):
        for name in getattr(check, key, None) or ():
            if name not in known:
                words = ", ".join(entities()["orders"].fields["state"].words)
                yield (
                    f"checks.{check.name}.{key} names “{name}”, which is no state of an order; "
                    f"there are {words}."
                )


def _answers(check: QueryCheckSettings, name: str, query: Query) -> Iterator[str]:
    """What the answer of a query lacks of the columns that are read."""
    if name == "looked_at":
        if not query.has("rows"):
            yield f"checks.{check.name}.looked_at: it does not say how many “rows”."
        return
    if not (query.has("number") or query.has("key")):
        yield f"checks.{check.name}.find: it gives no “number” (or “key”) of what it finds."
    named = {"subject_by": check.subject_by, "severity_by": check.severity_by}
    named["incident_type.by"] = check.type_by
    named |= {f"facts_from[{at}]": name for at, name in enumerate(check.facts_from)}
    for key, column in named.items():
        if column is not None and not query.has(column):
            yield f"checks.{check.name}.{key}: find gives no “{column}”."
