"""`muster check`: runs checks once. 0 none, 1 findings, 2 a check could not run."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bot.cli.errors import UserError
from bot.cli.explain import explained, overheard
from bot.cli.shop_alone import looking_options, looking_settings
from bot.cli.terminal import Lines, Terminal, say, text
from bot.name_resolution import opening_nothing
from bot.settings import Settings
from bot.wiring.check_connections import open_checks
from checks.kinds.query_settings import QueryCheckSettings
from checks.model import CheckResult, Finding
from checks.queries.compiled_query import QueryError
from checks.registry import build
from checks.runner import run_check
from checks.shop.rows_seen import looked_at, unread_sentence, why_not_known
from checks.shop.source import ShopUnavailable
from plan.loader import load_plan


@click.command("check")
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
@click.option("--explain", is_flag=True, help="What each asks, of the database and beside it.")
@looking_options
def command(
    names: tuple[str, ...],
    as_json: bool,
    explain: bool,
    config: Path,
    mapping: Path | None,
    shop: str | None,
    currency: str | None,
) -> int:
    """Run the checks (all, or those NAMED) once and print what they find.

    With --mapping and --shop over a database alone.
    """
    settings = looking_settings(config, mapping, shop, currency)
    known = {check.name for check in settings.checks}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"There is no check “{unknown[0]}”; the configuration has: {', '.join(sorted(known))}."
        )
    lost = opening_nothing(load_plan(settings.plan.extra).plan, settings)
    if lost:
        source = (mapping or config).name
        raise UserError(*(f"{source}: {sentence}" for sentence in lost))
    if explain:
        return _explain(settings, names)
    try:
        results = asyncio.run(run_once(settings, names))
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    if as_json:
        click.echo(json.dumps([as_json_of(r) for r in results], ensure_ascii=False, indent=2))
    else:
        _show(results)
    if any(result.error for result in results):
        return 2
    return 1 if any(result.findings for result in results) else 0


def _explain(settings: Settings, names: tuple[str, ...]) -> int:
    """0 if every check could be explained."""
    blind: list[str] = []

    async def run() -> None:
        async with open_checks(settings) as checking:
            for check in settings.checks:
                if names and check.name not in names:
                    continue
                say(text(check.name, "bold"))
                context = checking.context(datetime.now(UTC))
                try:
                    if isinstance(check, QueryCheckSettings):
                        lines = await explained(check, context)
                    else:
                        lines = await overheard(build(check, settings.checks), context)
                except (QueryError, ShopUnavailable) as error:
                    blind.append(check.name)
                    lines = iter([str(error)])
                for line in lines:
                    say(line)

    try:
        asyncio.run(run())
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    return 2 if blind else 0


async def run_once(settings: Settings, names: tuple[str, ...]) -> list[CheckResult]:
    """One run of each check, or of those named. Raises ShopUnavailable for an unusable address."""
    async with open_checks(settings) as checking:
        now = datetime.now(UTC)
        return [
            await run_check(build(check, settings.checks), checking.context(now))
            for check in settings.checks
            if not names or check.name in names
        ]


def as_json_of(result: CheckResult) -> dict[str, Any]:
    """The result as `--json` prints it."""
    return {
        "check": result.name,
        "shadow": result.shadow,
        "ran_at": result.ran_at.isoformat(),
        "error": result.error,
        "healthy": list(result.healthy_subjects),
        "figures": dict(result.figures),
        "findings": [_finding(f) for f in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "type": finding.incident_type,
        "started_at": finding.started_at.isoformat() if finding.started_at else None,
        "facts": dict(finding.facts),
        "cases": [
            {
                "kind": case.kind,
                "key": case.key,
                "state": case.state,
                "amount": case.amount.as_json() if case.amount else None,
                "facts": dict(case.facts),
            }
            for case in finding.cases
        ],
    }


def _show(results: list[CheckResult]) -> None:
    table = Lines("Check", "Result", "Subject", "Cases, or what was looked at")
    blind: dict[str, list[str]] = {}  # what keeps many from looking is said once
    for result in results:
        if result.error:
            blind.setdefault(result.error, []).append(result.name)
    for error, names in blind.items():
        table.row(", ".join(names), text("could not run", "yellow"), error, "")
    for result in results:
        name = f"{result.name} (shadow)" if result.shadow else result.name
        if result.error:
            continue
        seen = _looked_at(result)
        if not result.findings and not result.healthy_subjects:
            table.row(name, text("not known", "yellow"), why_not_known(result.figures), seen)
        elif not result.findings:
            healthy = ", ".join(result.healthy_subjects)
            table.row(name, text("in order", "green"), healthy, seen)
        for finding in result.noted:
            signals = ", ".join(s["name"] for s in finding.facts["signals"] if s["problem"])
            table.row(name, text("noted", "yellow"), f"too few signals fail: {signals}", "")
        for finding in result.findings:
            keys = ", ".join(case.key for case in finding.cases[:5])
            more = f" … {len(finding.cases)}" if len(finding.cases) > 5 else ""
            kind = text(finding.incident_type, "red")
            window = f" ({seen})" if (result.figures.get("rows") or {}).get("since") else ""
            table.row(name, kind, finding.subject, keys + more + window)
        for unread in result.figures.get("unread", ()):
            table.row(name, text("left out", "yellow"), unread_sentence(unread), "")
    Terminal().show(table)


def _looked_at(result: CheckResult) -> str:
    rows = result.figures.get("rows")
    return "" if rows is None else looked_at(rows, result.ran_at)
