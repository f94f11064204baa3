"""The running shop: what its routes share."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from dataclasses import dataclass, field

from sandbox.shop import servers, stream
from sandbox.shop.clock import ShopClock
from sandbox.shop.control_faults import ControlFaults
from sandbox.shop.servers import Listener
from sandbox.shop.store import Store

__all__ = ["Shop"]


@dataclass
class Shop:
    """`rate`: orders a minute that come by themselves. `rng` is used in the writer thread only."""

    store: Store
    clock: ShopClock
    rng: random.Random
    rate: float
    control_faults: ControlFaults = field(default_factory=ControlFaults)
    listeners: dict[str, Listener] = field(default_factory=dict)
    control_url: str = ""
    _reconciling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reconcile(self) -> None:
        """Opens and closes the servers' sockets as the database says they should be."""
        async with self._reconciling:
            wanted = await self.store.read(servers.states)
            for name, listener in self.listeners.items():
                if wanted[name] == "running":
                    await listener.open()
                else:
                    listener.crash()

    async def catch_up(self) -> int:
        """Writes what should have happened by now; an idle shop writes nothing."""
        if not await self.store.read(lambda c: stream.due(c, self.rate, self.clock.now())):
            return 0

        def work(c: sqlite3.Connection) -> int:
            return stream.catch_up(c, self.rng, self.rate, self.clock.now())

        return await self.store.write(work)
