"""`muster drill`: each section is lived through by Slack and the shop's HTTP alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cli.drill import stories_of
from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from sandbox.drills.run import Report, run
from sandbox.drills.story import LANGUAGES
from tests.journeys.workspace import daytime

pytestmark = pytest.mark.drill
STORIES = stories_of()
# The plain stories of each section, and one of each kind beside them; .ci/full lives through all.
NAMES = [
    name
    for name in STORIES.names()
    if os.environ.get("MUSTER_FULL") or "-" not in name or name.startswith("9.1-")
]

# What each of the broken builds may be found out by: what is never verified stays under way.
_WAITING = "the end of what is running"
_FOUND_OUT = {
    "switch": ("/routing/card", _WAITING),
    "step": ("3.3.2.s1", _WAITING),
    "section": ("another section",),
    "approval": ("a request for approval",),
    "skip": ("the card was green in outage 1",),
    "relapse": ("the card stays green",),
}
_STORY = {"approval": "2.2", "skip": "9.1-skip", "relapse": "9.1-relapse"}  # of the others 3.3


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The report of `muster drill` over every story, as a user runs it."""
    return _run(tmp_path_factory.mktemp("drills"), *NAMES)


def _run(folder: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    file = folder / "out.json"
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "drill", *arguments, "-q", "--json", str(file)],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return {report["story"]: report for report in json.loads(file.read_text("utf-8"))}


def test_a_channel_in_chinese_is_drilled_as_well(tmp_path: Path) -> None:
    """What the card, the thread and the review must say is judged in the channel's language."""
    names = NAMES if os.environ.get("MUSTER_FULL") else ["3.2"]
    reports = _run(tmp_path, *names, "--language", "zh-Hant")
    assert {name: report["problems"] for name, report in reports.items()} == {n: [] for n in names}


def test_every_text_that_a_story_waits_for_is_there_in_each_language() -> None:
    """A story with one language alone could not be drilled in the other."""
    for name in STORIES.names():
        for language in LANGUAGES:
            story = STORIES.load(name, language)
            entries = [*story.work, *(entry.get("until", {}) for entry in story.work)]
            waited = [e[key] for e in entries for key in ("card_says", "thread_says") if key in e]
            for text in (*story.first_words, *waited):
                assert isinstance(text, str), (name, text)
                said = language == "en" or not re.search("[a-z]{4,} [a-z]{2,}", text)
                assert said, f"{name} waits for English in a Chinese channel: {text}"


def test_the_five_sections_have_a_drill() -> None:
    """2.2, 3.2, 3.3, 7.2 and 9.1."""
    assert {"2.2", "3.2", "3.3", "7.2", "9.1"} <= set(STORIES.sections())


@pytest.mark.parametrize("story", NAMES)
def test_a_drill_reports_what_it_saw(reports: dict[str, dict[str, Any]], story: str) -> None:
    """Detected, rightly classed, timed, rung, worked, verified by a fresh look, reviewed."""
    report = reports[story]
    assert report["passed"]
    assert report["problems"] == []
    assert report["detected"]
    assert report["section_right"]
    for name in ("seconds_to_detect", "seconds_to_notify", "seconds_to_mitigate"):
        assert report[name] is not None, name
    assert report["rings"]
    assert report["steps_done"]
    assert report["action_verified"]
    assert report["review_written"]


@pytest.mark.parametrize("section", STORIES.sections())
def test_on_call_is_rung_at_most_five_times(
    reports: dict[str, dict[str, Any]], section: str
) -> None:
    """In any whole story, by Slack's own count; and somebody is rung in each."""
    rings = reports[section]["rings"]
    assert max(rings["U0MEI"], rings["U0KAI"]) <= 5
    assert sum(rings.values()) >= 1


@pytest.mark.parametrize("section", [pytest.param("3.3", marks=pytest.mark.slow), "9.1"])
def test_it_relapses_twice_and_everything_is_said(
    reports: dict[str, dict[str, Any]], section: str
) -> None:
    """Mended, switched back and broken again: rung each time, never green while it is felt, the
    step worked again, the review's outages those that the drill made (else it is a problem)."""
    report = reports[f"{section}-relapse"]
    assert report["problems"] == []
    assert len(report["outages"]) == 3
    assert all(ended > began for began, ended in report["outages"])
    breaks = [began for began, _ in report["outages"]]
    assert breaks[2] - breaks[1] > 600  # both are rung


def drilled(folder: Path, sabotage: str) -> Report:
    """A drill against a bot with that broken."""
    with stack(folder, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        running.start_bot("--control", "0", module=("tests.drills.sabotaged_bot", sabotage))
        story = STORIES.load(_STORY.get(sabotage, "3.3"))
        return run(story, running.slack_url, running.shop_url, running.advance, _quiet)


@pytest.mark.parametrize(
    "sabotage",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name != "step"))
        for name in sorted(_FOUND_OUT)
    ],
)
def test_a_broken_build_does_not_pass(tmp_path: Path, sabotage: str) -> None:
    """Switch not called, step lost, approval per attempt …: the drill fails, and says why."""
    report = drilled(tmp_path, sabotage)
    assert not report.passed
    problems = " ".join(report.problems)
    assert any(reason in problems for reason in _FOUND_OUT[sabotage]), problems


def test_ctrl_c_ends_every_world_at_once(tmp_path: Path) -> None:
    """Nobody waits for stories to end, and nothing of them goes on."""
    command = [sys.executable, "-m", "bot.cli", "drill", "3.3", "9.1", "-q"]
    drills = subprocess.Popen(  # in the background of a shell, ^C would be ignored
        command,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: len(_commands(tmp_path, "bot.cli")) == 2 or None, "both bots", 60.0)
    drills.send_signal(signal.SIGINT)
    assert drills.wait(45) != 0  # its stories would take minutes; the machine may be busy
    wait_for(lambda: not _commands(tmp_path, "") or None, "the end of every program")


def _commands(folder: Path, part: str) -> list[str]:
    """The running commands that name the folder and the part."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in words and part in words:
                found.append(words)
    return found


def _quiet(_: str) -> None:
    """The report alone tells."""
