"""Stack: the whole thing on one machine, sandbox Slack, demo shop and bot, each a process of its
own.
"""

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
from collections.abc import Callable, Iterator, Mapping
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

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether the kernel has stopped it (SIGSTOP); told on Linux alone."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return False
        return stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal, and no more of it."""
        os.kill(self.process.pid, number)

    def stop(self, *, grace: float = 10.0) -> None:
        """SIGTERM, and SIGKILL for what does not end within `grace` seconds."""
        if self.running:
            self.signal(signal.SIGCONT)  # a stopped process would not hear it
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
    config: Path
    environment: dict[str, str]
    bots: dict[str, Program] = field(default_factory=dict)

    @property
    def bot(self) -> Program | None:
        """The one bot; of several, the first that was started."""
        return next(iter(self.bots.values()), None)

    @bot.setter
    def bot(self, program: Program) -> None:
        self.bots[program.name] = program

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
        return control_of(self.bot)

    def start_bot(
        self, *arguments: str, name: str = "bot", module: tuple[str, ...] = ("bot.cli",)
    ) -> Program:
        """Starts a bot (again) with the same configuration and database.

        `name`: of a replica; each has its own log. `module`: what is run in place of the command
        line, for tests that need a bot with a weakness.
        """
        command = [sys.executable, "-m", *module, "run", "--config", str(self.config), "--ready"]
        program = start(name, [*command, *arguments], self.folder, self.environment)
        self.bots[name] = program
        return program

    def advance(self, seconds: float, *, settle: float = 10.0) -> None:
        """Moves every clock forward: shop first, so that the bots' checks see the new time.

        A frozen bot's clock stays behind.

        Then at most `settle` real seconds are left to the bots for what has become due.
        """
        driven = [control_of(bot) for bot in self.bots.values() if bot.running and not bot.frozen]
        with httpx.Client(timeout=30) as http:
            for url in (f"{self.shop_url}/clock", f"{self.slack_url}/hand/clock"):
                http.post(url, json={"advance": seconds}).raise_for_status()
            for url in driven:
                http.post(f"{url}/clock", json={"advance": seconds}).raise_for_status()
            _settle(http, driven, settle)

    def stop(self) -> None:
        for program in (*self.bots.values(), self.shop, self.slack):
            program.stop()

    def kill(self) -> None:
        """Ends everything at once; `stop` tidies up after it."""
        for program in (*self.bots.values(), self.shop, self.slack):
            program.process.kill()


def control_of(bot: Program) -> str:
    """The control port of a bot that was started with one."""
    return str(bot.says["control"])


def _settle(http: httpx.Client, driven: list[str], within: float) -> None:
    """Lets the bots do what has become due before the time moves on again."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if all(http.get(f"{url}/idle").json()["idle"] for url in driven):
            return
        time.sleep(0.02)


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
    commands: Mapping[str, str] | None = None,
    public_url: str | None = None,
) -> Iterator[Stack]:
    """Runs the trio for the length of the block; everything is stopped at its end.

    `commands`: what they are called in this workspace, in the manifest and the configuration.
    `public_url`: of the manifest, in HTTP mode.
    """
    python = sys.executable
    manifest = folder / "manifest.yml"
    from bot.cli.manifest import manifest_of

    made = manifest_of(commands or {}, public_url)
    manifest.write_text(yaml.safe_dump(made, allow_unicode=True, sort_keys=False), "utf-8")
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
        data["slack"]["commands"] = dict(commands or {})
        if change is not None:
            change(data)
        config = folder / "muster.yaml"
        config.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
        running = Stack(folder, slack, shop, config, demo_environment())
        if with_bot:
            running.start_bot(*bot_options)
        yield running
    finally:
        bots = running.bots.values() if running else ()
        for program in (*bots, shop, slack):
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
        "MUSTER_ALERTS_ALERTMANAGER": "sandbox-secret-of-alertmanager",
        "MUSTER_ALERTS_WAREHOUSE": "sandbox-secret-of-the-warehouse",
        "MUSTER_ALERTS_IDS": "sandbox-secret-of-the-intrusion-detection",
    }


def demo_doors() -> dict[str, Any]:
    """The demo's doors for other systems; their secrets stand in `demo_environment`."""
    text = resources.files("bot.cli").joinpath("data/demo_alerts.yaml").read_text(encoding="utf-8")
    doors: dict[str, Any] = yaml.safe_load(text)
    return doors


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
