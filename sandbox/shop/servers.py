"""Servers: the storefront's two servers, sockets that really close, and the traffic between
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
from datetime import datetime
from typing import Any

import structlog
from aiohttp import web

from sandbox.shop.board import repair_fails, server_unhealthy
from sandbox.shop.problems import Problem
from sandbox.shop.store import get, put

__all__ = [
    "SERVERS",
    "Listener",
    "config",
    "give_up_repair",
    "require",
    "set_state",
    "set_traffic",
    "start",
    "status",
]

SERVERS = ("primary", "standby")
_log = structlog.get_logger(__name__)
_PARAMETERS = (
    ("database.pool_size", "20", "20"),
    ("http.keepalive_seconds", "15", "15"),
    ("payments.timeout_seconds", "10", "10"),
    ("orders.write_ahead_log", "on", "on"),
    ("memory.limit_mb", "2048", "512"),  # what it was set to when it crashed
)


class Listener:
    """One address. While it is closed its port stays reserved: connections are refused."""

    def __init__(self, name: str, app: web.Application, host: str, port: int) -> None:
        self.name = name
        self._runner = web.AppRunner(app, access_log=None)
        self._reserved: socket.socket | None = _reserve(host, port)
        self.host = host
        self.port = int(self._reserved.getsockname()[1])
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def listening(self) -> bool:
        return self._server is not None

    async def open(self) -> None:
        """Listens on its port; nothing happens if it does already."""
        if self._server is not None:
            return
        if self._runner.server is None:
            await self._runner.setup()
        handler = self._runner.server
        assert handler is not None  # noqa: S101 - set up above
        held, self._reserved = self._reserved, None
        taken = held or _reserve(self.host, self.port)
        self._server = await asyncio.get_running_loop().create_server(handler, sock=taken)
        _log.info("listening", server=self.name, port=self.port)

    def crash(self) -> None:
        """Closes the listening socket and cuts every connection in the middle of what it does."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        handler = self._runner.server
        for connection in list(handler.connections) if handler is not None else []:
            if connection.transport is not None:
                connection.transport.abort()
        with contextlib.suppress(OSError):  # the port is held again as soon as it is free
            self._reserved = _reserve(self.host, self.port)
        _log.info("closed", server=self.name, port=self.port)

    async def close(self) -> None:
        """For good, at the end of the program."""
        self.crash()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        await self._runner.cleanup()


def _reserve(host: str, port: int) -> socket.socket:
    """Bound, not listening: nobody else gets the port, and who connects is refused."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except OSError:
        taken.close()
        raise
    taken.setblocking(False)
    return taken


def require(server: str) -> str:
    if server not in SERVERS:
        raise Problem(404, "server_not_found", f"There is no server “{server[:40]}”.")
    return server


def states(c: sqlite3.Connection) -> dict[str, str]:
    found: dict[str, str] = get(c, "servers", {"primary": "running", "standby": "stopped"})
    return found


def set_state(c: sqlite3.Connection, server: str, state: str) -> bool:
    """What the server should be. False when it was so already."""
    found = states(c)
    if found[server] == state:
        return False
    put(c, "servers", {**found, server: state})
    return True


def start(c: sqlite3.Connection, server: str) -> bool:
    """Starts or repairs it; the job may end badly. False when it ran already."""
    if states(c)[server] == "running":
        return False
    set_state(c, server, "failed" if repair_fails(c, server) else "running")
    return True


def give_up_repair(c: sqlite3.Connection, server: str) -> None:
    """What a job left as failed is as it was before the job."""
    if states(c)[server] == "failed":
        set_state(c, server, "stopped" if server == "standby" else "down")


def traffic(c: sqlite3.Connection) -> str:
    return str(get(c, "traffic", "primary"))


def set_traffic(c: sqlite3.Connection, server: str, now: datetime) -> bool:
    """Customers reach this server from now on. Refused for one that does not run healthily."""
    if states(c)[server] != "running":
        raise Problem(409, "not_running", f"The {server} server is not running: start it first.")
    if server_unhealthy(c, server):
        raise Problem(409, "not_healthy", f"The {server} server is not healthy: traffic stays.")
    if traffic(c) == server:
        return False
    put(c, "traffic", server)
    put(c, "traffic.changed_at", now.isoformat())
    return True


def status(c: sqlite3.Connection) -> dict[str, Any]:
    found = states(c)
    return {
        "traffic": traffic(c),
        "servers": [
            {
                "id": server,
                "state": found[server],
                "healthy": found[server] == "running" and not server_unhealthy(c, server),
            }
            for server in SERVERS
        ],
    }


def config(c: sqlite3.Connection, server: str) -> dict[str, Any]:
    """The parameters that matter. After a crash one is wrong until it is restored."""
    crashed = server == "primary" and bool(get(c, "crashed", False))
    parameters = []
    for name, expected, broken in _PARAMETERS:
        actual = broken if crashed else expected
        parameters.append(
            {"name": name, "expected": expected, "actual": actual, "ok": actual == expected}
        )
    return {"server": server, "ok": all(p["ok"] for p in parameters), "parameters": parameters}
