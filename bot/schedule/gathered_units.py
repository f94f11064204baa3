"""Gathered units: small units of work of turns that end together, in one transaction.

A hundred checks are due at the same moment, and each has one row to write: a transaction for each
costs more than what it writes. Where one of them fails, each is done by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from storage.errors import StorageError

T = TypeVar("T")
Unit = Callable[[Session], Any]
_AT_MOST = 32  # in one transaction: the writer must not be kept

_Waiting = list[tuple[Unit, asyncio.Future[Any]]]


class GatheredUnits:
    """What is handed in while others are under way goes with the next."""

    def __init__(self, run: Callable[[Callable[[Session], list[Any]]], Awaitable[list[Any]]]):
        """`run`: a database's `write` or `read`."""
        self._run = run
        self._waiting: _Waiting = []
        self._going: asyncio.Task[None] | None = None

    async def do(self, unit: Callable[[Session], T]) -> T:
        """Committed when this returns; raises what the unit raised."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        if self._going is None:
            self._going = asyncio.create_task(self._work_off(), name="gathered-units")
        return await future

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:_AT_MOST], self._waiting[_AT_MOST:]
                await self._together(taken)
        finally:
            self._going = None

    async def _together(self, taken: _Waiting) -> None:
        try:
            results = await self._run(lambda session: [unit(session) for unit, _ in taken])
        except Exception as error:
            if isinstance(error, StorageError) or len(taken) == 1:
                for _, future in taken:
                    _end(future, error=error)
                return
            for one in taken:
                await self._together([one])
            return
        for (_, future), result in zip(taken, results, strict=True):
            _end(future, result)


def _end(
    future: asyncio.Future[Any], result: Any = None, *, error: Exception | None = None
) -> None:
    if future.done():  # its turn was broken off
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
