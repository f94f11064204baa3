"""`muster plan`: the emergency plan as people read it, its faults, and what of it is covered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
from rich.text import Text

from bot.cli.drill import stories_of
from bot.cli.errors import UserError
from bot.cli.options import settings_of
from bot.cli.terminal import Lines, Terminal, line, say, text
from bot.name_resolution import sentences
from bot.settings import Settings
from plan import expressions, samples
from plan.coverage import Coverage, Covered, coverage
from plan.facts_page import facts_page
from plan.languages import DEFAULT, LANGUAGES
from plan.lint import lint
from plan.lint_limits import LIMITS
from plan.loader import load_plan
from plan.model import IncidentType, Plan, Section, Words
from plan.outline import load_outline
from plan.problem import Problem
from plan.sources import PlanError
from plan.walk import Found, actions_of, walk

_CONFIG = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="MUSTER_CONFIG",
    help="The configuration, for a shop's own plan files and its checks.",
)
_EXTRA = click.option(
    "--extra",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder with a shop's own plan files, instead of the configured one.",
)


@click.group("plan")
def command() -> None:
    """The emergency plan as data: show, lint, coverage."""


def _settings(config: Path | None) -> Settings | None:
    return settings_of(config) if config is not None else None


def _folder(settings: Settings | None, extra: Path | None) -> Path | None:
    if extra is not None or settings is None:
        return extra
    return settings.plan.extra


def _plan(settings: Settings | None, extra: Path | None) -> Plan:
    try:
        return load_plan(_folder(settings, extra)).plan
    except PlanError as error:
        raise UserError(*error.faults) from None


@command.command("show")
@click.argument("number", metavar="SECTION")
@click.option("--language", type=click.Choice(LANGUAGES), default=DEFAULT)
@click.option("--texts", is_flag=True, help="Every text, with the key it stands under.")
@_EXTRA
@_CONFIG
def show_command(
    number: str, language: str, texts: bool, extra: Path | None, config: Path | None
) -> None:
    """A section as it reads in an incident, with sample figures."""
    plan = _plan(_settings(config), extra)
    section = plan.sections.get(number)
    if section is None:
        raise UserError(f"There is no section {number}; there are: {', '.join(plan.sections)}.")
    terminal = Terminal()
    for written in _texts(plan, section, language) if texts else _lines(section, language):
        terminal.say(written)


def _texts(plan: Plan, section: Section, language: str) -> Iterator[Text | str]:
    """Every text of the section and of its actions, as it reads with the typical figures."""
    first = section.types[0].id
    for found in walk(section):
        kinds = [one for one in found.within if isinstance(one, IncidentType)]
        scope = samples.typical(section, kinds[0].id if kinds else first)
        yield from _text(found, "", samples.seen_by(found, scope), language)
    scope = samples.typical(section, first)
    for action in actions_of(plan, section).values():
        for found in walk(action):
            yield from _text(found, f"{action.id}.", samples.of_action(action, scope), language)


def _text(found: Found, above: str, scope: samples.Scope, language: str) -> Iterator[Text | str]:
    if found.words is None:
        return
    key = Problem("", found.keys, "").key
    yield line(text(f"{above}{key}", "dim"))
    yield f"  {_said(found.words, scope, language)}"


def _lines(section: Section, language: str) -> Iterator[Text | str]:
    yield text(f"§{section.id} {section.title.in_(language)}", "bold")
    yield section.summary.in_(language)
    for kind in section.types:
        scope = samples.at_opening(section, kind.id)
        yield ""
        title = _said(kind.card.active.title, scope, language)
        yield line(text(title, "bold"), f"  SEV{kind.severity}")
        for words in (kind.card.active.figures, kind.card.active.affected, kind.ring):
            yield f"  {_said(words, scope, language)}"
    yield ""
    scope = samples.at_opening(section, section.types[0].id)
    for place, step in enumerate(section.steps, 1):
        order = "" if step.ordered else " ·"
        title = _said(step.title, scope, language)
        yield line(text(place, "bold"), f"{order} {title}  ", text(step.id, "dim"))
        yield f"   {_said(step.do, scope, language)}"
        labels = [_said(button.label, scope, language) for button in step.buttons]
        if labels:
            yield "   " + "  ".join(f"[ {label} ]" for label in labels)
        for branch in step.branches:
            yield f"   {branch.id}: {_said(branch.when, scope, language)}"


def _said(words: Words, scope: samples.Scope, language: str) -> str:
    try:
        return expressions.fill(words.in_(language), scope)
    except expressions.ExpressionError:
        return words.in_(language)


@command.command("lint")
@_EXTRA
@_CONFIG
def lint_command(extra: Path | None, config: Path | None) -> int:
    """Every fault of the plan's files, in one sentence each. 0 if there is none but warnings.

    With --config also every name that the plan uses and the configuration lacks.
    """
    settings = _settings(config)
    folder = _folder(settings, extra)
    own = settings.limits.own if settings is not None else {}
    opened = None if settings is None else set(_checks(settings))
    try:
        faults = lint(folder, LIMITS | own.keys(), opened)
    except PlanError as error:
        for sentence in error.faults:
            say(sentence)
        return 1
    said = [str(fault) for fault in faults]
    lacking = sentences(_plan(settings, extra), settings, folder) if settings is not None else []
    for sentence in (*said, *lacking):
        say(sentence)
    if lacking or any(not fault.warning for fault in faults):
        return 1
    say("The plan is in order.")
    return 0


@command.command("facts")
@_EXTRA
@_CONFIG
def facts_command(extra: Path | None, config: Path | None) -> None:
    """What may be known of each incident type, as the table of docs/plan.md."""
    click.echo(facts_page(_plan(_settings(config), extra)))


@command.command("coverage")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@_EXTRA
@_CONFIG
def coverage_command(as_json: bool, extra: Path | None, config: Path | None) -> None:
    """What of the emergency plan is carried by which check, intake, runbook and drill."""
    settings = _settings(config)
    plan = _plan(settings, extra)
    drills = stories_of(_folder(settings, extra)).sections()
    found = coverage(plan, load_outline(), checks=_checks(settings), drills=drills)
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        _show(found)


def _checks(settings: Settings | None) -> dict[str, list[str]]:
    """Incident type → names of the configured checks, and of the doors, that open it."""
    found: dict[str, list[str]] = {}
    if settings is None:
        return found
    named = [(check.name, check.opens) for check in settings.checks]
    named += [(name, door.every_type) for name, door in settings.alerts.items()]
    for name, opens in named:
        for kind in opens:
            found.setdefault(kind, []).append(name)
    return found


def _show(found: Coverage) -> None:
    table = Lines("Section", "Title", "Found by", "Steps", "Branches", "Drill")
    for one in found.runbooks:
        table.row(
            f"§{one.section}",
            one.title[DEFAULT],
            _found_by(one),
            f"{len(one.steps)} of {len(one.steps) + len(one.missing_steps)}",
            f"{len(one.branches)} of {len(one.branches) + len(one.missing_branches)}",
            "yes" if one.drill else "–",
        )
    totals = found.as_json()["totals"]
    terminal = Terminal()
    terminal.show(table)
    terminal.say(
        f"{totals['runbooks_whole']} of {totals['runbooks']} runbooks whole, "
        f"{totals['steps']} of {totals['steps_in_plan']} steps, "
        f"{totals['branches']} of {totals['branches_in_plan']} branches."
    )


def _found_by(one: Covered) -> str:
    ways = [*one.checks]
    if one.intake:
        ways.append("a person")
    return ", ".join(ways) or "–"
