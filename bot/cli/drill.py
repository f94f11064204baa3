"""`muster drill`: the fault of a section in the sandbox, worked through Slack, and a report."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich import box

from bot.cli.errors import UserError
from bot.cli.stack import Stack, stack
from bot.cli.terminal import Lines, Terminal, text
from plan.drill_files import stories as files
from plan.sources import PlanError
from sandbox.drills.run import Report, run
from sandbox.drills.story import LANGUAGES, Stories, Story


@click.command("drill")
@click.argument("names", nargs=-1, metavar="[STORY]...")
@click.option("--all", "everything", is_flag=True, help="Every story, variants included.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep logs there.")
@click.option(
    "--extra",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder with a shop's own plan files and their drills.",
)
@click.option(
    "--worlds",
    type=click.IntRange(1, 16),
    default=4,
    show_default=True,
    help="How many stories are lived through at once, each in a world of its own.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default=LANGUAGES[0],
    show_default=True,
    help="What the incident channels are written to in.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the table at the end.")
def command(
    names: tuple[str, ...],
    everything: bool,
    json_file: Path | None,
    keep: Path | None,
    extra: Path | None,
    worlds: int,
    language: str,
    quiet: bool,
) -> int:
    """Inject the fault of each STORY and work its runbook as a responder would.

    A story is a section (3.3), or a variant of its drill (3.3-relapse: mended, and broken again).
    Without a name: every section. Exits with 0 only if every drill passes.
    """
    stories = stories_of(extra)
    wanted = stories.names() if everything else list(names) or stories.sections()
    unknown = [name for name in wanted if name not in stories.files]
    if unknown:
        raise UserError(
            f"There is no drill for section {unknown[0]}; there are: {', '.join(stories.files)}."
        )
    terminal = Terminal(error=True)

    running = _Running()

    def drill(name: str) -> Report:
        story = stories.load(name, language)
        change = partial(_change, extra=extra, language=language)
        return _drill(story, running, change, keep, terminal, quiet)

    try:
        reports = list(_all(wanted, drill, worlds, terminal))
    except BaseException:  # Ctrl-C as well: nobody waits for the stories to end
        running.end()
        raise
    if json_file is not None:
        data = [report.as_json() for report in reports]
        json_file.write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")
    _show(reports)
    return 0 if all(report.passed for report in reports) else 1


class _Running:
    """The worlds that run now: all of them end with the command, whatever their stories do."""

    def __init__(self) -> None:
        self._worlds: list[Stack] = []
        self._over = threading.Event()

    def add(self, world: Stack) -> None:
        self._worlds.append(world)
        if self._over.is_set():
            world.kill()

    def end(self) -> None:
        self._over.set()
        for world in self._worlds:
            world.kill()


def _all(
    names: list[str], drill: Callable[[str], Report], worlds: int, terminal: Terminal
) -> Iterator[Report]:
    """The reports in the order of the names, the drills side by side: mostly they wait."""
    console = terminal.console
    pool = ThreadPoolExecutor(min(worlds, len(names)) or 1)
    with console.status("Drills") if console.is_terminal else contextlib.nullcontext() as status:
        try:
            running = [pool.submit(drill, name) for name in names]
            for done, (name, one) in enumerate(zip(names, running, strict=True)):
                if status is not None:
                    status.update(f"Drill {name} ({done} of {len(names)} done)")
                yield one.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def stories_of(extra: Path | None = None) -> Stories:
    """The drills of the plan, with those of a shop's own folder. Raises UserError."""
    try:
        return Stories(files(extra))
    except PlanError as error:
        raise UserError(*error.faults) from None


def _drill(
    story: Story,
    worlds: _Running,
    change: Callable[[dict[str, Any]], None],
    keep: Path | None,
    terminal: Terminal,
    quiet: bool,
) -> Report:
    name = story.name

    def tell(line: str) -> None:
        if not quiet:
            terminal.say(text(name, "dim"), "  ", line)

    tell(story.title)
    with tempfile.TemporaryDirectory(prefix="muster-drill-") as temporary:
        folder = Path(temporary)
        try:
            with stack(
                folder,
                shop_options=("--rate", "0"),
                bot_options=("--control", "0"),
                change=change,
            ) as running:
                worlds.add(running)
                report = run(story, running.slack_url, running.shop_url, running.advance, tell)
        finally:
            if keep is not None:
                _keep(folder, keep / name)
    for problem in report.problems:
        terminal.say(text(name, "red"), "  ", problem)
    return report


def _change(data: dict[str, Any], extra: Path | None, language: str) -> None:
    """A drill must not depend on the hour at which it is run: no quiet hours.

    The service desk's channel keeps its language.
    """
    for key, channel in data["slack"]["channels"].items():
        if key != data["slack"]["desk"]:
            channel["language"] = language
    if extra is not None:
        data["plan"] = {**data.get("plan", {}), "extra": str(extra.resolve())}
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}


def _keep(folder: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        (target / log.name).write_bytes(log.read_bytes())


def _show(reports: list[Report]) -> None:
    names = ("Section", "", "Detect", "Notify", "Mitigate", "Rings", "Steps", "Verified", "Review")
    table = Lines(*names, box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=True)  # within 80 columns
    for report in reports:
        rings = ", ".join(f"{who[2:].title()} {n}" for who, n in report.rings.items() if n)
        table.row(
            f"§{report.story or report.section}",
            text("passed", "green") if report.passed else text("failed", "red"),
            _seconds(report.seconds_to_detect),
            _seconds(report.seconds_to_notify),
            _seconds(report.seconds_to_mitigate),
            rings or "nobody",
            str(len(report.steps_done)),
            "yes" if report.action_verified else "no",
            "written" if report.review_written else "none",
        )
    Terminal().show(table)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
