"""`muster doctor`: each part is ok, or what to do. It says plainly what can wake nobody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import make_url

from bot.channels import Channels
from bot.check_settings import detections
from bot.cli.doctor_doors import doors
from bot.cli.manifest import manifest_text
from bot.cli.options import config_option
from bot.cli.terminal import Terminal, text
from bot.clock import SystemClock
from bot.delivery.errors import Held
from bot.delivery.membership import Membership
from bot.delivery.presence import user_of
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from bot.identification import install_problem
from bot.intake.socket_mode import code_of, socket_address, token_problem
from bot.name_resolution import sentences
from bot.section_gaps import gaps, posted_in
from bot.settings import Secrets, Settings, load_secrets, load_settings
from bot.settings_errors import SettingsError
from bot.wiring.check_connections import open_checks
from bot.wiring.organisation import build_house, build_roles
from bot.workspace import Line, Mark, Workspace, told
from checks.model import CheckResult
from checks.registry import build
from checks.runner import run_check
from checks.shop.rows_seen import unread_sentence, why_not_known
from checks.shop.source import ShopUnavailable
from handlers.identity import Identity
from incidents.read import check_durations
from plan.command_names import CommandNames
from plan.loader import LoadedPlan, load_plan
from plan.sources import PlanError
from storage import work
from storage.backup import older_copies
from storage.database import Database
from storage.errors import NotThere, StorageError

_LATE = 300.0  # seconds for which a message may be on its way
_NEAR = 0.5  # of its deadline is near for a check
_STYLE = {"ok": "green", "look": "yellow", "wrong": "red"}


@click.command("doctor")
@config_option
def command(config: Path) -> int:
    """Say what is in order and what to do. 0 if nothing is wrong."""
    terminal = Terminal()
    worst: Mark = "ok"
    for mark, sentence in asyncio.run(examine(config)):
        terminal.say(text(f"{mark:5} ", _STYLE[mark]), sentence)
        worst = "wrong" if mark == "wrong" else worst
    return 1 if worst == "wrong" else 0


async def examine(config: Path) -> list[Line]:
    """Every part, one after the other: a mark and a sentence each."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        return [("wrong", problem) for problem in error.problems]
    ours = len({check.name for check in settings.checks} & set(detections()))
    own = len(settings.checks) - ours
    lines: list[Line] = [
        ("ok", f"Configuration {config}: {own} checks of its own, {ours} detections.")
    ]
    try:
        secrets = load_secrets(os.environ, settings)
    except SettingsError as error:
        return [*lines, *(("wrong", problem) for problem in error.problems)]
    lines.append(("ok", "The secrets stand in the environment."))
    lines += _database(settings, secrets)
    plan, faults = _plan(settings)
    lines += faults
    if plan is not None:
        lines += await _slack(settings, secrets, plan)
    lines += await _shop(settings)
    if plan is not None:
        lines += _names(settings, plan)
    lines += list(doors(settings, secrets))
    lines += list(_waking(settings))
    return lines


def _database(settings: Settings, secrets: Secrets) -> list[Line]:
    try:
        database = Database.open(settings.database.url, key=secrets.key)
    except NotThere as error:
        return [("look", f"{error} That is right before the first start.")]
    except StorageError as error:
        return [("wrong", str(error))]
    try:
        lines = [*_waiting(database), *_check_times(settings, database)]
    except StorageError as error:
        return [("wrong", f"The database cannot be read: {error}")]
    finally:
        database.close_now()
    lines += [
        (
            "look",
            (
                f"{file} is of an earlier version, which kept the shop's answers about customers "
                "in clear: delete it, or keep it as you keep customers' data."
            ),
        )
        for file in older_copies(settings.database.url)
    ]
    place = make_url(settings.database.url).set(username=None, password=None, query={})
    return [("ok", f"Database {place.render_as_string()} opens."), *lines]


def _waiting(database: Database) -> list[Line]:
    """What waits for an operator, and how long the oldest message has been on its way."""
    now = datetime.now(UTC)
    stuck = database.read_now(work.parked)
    found = database.read_now(work.undelivered)
    lines: list[Line] = [("ok", "Nothing waits for an operator.")]
    if stuck:
        oldest = min(item.since for item in stuck)
        lines = [
            (
                "look",
                (
                    f"Not delivered or done: {len(stuck)}, the oldest of {_age(now, oldest)} ago. "
                    "muster work list says why; mend it, then muster work retry --all."
                ),
            )
        ]
    if found.since is None:
        return [*lines, ("ok", "No message is on its way.")]
    on_its_way = f"Messages on their way: {found.count}, the oldest for {_age(now, found.since)}"
    late = (now - found.since).total_seconds() > _LATE
    advice = "; see whether the bot runs and Slack answers (/readyz)." if late else "."
    return [*lines, ("look" if late else "ok", on_its_way + advice)]


def _check_times(settings: Settings, database: Database) -> Iterator[Line]:
    """How long the bot's last runs of its checks took; one that nears its deadline is named."""
    known = {check.name: check.deadline for check in settings.checks}
    found = database.read_now(check_durations)
    took = {name: seconds for name, seconds in found.items() if name in known}
    for name, seconds in took.items():
        if seconds > known[name] * _NEAR:
            yield (
                "look",
                (
                    f"Check {name} took {seconds:.1f} s of its {known[name]:g} s: see why it is "
                    f"slow, or raise checks.{name}.deadline."
                ),
            )
    if took:
        slowest = max(took, key=lambda name: took[name])
        yield ("ok", f"The bot's slowest check is {slowest}: {took[slowest]:.1f} s.")


def _age(now: datetime, since: datetime) -> str:
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


async def _slack(settings: Settings, secrets: Secrets, plan: LoadedPlan) -> list[Line]:
    """What the bot would see of its workspace, by the parts that it looks with."""
    client = open_client(secrets.bot_token, settings.slack.base_url, timeout=10)
    try:
        try:
            who = await client.auth_test()
        except SlackApiError as error:
            remedy = "set MUSTER_SLACK_BOT_TOKEN to the app's (xoxb-…, OAuth & Permissions)."
            return [("wrong", f"Slack refuses the bot token ({code_of(error)}): {remedy}")]
        except Exception as error:
            return [("wrong", f"Slack does not answer at {settings.slack.base_url}: {error}.")]
        home = who.data if isinstance(who.data, dict) else {}
        refused = install_problem(home)
        if refused is not None:
            return [("wrong", refused)]
        lines: list[Line] = [("ok", f"Slack: {who['user']} in {who['team']}.")]
        lines += _scopes(who.headers)
        lines.append(_commands(settings))
        lines += await _workspace(settings, plan, client, home)
        if settings.slack.mode == "socket":
            lines.append(await _socket(client, secrets.app_token))
        return lines
    finally:
        await close_client(client)


def _scopes(headers: Any) -> list[Line]:
    granted = {s.strip() for s in str(headers.get("x-oauth-scopes", "")).split(",") if s.strip()}
    needed = set(yaml.safe_load(manifest_text())["oauth_config"]["scopes"]["bot"])
    missing = sorted(needed - granted)
    if not granted:
        return [("look", "Slack did not say which scopes the token has.")]
    if missing:
        return [
            (
                "wrong",
                (
                    f"The app lacks the scopes {', '.join(missing)}: paste muster manifest at "
                    "api.slack.com/apps (App Manifest), then install the app again."
                ),
            )
        ]
    return [("ok", f"All {len(needed)} scopes are granted.")]


def _commands(settings: Settings) -> Line:
    """Slack does not tell whose a command is: it gives a name to whoever came last."""
    shown = ", ".join(CommandNames(settings.slack.commands).shown.values())
    return (
        "ok",
        (
            f"Commands: {shown}. If another app answers to one, give it a name of its own in "
            "slack.commands, and paste muster manifest anew."
        ),
    )


async def _workspace(
    settings: Settings, plan: LoadedPlan, client: AsyncWebClient, home: Mapping[str, Any]
) -> list[Line]:
    clock = SystemClock()
    sender = Sender(client, budget=Budget(), clock=clock)
    channels = Channels(settings.slack.channels, sender, clock)
    await channels.look()
    groups = await told(sender)
    house = build_house(settings, plan, build_roles(settings, groups or {}))

    async def user(user_id: str) -> Mapping[str, Any]:
        while True:
            try:
                return await user_of(sender, user_id)
            except Held as held:  # of many people the last wait for the budget of a minute
                await clock.sleep_until(held.until)

    return await Workspace(
        settings,
        channels,
        Membership(sender, clock),
        user,
        Identity(team_id=home.get("team_id"), enterprise_id=home.get("enterprise_id")),
        groups,
        posted_in(house),
    ).lines()


async def _socket(client: AsyncWebClient, app_token: str) -> Line:
    try:
        await socket_address(client, app_token)
    except SlackApiError as error:
        return ("wrong", token_problem(code_of(error)))
    except Exception as error:
        return ("wrong", f"Socket Mode cannot be opened: {error}.")
    return ("ok", "Socket Mode can be opened.")


async def _shop(settings: Settings) -> list[Line]:
    lines: list[Line] = []
    blind: dict[str, list[str]] = {}  # what keeps many from looking is said once
    try:
        async with open_checks(settings) as checking:
            for check in settings.checks:
                result = await run_check(
                    build(check, settings.checks), checking.context(datetime.now(UTC))
                )
                if result.error:
                    blind.setdefault(result.error, []).append(check.name)
                else:
                    lines.extend(_looked(result))
    except ShopUnavailable as error:
        lines.append(("wrong", str(error)))
    for why, names in blind.items():
        called = "Checks" if len(names) > 1 else "Check"
        lines.append(("wrong", f"{called} {', '.join(names)} cannot look: {why}."))
    if not settings.checks:
        lines.append(("look", "No check is configured: nothing is found by itself."))
    return [*lines, *_off(settings)]


def _looked(result: CheckResult) -> Iterator[Line]:
    """What a check that could look says, and what it could not judge."""
    unread = result.figures.get("unread", ())
    if result.findings:
        yield "look", f"Check {result.name} finds something right now."
    elif result.healthy_subjects:
        yield "ok", f"Check {result.name}: in order."
    else:  # no row, or none that can be read: no word that all is well
        yield "look", f"Check {result.name} says nothing: {why_not_known(result.figures)}."
    for one in unread:
        yield "look", f"Check {result.name} leaves out: {unread_sentence(one)}."
    yield from _fallen_back(result)


def _off(settings: Settings) -> Iterator[Line]:
    """The detections that cannot run here, by what the shop does not map."""
    by_reason: dict[str, list[str]] = {}
    for name, why in settings.off.items():
        by_reason.setdefault(why, []).append(name)
    for why, names in by_reason.items():
        verb = "is" if len(names) == 1 else "are"
        yield ("look", f"{', '.join(names)} {verb} off: {why}.")
    if settings.detections.off:
        yield ("ok", f"Off by detections.off: {', '.join(settings.detections.off)}.")


def _fallen_back(result: CheckResult) -> Iterator[Line]:
    """A check that does without an answer of the shop still looks, and says so."""
    why = result.figures.get("unrouted")
    if why is not None:
        yield (
            "look",
            (
                f"Check {result.name}: its route_look does not say which channel carries the "
                f"traffic ({why}); it goes by the payments."
            ),
        )


def _plan(settings: Settings) -> tuple[LoadedPlan | None, list[Line]]:
    try:
        return load_plan(settings.plan.extra), []
    except PlanError as error:
        return None, [("wrong", fault) for fault in error.faults]


def _names(settings: Settings, plan: LoadedPlan) -> list[Line]:
    """What the plan names and the configuration lacks, and what each section does without."""
    lacking = sentences(plan.plan, settings, settings.plan.extra)
    lines: list[Line] = [("wrong", sentence) for sentence in lacking]
    if not lacking:
        lines.append(("ok", "Every role and audience that the plan names is configured."))
    found = gaps(plan.plan, build_house(settings, plan, build_roles(settings, {})).doors, settings)
    if not found:
        return [*lines, ("ok", "Every action and look that the plan names is configured.")]
    return [*lines, *(("look", sentence) for sentence in found)]


def _waking(settings: Settings) -> Iterator[Line]:
    """What can wake whom. Slack alone wakes nobody whose phone is in Do Not Disturb."""
    for name, role in settings.roles.items():
        chain = role.duty or role.people
        if name == "oncall" and 0 < len(chain) < 2:
            yield ("look", "roles.oncall has no second person: a SEV1 nobody takes ends there.")
    if settings.page is None:
        yield (
            "look",
            (
                "No page webhook: in Do Not Disturb, or with notifications off, Slack wakes "
                "nobody. Configure page."
            ),
        )
    else:
        yield ("ok", "The page webhook is configured: a SEV1 nobody takes pages in the end.")
