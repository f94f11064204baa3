"""What the commands print is what was written: no value becomes a style, an emoji or a command."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
import yaml
from sqlalchemy.orm import Session

from bot.cli import drill, terminal
from bot.cli.main import main
from plan.loader import load_plan
from sandbox.drills.run import Report
from storage import work
from storage.database import Database
from tests.conftest import KEY
from tests.incidents.world import World, channel_down

HOSTILE = ("EU[red]-1", "A[/]2", "B[/b]-3", ":tada:", "C\\[bold]", "[link=http://x]D[/link]")
SERVICE = "shop [eu/west] [/red]"
CLI = Path(terminal.__file__).parent


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    for name in ("MUSTER_SLACK_BOT_TOKEN", "MUSTER_SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("MUSTER_KEY", base64.urlsafe_b64encode(KEY).decode())
    yield
    structlog.reset_defaults()


@pytest.fixture
def shop(tmp_path: Path, sqlite_url: str) -> Path:
    """A configuration over a shop whose numbers and names look like markup."""
    since = (datetime.now(UTC) - timedelta(hours=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("create table orders(id, number, status, since, created, total, cur)")
        shop.executemany(
            "insert into orders values(?, ?, 'paid', ?, null, 9, 'USD')",
            [(place, number, since) for place, number in enumerate(HOSTILE[:5])],
        )
        shop.execute("create table payments(id, status)")
        shop.execute("insert into payments values('p', '[/red] paid')")
    shop.close()
    fields = {"key": "id", "number": "number", "state": "status", "state_since": "since"}
    fields |= {"placed_at": "created", "total": "total", "currency": "cur"}
    orders = {"from": "orders", "unit": "minor", "form": "iso_z", "fields": fields}
    data = {
        "slack": {"channels": {"incidents": {"id": "C0INC"}}, "base_url": "http://127.0.0.1:9/"},
        "roles": {"oncall": {"people": ["U0MEI"]}},
        "database": {"url": sqlite_url},
        "shop": {
            "name": "Lab",
            "currency": "USD",
            "database_url": f"sqlite:///{tmp_path}/shop.db",
            "mapping": {"orders": orders},
        },
        "checks": [
            {"name": "stuck", "kind": "stuck_orders", "limits": {"paid": 48}},
            {"name": "store", "kind": "http_probe", "url": "http://127.0.0.1:9/"},
        ],
    }
    data["checks"][1]["service"] = SERVICE  # type: ignore[index]
    (tmp_path / "muster.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return tmp_path / "muster.yaml"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_what_a_check_finds_is_shown_as_written(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check") == 1
    said = capsys.readouterr().out
    for number in (*HOSTILE[:5], SERVICE):
        assert number in said


def test_the_list_of_incidents_names_its_subjects_as_written(
    shop: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World.open(sqlite_url)
    for number in HOSTILE:
        down = channel_down(world.now)
        finding = down.findings[0]
        object.__setattr__(finding, "subject", f"channel:{number}")
        for _ in range(3):
            world.check(down)
    world.close()
    assert run("incidents", "list") == 0
    said = capsys.readouterr().out
    for number in HOSTILE:
        assert f"channel:{number} " in said


def test_the_list_of_work_shows_its_reason_as_written(
    shop: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database.open(sqlite_url, key=KEY)
    now = datetime.now(UTC)

    def unit(session: Session) -> None:
        for number in HOSTILE:
            work.enqueue(session, kind="message", key=number, payload={}, due=now, now=now)
        claimed = work.claim(session, "message", owner="boot", now=now, limit=9)
        for item, why in zip(claimed, HOSTILE, strict=True):
            assert work.park(session, item.id, item.epoch, why)

    database.write_now(unit)
    database.close_now()
    assert run("work", "list") == 0
    said = capsys.readouterr().out
    for number in HOSTILE:
        assert number in said


def test_the_doctor_says_what_it_met_as_written(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "own [red]bold[-] :tada:.yaml"
    strange.write_text(shop.read_text(encoding="utf-8"), encoding="utf-8")
    run("doctor", "--config", str(strange))
    said = capsys.readouterr().out
    assert f"Configuration {strange}: 2 checks of its own, " in said


def test_a_shops_own_plan_is_shown_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own [red]"
    (own / "sections").mkdir(parents=True)
    section = load_plan().plan.sections["9.1"]
    shipped = Path("plan/data/sections/9.1/section.yaml")
    source = (CLI.parents[1] / shipped).read_text(encoding="utf-8")
    title = section.title.in_("en")
    changed = source.replace(title, "'Down [/b] [red]x[/] :tada:'", 1)
    (own / "sections" / "9.1.yaml").write_text(changed, encoding="utf-8")
    assert run("plan", "show", "9.1", "--extra", str(own)) == 0
    assert "Down [/b] [red]x[/] :tada:" in capsys.readouterr().out
    (own / "causes.yaml").write_text("causes:\n  a[/b]: 1\n", encoding="utf-8")
    assert run("plan", "lint", "--extra", str(own)) == 1
    assert "own [red]/causes.yaml:2: causes.a[/b]:" in capsys.readouterr().out


def test_the_shops_mapping_is_verified_in_the_shops_words(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(shop.parent / "shop.db") as connection:
        connection.execute("update orders set status = '[/red] paid :tada:'")
    connection.close()
    assert run("shop", "verify") == 1  # a word that nobody mapped
    assert "[/red] paid :tada:" in capsys.readouterr().out


def test_a_drill_reports_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("3.3", rings={"U0[/b]": 1}, problems=["no “[/red]” :tada:"])
    drill._show([report])
    assert "[/B] 1" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["a\x1b[31mb", "a\u202eb", "a\x9b31mb", "a\rb", "a\x07b"])
def test_nothing_reaches_the_terminal_as_a_command(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences, overwriting and reversed reading are shown by their code."""
    table = terminal.Lines("Value")
    table.row(value)
    terminal.Terminal().show(table)
    terminal.Terminal().say(value)
    terminal.say(value)
    said = capsys.readouterr().out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said), repr(said)
    assert said.count(f"a\\u{ord(value[1]):04x}") == 3


def test_a_long_number_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    table = terminal.Lines("A", "B")
    table.row("x" * 150, "y" * 150)
    terminal.Terminal().show(table)
    said = capsys.readouterr().out
    assert "x" * 150 in said
    assert "y" * 150 in said


@pytest.mark.parametrize("module", sorted(path.name for path in CLI.glob("*.py")))
def test_every_command_prints_through_the_terminal(module: str) -> None:
    """Rich is met in one module; `click.echo` writes JSON, YAML and Markdown only."""
    source = (CLI / module).read_text(encoding="utf-8")
    if module != "terminal.py":
        assert not re.search(r"rich\.(console|markup|table)|\bprint\(", source)
    own = re.compile(r"json\.dumps|yaml\.safe_dump|text, nl|_review|facts_page|shown")
    for written in re.findall(r"click\.echo\((.*)", source):
        assert own.match(written), written
