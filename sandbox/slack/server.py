"""Server of the sandbox Slack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.slack.api import WebApi
from sandbox.slack.clock import SandboxClock
from sandbox.slack.config import AppConfig
from sandbox.slack.routes import PAGE, build
from sandbox.slack.world import World


class SlackSandbox:
    """A local Slack workspace.

    `app_config` is an AppConfig, a manifest as an object, or None for an app that may do
    everything. With `http_events` payloads go to that URL as signed requests, else by Socket Mode.
    """

    def __init__(
        self,
        port: int = 0,
        app_config: AppConfig | dict[str, Any] | None = None,
        *,
        host: str = "127.0.0.1",
        http_events: str | None = None,
        clock: SandboxClock | None = None,
        page: Path = PAGE,
    ) -> None:
        if isinstance(app_config, dict):
            app_config = AppConfig.from_manifest(app_config)
        self._host = host
        self._port = port
        self._page = page
        self._config = app_config or AppConfig()
        self._http_events = http_events
        self._clock = clock or SandboxClock()
        self._runner: web.AppRunner | None = None
        self._api: WebApi | None = None
        self.world: World
        self.url = ""

    async def start(self) -> str:
        """Listens; returns the address. Raises OSError when the port is taken."""
        self.world = World(self._config, clock=self._clock, http_events=self._http_events)
        self._api = WebApi(self.world)
        self._runner = web.AppRunner(
            build(self.world, self._api, self._page, host=self._host),
            access_log=None,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self._host, self._port, backlog=1024)
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        host, port = self._runner.addresses[0][:2]
        self.url = self.world.base_url = f"http://{host}:{port}"
        return self.url

    async def stop(self) -> None:
        if self._api is not None:
            self._api.stop()
        if self._runner is not None:
            await self.world.close()
            await self._runner.cleanup()
            self._runner = None
