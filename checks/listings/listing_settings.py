"""Listing settings: where rows that stand in no database come from, and how far is read.

Both kinds end in rows with named values; what a field of them means is said as of any table.
"""

from __future__ import annotations

import codecs
from pathlib import PurePath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Path = Annotated[str, Field(pattern=r"^[^.\s][^\s]*$", max_length=200)]  # data.items
Seconds = Annotated[float, Field(gt=0, le=300)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pages(_Part):
    """The way from one page of the answer to the next: one of `cursor`, `number`, `link`."""

    cursor: Path | None = None  # where the answer holds the next one: meta.next
    parameter: str | None = None  # of the address, that takes the cursor
    number: str | None = None  # the parameter that takes the number; the first empty page is last
    first: Annotated[int, Field(ge=0, le=1)] = 1  # the number of the first page
    link: Path | None = None  # where the answer holds the next address; or: header
    more: Path | None = None  # where the answer says true or false of a further page
    ends_without: bool = False  # the last page leaves the cursor or the address out

    @model_validator(mode="after")
    def _one_way(self) -> Pages:
        ways = [name for name in ("cursor", "number", "link") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError("say one way to the next page: cursor, number or link")
        if (self.cursor is None) != (self.parameter is None):
            raise ValueError("a cursor and the parameter that takes it are said together")
        return self


class _Listing(_Part):
    """What both kinds have in common."""

    every: Annotated[int, Field(ge=5, le=86_400)] = 60  # seconds for which what was read is shared
    most_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    most_bytes: Annotated[int, Field(ge=1_000, le=512_000_000)] = 32_000_000
    timeout: Seconds = 20.0  # of the whole of it
    optional: tuple[str, ...] = ()  # columns that a row may lack
    may_be_empty: bool = False  # nothing listed is an answer: it lists what is open alone


def _address(url: str) -> str:
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        raise ValueError("it is no address; write one like https://desk.example/tickets") from None
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError("it is no address; write one like https://desk.example/tickets")
    if found.username is not None or found.password is not None:
        raise ValueError("a user and a password stand in headers (Authorization), not in a url")
    if found.fragment:
        raise ValueError("what follows “#” is never sent; leave it out")
    return url


class HttpListing(_Listing):
    """The JSON rows of an address."""

    # Absolute, its parameters with it. May hold a key.
    url: Annotated[str, AfterValidator(_address)] = Field(repr=False)
    headers: dict[str, str] = Field(default={}, repr=False)  # may hold a token
    rows: Path | None = None  # where the list stands in the answer; without it, it is the answer
    pages: Pages | None = None  # without it the first is the only one
    per_minute: Annotated[float, Field(gt=0, le=6_000)] | None = None  # requests, at most

    @property
    def place(self) -> str:
        """As people know it; what follows the host may be a secret."""
        return f"the listing at {urlsplit(self.url).hostname}"


def _encoding(name: str) -> str:
    try:
        if codecs.lookup(name)._is_text_encoding:  # noqa: SLF001 - there is no other word for it
            return name
    except LookupError:
        pass
    raise ValueError(f"“{name}” is no encoding; write utf-8, utf-8-sig, big5, cp1252 …")


class CsvFile(_Listing):
    """A file that is dropped for us: the newest that the pattern names."""

    path: str  # absolute; * stands for any letters of the name
    fresh_within: Annotated[float, Field(gt=0, le=24 * 366)]  # hours; an older one says nothing
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8-sig"
    decimal: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    thousands: Annotated[str, Field(pattern=r"^[., ']$")] | None = None
    ends_open: bool = False  # its last line has no line break; else such a file was cut off

    @model_validator(mode="after")
    def _whole(self) -> CsvFile:
        path = PurePath(self.path)
        if not path.is_absolute():
            raise ValueError("path is absolute: /drop/stock-*.csv")
        if any(mark in str(path.parent) for mark in "*?["):
            raise ValueError("only the name of the file has a pattern: /drop/stock-*.csv")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are two marks")
        if self.delimiter in '"\r\n':
            raise ValueError("delimiter is the mark between two values: “,” or “;”")
        return self

    @property
    def place(self) -> str:
        """As people look for it."""
        return f"the file {PurePath(self.path).name}"


Listing = HttpListing | CsvFile
