"""The record: a database that is not the one of before is noticed, while it is open and at the next
start, and no number is given out again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from storage import continuity, numbers, record_file
from storage.backup import backup, restore
from storage.continuity import OLDER, REMOVED, REPLACED
from storage.database import Database
from storage.engines import database_url
from storage.errors import CannotOpen, RecordLost
from storage.models import HouseFact
from tests.conftest import KEY


def _file(url: str) -> Path:
    return Path(str(database_url(url).database))


@contextmanager
def _running(url: str) -> Iterator[Database]:
    database = Database.start(url, key=KEY)
    try:
        yield database
    finally:
        database.close_now()


def _number(database: Database) -> int:
    """An incident takes the next number."""

    def unit(session: Session) -> int:
        number = numbers.take(session)
        numbers.give(session, number)
        return number

    return database.write_now(unit)


def _say(database: Database, word: str) -> None:
    database.write_now(lambda s: s.merge(HouseFact(key=f"said/{word}", value={})) and None)


def _said(database: Database, word: str) -> bool:
    return database.read_now(lambda s: s.get(HouseFact, f"said/{word}") is not None)


async def _written(database: Database, word: str = "x") -> None:
    """Something is written, and looked at."""
    await database.write(lambda s: s.merge(HouseFact(key=f"said/{word}", value={})) and None)
    await database.watch()


def _checkpoint(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma wal_checkpoint(passive)").fetchall()


async def test_a_database_that_goes_on_is_the_same(sqlite_url: str) -> None:
    """Stopped in order, or killed: nothing is noticed, and the numbers go on."""
    for number in (1, 2, 3):
        with _running(sqlite_url) as database:
            assert database.change is None
            assert _number(database) == number
            await _written(database)


def _remove(file: Path) -> None:
    file.unlink()


def _replace(file: Path) -> None:
    shutil.copy(file, file.with_name("another"))
    file.with_name("another").replace(file)


def _lose_the_log(file: Path) -> None:
    file.with_name(file.name + "-wal").unlink()


@pytest.mark.parametrize(
    ("do", "code"), [(_remove, "removed"), (_replace, "replaced"), (_lose_the_log, "log_lost")]
)
async def test_what_is_lost_under_a_running_bot_is_written_no_more(
    sqlite_url: str, do: Callable[[Path], None], code: str
) -> None:
    """From the next unit on, and what was written before is saved beside its place."""
    file = _file(sqlite_url)
    with _running(sqlite_url) as database:
        await _written(database, "before")
        do(file)
        for use in (lambda: _say(database, "after"), lambda: _said(database, "before")):
            with pytest.raises(RecordLost) as caught:
                use()
            assert caught.value.code == code
        assert database.keeper is not None
        assert database.keeper.problem is not None
        saved = database.keeper.rescue()
    assert saved is not None
    assert saved.stat().st_mode & 0o077 == 0
    again = Database.open(f"sqlite:///{saved}", key=KEY)
    assert _said(again, "before")
    assert not _said(again, "after")
    again.close_now()


async def test_a_file_that_is_put_back_is_used_again(sqlite_url: str) -> None:
    """Without a restart, since it is the same."""
    file = _file(sqlite_url)
    with _running(sqlite_url) as database:
        file.rename(file.with_name("aside"))
        with pytest.raises(RecordLost):
            await database.watch()
        file.with_name("aside").rename(file)
        await _written(database, "again")
        assert database.keeper is not None
        assert database.keeper.problem is None


async def test_a_file_that_is_written_over_is_not_mixed_with_its_log(
    sqlite_url: str, tmp_path: Path
) -> None:
    """An older copy over the open file: nothing more is written, neither then nor at the end, and
    the next start has the older state alone."""
    file, copy = _file(sqlite_url), tmp_path / "older"
    with _running(sqlite_url) as database:
        await _written(database, "in the copy")
        backup(sqlite_url, copy)
        for number in range(3):
            await _written(database, f"later {number}")
        assert [_number(database) for _ in range(3)] == [1, 2, 3]
        _checkpoint(file)
        await _written(database, "in the log")
        shutil.copyfile(copy, file)
        with pytest.raises(RecordLost, match="written over"):
            await _written(database)
        assert database.keeper is not None
        assert database.keeper.rescue() is None, "a mixture is no copy"
    assert file.read_bytes() == copy.read_bytes()
    with _running(sqlite_url) as database:
        assert database.change == OLDER
        assert _said(database, "in the copy")
        assert not _said(database, "later 0")
        assert not _said(database, "in the log")
        assert _number(database) > 3
    assert file.with_name(file.name + "-wal.aside").exists()


async def test_who_reads_an_older_state_at_the_start_makes_it_no_other_file(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup under way keeps the new name in the log: the start waits, then says so, and the next
    one goes on with the same."""
    monkeypatch.setattr("storage.file_watch._TRIES", 3)
    file = _file(sqlite_url)
    with _running(sqlite_url) as database:
        await _written(database, "before")
    file.with_name(file.name + ".record").unlink()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("pragma application_id = 7")  # as an earlier version left it
        connection.execute("delete from house where key = 'record'")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from house").fetchone()
        with pytest.raises(CannotOpen, match="another program reads"):
            Database.start(sqlite_url, key=KEY)
    for _ in range(2):
        with _running(sqlite_url) as database:
            await _written(database, "after")
            assert database.keeper is not None
            assert database.keeper.problem is None
            assert _said(database, "before")


async def test_half_a_checkpoint_is_not_taken_for_another_file(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Behind a reader SQLite writes some pages of its log and not others: neither the bot that goes
    on nor the start after a crash sees anything in it."""
    file, left = _file(sqlite_url), tmp_path / "left"
    left.mkdir()
    with _running(sqlite_url) as database:
        for round_ in range(20):
            with closing(sqlite3.connect(file, isolation_level=None)) as reader:
                await _written(database, f"{round_}/" + "a" * 300)
                reader.execute("begin")
                reader.execute("select count(*) from house").fetchone()
                for number in range(8):  # pages of the table are divided
                    await _written(database, f"{round_}/{number}/" + "b" * 300)
                _checkpoint(file)
                await _written(database, f"{round_}/c")
        for ending in ("", "-wal", ".record"):
            shutil.copyfile(file.with_name(file.name + ending), left / f"muster.db{ending}")
    with _running(f"sqlite:///{left / 'muster.db'}") as database:
        assert database.change is None
        assert _said(database, "19/c")


async def test_a_damaged_file_is_named_with_its_remedy(sqlite_url: str, tmp_path: Path) -> None:
    """An older file whose pages are half another's."""
    file, copy = _file(sqlite_url), tmp_path / "older"
    with _running(sqlite_url) as database:
        backup(sqlite_url, copy)
        await _written(database)
    damaged = bytearray(copy.read_bytes())
    for page in range(len(damaged) // 4096 * 3 // 4, len(damaged) // 4096):
        damaged[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    file.write_bytes(damaged)
    with pytest.raises(CannotOpen, match="put the newest backup in its place"):
        Database.start(sqlite_url, key=KEY)


async def test_a_newer_copy_of_the_same_does_no_harm(sqlite_url: str, tmp_path: Path) -> None:
    """What came after the file's own state stands in the log: they fit together."""
    file, copy = _file(sqlite_url), tmp_path / "newer"
    with _running(sqlite_url) as database:
        await _written(database, "one")
        backup(sqlite_url, copy)
        await _written(database, "two")
        shutil.copyfile(copy, file)
        await _written(database, "three")
    with _running(sqlite_url) as database:
        assert database.change is None
        assert all(_said(database, word) for word in ("one", "two", "three"))


async def _left(url: str, do: Callable[[Path], None]) -> str | None:
    """What the start says of a database that was left with three numbers given out."""
    with _running(url) as database:
        for _ in range(3):
            _number(database)
        await _written(database)
    do(_file(url))
    with _running(url) as database:
        assert _number(database) > 3
        untold = database.read_now(continuity.untold)
        change = database.change
        assert (None if untold is None else untold["kind"]) == change
    with _running(url) as database:  # noticed once; told once
        assert database.change is None
    return change


async def test_a_database_that_is_gone_is_noticed_at_the_start(sqlite_url: str) -> None:
    assert await _left(sqlite_url, _remove) == REMOVED


async def test_an_emptied_file_is_a_database_that_is_gone(sqlite_url: str) -> None:
    assert await _left(sqlite_url, lambda file: file.write_bytes(b"") and None) == REMOVED


async def test_another_database_is_noticed_at_the_start(sqlite_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    shutil.copy(_file(sqlite_url), other)
    with _running(f"sqlite:///{other}") as database:
        await _written(database)
    assert await _left(sqlite_url, lambda file: shutil.copyfile(other, file) and None) == REPLACED


async def test_an_older_file_is_noticed_at_the_start(sqlite_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "older"
    with _running(sqlite_url):
        backup(sqlite_url, copy)
    assert await _left(sqlite_url, lambda file: shutil.copyfile(copy, file) and None) == OLDER


async def test_a_restored_backup_is_told_by_its_own_command(
    sqlite_url: str, tmp_path: Path
) -> None:
    """`muster db restore` knows what it does; the numbers go on all the same. What it replaced is
    another record from then on."""
    copy = tmp_path / "older"
    with _running(sqlite_url) as database:
        backup(sqlite_url, copy)
        assert [_number(database) for _ in range(300)][-1] == 300
        await _written(database)
    restore(sqlite_url, copy, key=KEY)
    with _running(sqlite_url) as database:
        assert database.change is None
        assert _number(database) > 300
    file = _file(sqlite_url)
    file.with_name(file.name + ".replaced").replace(file)
    with _running(sqlite_url) as database:
        assert database.change == REPLACED


async def test_a_number_is_kept_before_it_is_seen(sqlite_url: str) -> None:
    """Also where the process ends right behind the commit."""
    with _running(sqlite_url) as database:
        for number in (1, 2):
            assert _number(database) == number
            kept = record_file.read(_file(sqlite_url))
            assert kept is not None
            assert kept.highest == number


_ACTS = st.lists(st.sampled_from(["say", "number", "backup", "checkpoint", "watch"]), max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=_ACTS, after=_ACTS)
def test_whatever_was_written_an_older_state_is_told_and_no_number_comes_twice(
    before: list[str], after: list[str], sqlite_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The file as it was at some moment of a run, with its log cut off: a crash and a lost log."""
    folder = tmp_path_factory.mktemp("left")
    file, cut = folder / "muster.db", folder / "cut"
    shutil.copy(_file(sqlite_url), file)
    url, given_out = f"sqlite:///{file}", list[int]()

    def act(database: Database, what: str, at: int) -> None:
        if what == "say":
            _say(database, str(at))
        elif what == "number":
            given_out.append(_number(database))
        elif what == "backup":
            backup(url, folder / f"backup{len(list(folder.iterdir()))}")
        elif what == "checkpoint":
            _checkpoint(file)
        elif database.keeper is not None:
            seen = database.write_now(database.keeper.look)
            keeper = database.keeper
            database.read_now(lambda s: keeper.keep(s, seen))

    with _running(url) as database:
        for at, what in enumerate(before):
            act(database, what, at)
        shutil.copyfile(file, cut)
        for at, what in enumerate([*after, "say", "watch"]):
            act(database, what, 100 + at)
    shutil.copyfile(cut, file)
    with _running(url) as database:
        assert database.change == OLDER
        assert _number(database) > max(given_out, default=0)


_PUT_BACK = """update house set value = '{"name": "%s", "beat": 0}' where key = 'record'"""


@pytest.mark.postgres
async def test_a_postgres_that_is_dropped_or_put_back_is_noticed(pg_url: str) -> None:
    """Another database of that name, and an older state of the same: nothing is written."""
    admin = create_engine(database_url(pg_url))
    for do, code in (
        ('update house set value = \'{"name": "%s", "beat": 0}\' where key = \'record\'', "older"),
        ("delete from house where key = 'record'", "another"),
        ("drop table house cascade", "another"),
    ):
        with _running(pg_url) as database:
            await _written(database)
            name = database.read_now(lambda s: s.get_one(HouseFact, "record").value["name"])
            with admin.begin() as connection:
                connection.execute(text((do % name if "%s" in do else do).replace(":", r"\:")))
            with pytest.raises(RecordLost) as caught:
                await database.watch()
            assert caught.value.code == code
            with pytest.raises(RecordLost):
                _say(database, "after")
    admin.dispose()
