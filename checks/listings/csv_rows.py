"""CSV rows: of the newest file of a pattern, whole, fresh and no longer being written."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.listings.http_pages import NotFetched
from checks.listings.listing_settings import CsvFile

_SETTLED = timedelta(seconds=5)  # one that was written since may go on
_AHEAD = timedelta(minutes=5)  # by which another machine's clock may go before ours


def csv_rows(
    listing: CsvFile, wanted: Iterable[str], now: datetime
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with the line at which it ends. `wanted`: its columns. Raises NotFetched."""
    newest, text = _read(listing, now)
    name = newest.name
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=listing.delimiter, strict=True)
    try:
        head = [one.strip() for one in next(lines, [])]
        if not any(head):
            raise NotFetched(f"{name} is empty: its first line names the columns")
        twice = next((one for one in head if one and head.count(one) > 1), None)
        if twice is not None:
            raise NotFetched(f"{name} has the column “{twice}” twice")
        lacking = next((one for one in wanted if one not in head), None)
        if lacking is not None:
            raise NotFetched(f"{name} has no column “{lacking}”; it has {', '.join(head)}")
        for values in lines:
            if not values:
                continue
            if len(values) != len(head):
                raise NotFetched(
                    f"line {lines.line_num} of {name} has {len(values)} values and its head "
                    f"{len(head)}: it was cut off, or has another delimiter"
                )
            yield f"line {lines.line_num} of {name}", dict(zip(head, values, strict=True))
    except csv.Error:
        raise NotFetched(
            f"line {lines.line_num} of {name} cannot be read: it was cut off within quotes, "
            "holds quotes that are not doubled, or a value that is too long"
        ) from None


def _read(listing: CsvFile, now: datetime) -> tuple[Path, str]:
    newest, written = _newest(listing)
    age = now - written
    if age < -_AHEAD:
        raise NotFetched(f"{newest.name} is dated in the future: no newer one would be seen")
    if age < _SETTLED:
        raise NotFetched(f"{newest.name} was written just now and may not be whole")
    if age > timedelta(hours=listing.fresh_within):
        raise NotFetched(
            f"{newest.name} is of {written:%Y-%m-%d %H:%M} UTC, older than the "
            f"{listing.fresh_within:g} h of fresh_within: was no newer one dropped?"
        )
    try:
        before = newest.stat()
        if before.st_size > listing.most_bytes:
            raise NotFetched(f"{newest.name} is larger than most_bytes ({listing.most_bytes})")
        data = newest.read_bytes()
        after = newest.stat()
    except OSError as error:
        raise NotFetched(f"{newest.name} cannot be read: {error.strerror}") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise NotFetched(f"{newest.name} is being written")
    try:
        text = data.decode(listing.encoding)
    except (UnicodeError, ValueError):
        raise NotFetched(f"{newest.name} is not {listing.encoding}: correct encoding") from None
    if text and not text.endswith(("\n", "\r")) and not listing.ends_open:
        raise NotFetched(
            f"{newest.name} does not end with a line break: it was cut off, or say ends_open"
        )
    return newest, text


def _newest(listing: CsvFile) -> tuple[Path, datetime]:
    """The regular file that was written last. Another kind of file may never end."""
    wanted = Path(listing.path)
    found: list[tuple[float, Path]] = []
    try:
        for file in sorted(wanted.parent.glob(wanted.name)):
            told = file.stat()
            if stat.S_ISREG(told.st_mode):
                found.append((told.st_mtime, file))
    except OSError as error:
        raise NotFetched(f"{wanted.parent} cannot be read: {error.strerror}") from None
    if not found:
        raise NotFetched(f"no file is called {wanted.name}")
    written, newest = max(found)
    return newest, datetime.fromtimestamp(written, UTC)
