"""The whole thing on one machine: sandbox Slack, demo shop and bot, each a process of its own."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import IO, Any

import httpx
import yaml

from bot.cli.errors import UserError

READY_WITHIN = 30.0  # seconds until a process must have said that it is ready


@dataclass
class Program:
    """A started process that has printed its one line of JSON."""

    name: str
    process: subprocess.Popen[str]
    says: dict[str, Any]
    log: Path
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def stop(self, *, grace: float = 10.0) -> None:
        """SIGTERM, and SIGKILL for what does not end within `grace` seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(
    name: str, command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> Program:
    """Starts the program and waits for its line. UserError with the end of its log if it dies."""
    log = folder / f"{name}.log"
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own modules, no user input
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,
        )
    says = _first_line(process, name, log)
    return Program(name, process, says, log, command, environment or {})


def _first_line(process: subprocess.Popen[str], name: str, log: Path) -> dict[str, Any]:
    lines: queue.Queue[str] = queue.Queue()

    def read(stream: IO[str]) -> None:
        with contextlib.suppress(ValueError, OSError):  # the stream is closed when it is stopped
            for line in stream:
                lines.put(line)
        lines.put("")

    assert process.stdout is not None  # noqa: S101 - opened as a pipe above
    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        if not line:
            break
        with contextlib.suppress(json.JSONDecodeError):
            says: dict[str, Any] = json.loads(line)
            return says
    process.kill()
    process.wait()
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
    raise UserError(f"{name} did not start. Its last words:", *(tail.splitlines() or ["none"]))


@dataclass
class Stack:
    """The running trio and what is needed to talk to it."""

    folder: Path
    slack: Program
    shop: Program
    bot: Program | None
    config: Path
    environment: dict[str, str]

    @property
    def slack_url(self) -> str:
        return str(self.slack.says["url"])

    @property
    def shop_url(self) -> str:
        return str(self.shop.says["control"])

    @property
    def bot_url(self) -> str:
        """The bot's control port (its clock), where it has one."""
        if self.bot is None:
            raise RuntimeError("the bot is not running")
        return str(self.bot.says["control"])

    def start_bot(self, *arguments: str) -> Program:
        """Starts the bot (again) with the same configuration and database."""
        command = [sys.executable, "-m", "bot.cli", "run", "--config", str(self.config), "--ready"]
        self.bot = start("bot", [*command, *arguments], self.folder, self.environment)
        return self.bot

    def advance(self, seconds: float) -> None:
        """Moves every clock forward: shop first, so that the bot's checks see the new time."""
        with httpx.Client(timeout=30) as http:
            for url in (
                f"{self.shop_url}/clock",
                f"{self.slack_url}/hand/clock",
                f"{self.bot_url}/clock",
            ):
                http.post(url, json={"advance": seconds}).raise_for_status()
            self._settle(http)

    def _settle(self, http: httpx.Client, within: float = 10.0) -> None:
        """Lets the bot do what has become due before the time moves on again."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if http.get(f"{self.bot_url}/idle").json()["idle"]:
                return
            time.sleep(0.02)

    def stop(self) -> None:
        for program in (self.bot, self.shop, self.slack):
            if program is not None:
                program.stop()


@contextlib.contextmanager
def stack(
    folder: Path,
    *,
    port: int = 0,
    shop_options: tuple[str, ...] = (),
    slack_options: tuple[str, ...] = (),
    change: Callable[[dict[str, Any]], None] | None = None,
    bot_options: tuple[str, ...] = (),
    with_bot: bool = True,
) -> Iterator[Stack]:
    """Runs the trio for the length of the block; everything is stopped at its end."""
    python = sys.executable
    manifest = folder / "manifest.yml"
    from bot.cli.manifest import manifest_text

    manifest.write_text(manifest_text(), encoding="utf-8")
    slack_command = ["-m", "sandbox.slack", "--port", str(port), "--manifest", str(manifest)]
    slack = start("slack", [python, *slack_command, *slack_options], folder)
    shop = None
    running: Stack | None = None
    try:
        shop_folder = folder / "shop"
        shop_folder.mkdir(exist_ok=True)
        shop = start(
            "shop",
            [python, "-m", "sandbox.shop", "--dir", str(shop_folder), *shop_options],
            folder,
        )
        data = demo_settings(slack.says, shop.says, folder)
        if change is not None:
            change(data)
        config = folder / "muster.yaml"
        config.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
        running = Stack(folder, slack, shop, None, config, demo_environment())
        if with_bot:
            running.start_bot(*bot_options)
        yield running
    finally:
        for program in (running.bot if running else None, shop, slack):
            if program is not None:
                program.stop()


def demo_environment() -> dict[str, str]:
    """The sandbox's tokens and a fresh key."""
    return {
        "MUSTER_SLACK_BOT_TOKEN": "xoxb-sandbox-bot",
        "MUSTER_SLACK_APP_TOKEN": "xapp-sandbox-app",
        "MUSTER_SLACK_SIGNING_SECRET": "sandbox-signing-secret",
        "MUSTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "MUSTER_PAGE_ROUTING_KEY": "sandbox-routing-key",
    }


def demo_settings(slack: dict[str, Any], shop: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration of the demo with the addresses of the running sandbox."""
    text = resources.files("bot.cli").joinpath("data/demo.yaml").read_text(encoding="utf-8")
    addresses = {
        "SLACK": slack["url"],
        "SHOP_CONTROL": shop["control"],
        "SHOP_PRIMARY": shop["primary"],
        "SHOP_STANDBY": shop["standby"],
        "SHOP_DATABASE": shop["database"],
        "FOLDER": folder.as_posix(),
    }
    for name, value in addresses.items():
        text = text.replace("${" + name + "}", str(value))
    data: dict[str, Any] = yaml.safe_load(text)
    return data
