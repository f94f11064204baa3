"""A file that is dropped is read when it is whole, fresh and of the form that was said."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.connectors.http import open_http
from actions.connectors.wire_fault import problem_of
from checks.listings.listings import Fetch, Listings
from checks.queries.entity_mapping import EntitiesMapping

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
FIELDS = {"sku": "Artikel", "on_hand": "Bestand", "reserved": "Zugesagt"}
WHOLE = 'Artikel;Bestand;Zugesagt\r\nA;1.250;7\r\n"B;x";-3;0\r\n'


def drop(
    folder: Path, data: str | bytes = WHOLE, *, name: str = "stock-1.csv", age: float = 60
) -> Path:
    file = folder / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    at = NOW.timestamp() - age
    os.utime(file, (at, at))
    return file


def read(folder: Path, **more: Any) -> Fetch:
    given = {"path": str(folder / "stock-*.csv"), "fresh_within": 26, "delimiter": ";"}
    one = {"csv": {**given, "decimal": ",", "thousands": ".", **more}, "fields": FIELDS}

    async def fetched() -> Fetch:
        async with open_http() as http:
            found = EntitiesMapping.model_validate({"entities": {"stock": one}})
            listings = Listings(found, "TWD", http, problem_of)
            fetch = await listings.fetched("stock", NOW)
            await listings.close()
            return fetch

    return asyncio.run(fetched())


def test_the_newest_file_is_read(tmp_path: Path) -> None:
    drop(tmp_path, "Artikel;Bestand;Zugesagt\nA;1;1\n", name="stock-9.csv", age=90_000)
    drop(tmp_path, WHOLE, name="stock-2.csv")
    drop(tmp_path, "no;such;thing\n", name="orders.csv", age=30)
    found = read(tmp_path)
    assert (found.fault, found.unread, found.rows) == (None, None, 2)


@pytest.mark.parametrize(
    ("number", "reads"),
    [("1.250", True), ("1.25", False), ("12,0", True), ("12,5", False), ("1_0", False),
     ("", True), ("１", False), ("1e3", True), ("1e400", False), (" 7 ", True), ("+7", True)],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written_there_or_not_at_all(
    tmp_path: Path, number: str, reads: bool
) -> None:
    drop(tmp_path, f"Artikel;Bestand;Zugesagt\nA;{number};0\n")
    found = read(tmp_path)
    assert found.fault is None
    assert (found.unread is None) == reads
    if not reads:
        assert "1 value is unreadable in the file stock-*.csv (stock): line 2 of stock-1.csv: " in (
            found.unread or ""
        )


CUT = WHOLE[: WHOLE.index("-3")]
FAULTS: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "cut off in a row": (CUT, {"ends_open": True}, "line 3 of stock-1.csv has 2 values and its"),
    "cut off in a value": (WHOLE.rstrip(), {}, "does not end with a line break: it was cut off"),
    "cut off in quotes": ('Artikel;Bestand;Zugesagt\n"A;1;', {"ends_open": True}, "within quotes"),
    "another delimiter": (WHOLE, {"delimiter": ","}, "has no column “Artikel”"),
    "no such column": ("Artikel;Bestand\nA;1\n", {}, "has no column “Zugesagt”; it has Artikel"),
    "one value more": (WHOLE + "C;1;2;3\r\n", {}, "has 4 values and its head 3"),
    "empty": ("", {}, "stock-1.csv is empty: its first line names the columns"),
    "a column twice": ("Artikel;Bestand;Bestand\n", {}, "has the column “Bestand” twice"),
    "another encoding": ("Artikel;Größe\n".encode("cp1252"), {}, "is not utf-8-sig: correct enc"),
    "too large": (WHOLE + "C;1;2\r\n" * 200, {"most_bytes": 1000}, "larger than most_bytes (1000)"),
    "too many": (WHOLE, {"most_rows": 1}, "there are more than 1 rows"),
    "a large value": (WHOLE + "x" * 200_000 + ";1;2\r\n", {}, "line 4 of stock-1.csv cannot be"),
}


@pytest.mark.parametrize(("data", "more", "sentence"), list(FAULTS.values()), ids=list(FAULTS))
def test_what_is_no_whole_file_is_one_sentence(
    tmp_path: Path, data: str | bytes, more: dict[str, Any], sentence: str
) -> None:
    drop(tmp_path, data)
    fault = read(tmp_path, **more).fault
    assert fault is not None
    assert fault.startswith("stock cannot be read from the file stock-*.csv: ")
    assert sentence in fault


@pytest.mark.parametrize(
    ("age", "sentence"),
    [
        (2, "was written just now and may not be whole"),
        (27 * 3600, "older than the 26 h of fresh_within: was no newer one dropped?"),
        (-3600, "is dated in the future"),
    ],
)
def test_a_file_of_the_wrong_moment_says_nothing(tmp_path: Path, age: float, sentence: str) -> None:
    drop(tmp_path, age=age)
    assert sentence in str(read(tmp_path).fault)


def test_a_file_that_goes_on_while_it_is_read_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = drop(tmp_path)
    whole = Path.read_bytes

    def written_on(path: Path) -> bytes:
        found = whole(path)
        with file.open("a") as stream:
            stream.write("C;1;2\r\n")
        return found

    monkeypatch.setattr(Path, "read_bytes", written_on)
    assert "stock-1.csv is being written" in str(read(tmp_path).fault)


def test_no_file_is_named_by_its_pattern(tmp_path: Path) -> None:
    assert "no file is called stock-*.csv" in str(read(tmp_path).fault)
    assert "no file is called stock-*.csv" in str(read(tmp_path / "none").fault)
    os.mkfifo(tmp_path / "stock-7.csv")  # reading it would never end
    (tmp_path / "stock-8.csv").mkdir()
    assert "no file is called stock-*.csv" in str(read(tmp_path).fault)


def test_a_file_stands_for_as_long_as_it_is_said(tmp_path: Path) -> None:
    """The next one is read when the last reading is over, and not before."""
    drop(tmp_path)

    async def counts(*seconds: int) -> list[int]:
        found = EntitiesMapping.model_validate(
            {"entities": {"stock": {
                "csv": {"path": str(tmp_path / "stock-*.csv"), "fresh_within": 1, "every": 60,
                        "delimiter": ";"},
                "fields": {"sku": "Artikel"},
            }}}
        )  # fmt: skip
        counted = []
        async with open_http() as http:
            listings = Listings(found, "TWD", http, problem_of)
            for at in seconds:
                now = NOW + timedelta(seconds=at)
                counted.append((await listings.fetched("stock", now)).rows)
                drop(tmp_path, "Artikel\nA\n", name="stock-2.csv", age=30)
            await listings.close()
        return counted

    assert asyncio.run(counts(0, 59, 60)) == [2, 2, 1]
