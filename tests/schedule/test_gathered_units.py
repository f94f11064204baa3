"""Units that end together are one transaction, and one that fails takes none with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.schedule.gathered_units import GatheredUnits
from storage.errors import StorageUnavailable

Session: Any = None


class Book:
    """A database that counts its transactions; what is written stands after a commit."""

    def __init__(self) -> None:
        self.stands: list[int] = []
        self.transactions = 0
        self.gone = False

    async def write(self, work: Callable[[Any], list[Any]]) -> list[Any]:
        await asyncio.sleep(0)
        if self.gone:
            raise StorageUnavailable("gone")
        self.transactions += 1
        draft: list[int] = []
        done = work(draft)
        self.stands += draft
        return done


def unit(number: int) -> Callable[[Any], int]:
    def write(draft: Any) -> int:
        draft.append(number)
        if number < 0:
            raise ValueError(number)
        return number

    return write


async def test_what_comes_together_is_one_transaction() -> None:
    book = Book()
    units = GatheredUnits(book.write)
    assert await asyncio.gather(*(units.do(unit(n)) for n in range(20))) == list(range(20))
    assert book.stands == list(range(20))
    assert book.transactions == 1
    await asyncio.gather(*(units.do(unit(n)) for n in range(40)))
    assert book.transactions == 3, "the writer is not kept by as many as come"


async def test_one_that_fails_takes_none_with_it() -> None:
    book = Book()
    units = GatheredUnits(book.write)
    ended = await asyncio.gather(*(units.do(unit(n)) for n in (1, -2, 3)), return_exceptions=True)
    assert [type(one).__name__ for one in ended] == ["int", "ValueError", "int"]
    assert book.stands == [1, 3], "each once"


async def test_a_database_that_is_gone_is_told_to_all() -> None:
    book = Book()
    units = GatheredUnits(book.write)
    book.gone = True
    ended = await asyncio.gather(*(units.do(unit(n)) for n in range(3)), return_exceptions=True)
    assert {type(one) for one in ended} == {StorageUnavailable}
    book.gone = False
    assert await units.do(unit(7)) == 7


async def test_one_that_nobody_waits_for_any_more_stops_nothing() -> None:
    book = Book()
    units = GatheredUnits(book.write)
    left = asyncio.ensure_future(units.do(unit(1)))
    await asyncio.sleep(0)
    left.cancel()
    assert await units.do(unit(2)) == 2
    with pytest.raises(asyncio.CancelledError):
        await left
