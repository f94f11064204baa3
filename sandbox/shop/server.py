"""Server: the shop as a whole, its file, its clock, its three listeners and its stream."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path

import structlog

from sandbox.shop import seed, stream
from sandbox.shop.clock import ShopClock
from sandbox.shop.routes import control_app, storefront_app
from sandbox.shop.servers import SERVERS, Listener
from sandbox.shop.shop import Shop
from sandbox.shop.store import Store, get

__all__ = ["ShopSandbox"]

_EVERY = 0.5  # seconds between looks of the stream
_log = structlog.get_logger(__name__)


class ShopSandbox:
    """Runs the shop inside this process.

    `directory` holds its database, which is filled with a week of history when it is new. `rate` is
    the orders a minute that come by themselves; 0: none. Ports: 0 takes a free one.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        primary_port: int = 0,
        standby_port: int = 0,
        seed: int = 1111,
        rate: float = 12.0,
        host: str = "127.0.0.1",
    ) -> None:
        self._ports = {"control": port, "primary": primary_port, "standby": standby_port}
        self._host = host
        rng = random.Random(seed)  # noqa: S311 - plausible orders, no secrets
        self.shop = Shop(Store(directory / "shop.db"), ShopClock(), rng, rate)
        self._control: Listener | None = None
        self._stream: asyncio.Task[None] | None = None

    @property
    def control_url(self) -> str:
        return self.shop.control_url

    @property
    def primary_url(self) -> str:
        return self.shop.listeners["primary"].url

    @property
    def standby_url(self) -> str:
        return self.shop.listeners["standby"].url

    @property
    def database_url(self) -> str:
        return self.shop.store.url

    def says(self) -> dict[str, str]:
        """The line of JSON that the program prints."""
        return {
            "control": self.control_url,
            "primary": self.primary_url,
            "standby": self.standby_url,
            "database": self.database_url,
        }

    async def start(self) -> None:
        """Raises OSError when a port is taken; nothing is left open then."""
        shop = self.shop
        try:
            self._control = Listener(
                "control", control_app(shop, self._host), self._host, self._ports["control"]
            )
            shop.control_url = self._control.url
            for server in SERVERS:
                shop.listeners[server] = Listener(
                    server, storefront_app(shop, server), self._host, self._ports[server]
                )
            await shop.store.open()
            offset = await shop.store.write(self._prepare)
            shop.clock.advance(offset)
            await shop.store.write(lambda c: stream.rest(c, shop.clock.now()))
            await self._control.open()
            await shop.reconcile()
        except BaseException:
            await self.stop()
            raise
        self._stream = asyncio.create_task(self._run_stream())

    def _prepare(self, c: sqlite3.Connection) -> float:
        seed.seed(c, self.shop.rng, self.shop.clock.now())
        return float(get(c, "clock.offset", 0.0))

    async def _run_stream(self) -> None:
        while True:
            try:
                await self.shop.catch_up()
            except sqlite3.OperationalError as error:  # locked by a reader's checkpoint, disk full
                _log.warning("stream_failed", error=str(error))
            await asyncio.sleep(_EVERY)

    async def stop(self) -> None:
        """Ends the stream, cuts the connections, closes the file."""
        if self._stream is not None:
            self._stream.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stream
            self._stream = None
        for listener in (*self.shop.listeners.values(), self._control):
            if listener is not None:
                await listener.close()
        await self.shop.store.close()
