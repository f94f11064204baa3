"""`muster plan`: show, lint and coverage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.cli.main import main

OWN = "causes:\n  typhoon:\n    label: {en: Typhoon, zh-Hant: Typhoon}\n"


@pytest.fixture(autouse=True)
def _logging_is_put_back() -> Iterator[None]:
    """The command line sends the logs to this test's own stream, which ends with the test."""
    yield
    structlog.reset_defaults()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["plan", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Card payments are failing on Northpay"), ("zh-Hant", "Northpay 刷卡付款大量失敗")],
)
def test_a_section_is_shown_as_it_reads(
    capsys: pytest.CaptureFixture[str], language: str, words: str
) -> None:
    assert run("show", "3.3", "--language", language) == 0
    said = capsys.readouterr().out
    assert words in said
    assert "3.3.4.s1" in said
    assert "{{" not in said


def test_every_text_of_a_section_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "3.3", "--texts", "--language", "zh-Hant") == 0
    said = capsys.readouterr().out
    assert "types[0].card.active.title\n  Northpay 刷卡付款大量失敗" in said
    assert "switch_payment_channel.title\n  切換金流" in said
    assert said.count("\n  ") > 150


def test_a_section_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "12.1") == 2
    assert "There is no section 12.1; there are: 2.1, 2.2" in capsys.readouterr().err


def test_the_shipped_plan_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lint") == 0
    assert "The plan is in order." in capsys.readouterr().out


def test_a_shops_own_fault_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "causes.yaml").write_text(OWN, encoding="utf-8")
    assert run("lint", "--extra", str(tmp_path)) == 1
    said = capsys.readouterr().out
    assert "causes.yaml:3:" in said
    assert "the English text once more" in said


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text("causes: [", encoding="utf-8")
    assert run("lint", "--extra", str(tmp_path)) == 1
    assert "not readable as YAML" in capsys.readouterr().out
    assert run("show", "3.3", "--extra", str(tmp_path)) == 2
    assert "not readable as YAML" in capsys.readouterr().err


def test_coverage_says_what_is_carried(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("coverage") == 0
    assert "5 of 24 runbooks whole, 31 of 124 steps, 6 of 27 branches." in capsys.readouterr().out
    assert run("coverage", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["runbooks"]["3.3"]["whole"] is True
    assert data["totals"]["runbooks"] == 24
