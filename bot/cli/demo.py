"""`muster demo`: shop, sandbox Slack and bot on this machine; one address to open."""

from __future__ import annotations

import signal
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import click
import httpx
import yaml

from bot.cli.errors import UserError
from bot.cli.stack import Stack, demo_doors, stack
from bot.cli.terminal import Terminal, text

GUIDE = Path(__file__).parent / "data" / "guide.yaml"


@click.command("demo")
@click.option("--port", default=8065, show_default=True, help="Of the page to open.")
@click.option("--rate", default=12, show_default=True, help="Orders a minute in the demo shop.")
def command(port: int, rate: int) -> None:
    """Try the whole of it: no account, no server, nothing kept. Ctrl-C ends everything."""
    _free(port)
    terminal = Terminal()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="muster-demo-") as folder:
        with (
            terminal.console.status("Starting shop, Slack and bot"),
        ):
            opened = stack(
                Path(folder), port=port, shop_options=("--rate", str(rate)), change=_to_be_tried
            )
            running = opened.__enter__()
        try:
            _guide(running)
            terminal.say("\n  Muster runs at  ", text(running.slack_url, "bold"))
            terminal.say(f"  Shop's faults   {running.shop_url}")
            terminal.say("  Another system's alert, to be sent from another terminal:\n")
            terminal.say(text(_an_alert(running), "dim"))
            terminal.say("\n  Ctrl-C ends everything.\n")
            while not stop.wait(0.5):
                _watch(running)
        finally:
            terminal.say("Stopping.")
            opened.__exit__(None, None, None)


def _an_alert(running: Stack) -> str:
    """A line that sends one; with `resolved` in place of `firing` it is over."""
    secret = running.environment["MUSTER_ALERTS_ALERTMANAGER"]
    alert = (
        '{"alerts": [{"status": "firing", "fingerprint": "5ef7", "labels": {"service": "checkout", '
        '"severity": "warning"}, "annotations": {"summary": "17 % of the requests fail"}}]}'
    )
    address = f"{running.bot.says['web']}/alerts/alertmanager" if running.bot is not None else ""
    return f"  curl -H 'Authorization: Bearer {secret}' -d '{alert}' {address}"


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise UserError(
                f"Port {port} is busy (another demo?): stop that, or choose one with --port."
            ) from None


def _to_be_tried(data: dict[str, Any]) -> None:
    """Whoever tries the demo at night should see it ring all the same, and has all the doors."""
    data["alerts"] = demo_doors()
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}


def _watch(running: Stack) -> None:
    for program in (running.slack, running.shop, running.bot):
        if program is not None and program.process.poll() is not None:
            tail = program.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
            raise UserError(f"{program.name} has stopped by itself. Its last words:", *tail)


def _guide(running: Stack) -> None:
    """What to try, shown in the page itself."""
    guide = yaml.safe_load(GUIDE.read_text(encoding="utf-8"))
    programs = {"shop": running.shop_url}
    for step in guide["steps"]:
        step.update({"link": programs[step["link"]]} if "link" in step else {})
    for link in guide["links"]:
        link["url"] = programs[link["url"]]
    httpx.post(f"{running.slack_url}/hand/guide", json=guide, timeout=10).raise_for_status()
