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

from bot.cli.errors import UserError
from bot.cli.stack import Stack, stack
from bot.cli.terminal import Terminal, text


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
                Path(folder), port=port, shop_options=("--rate", str(rate)), change=_always_awake
            )
            running = opened.__enter__()
        try:
            _guide(running)
            terminal.say("\n  Muster runs at  ", text(running.slack_url, "bold"))
            terminal.say(f"  Shop's faults   {running.shop_url}")
            terminal.say("  Ctrl-C ends everything.\n")
            while not stop.wait(0.5):
                _watch(running)
        finally:
            terminal.say("Stopping.")
            opened.__exit__(None, None, None)


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise UserError(
                f"Port {port} is busy (another demo?): stop that, or choose one with --port."
            ) from None


def _always_awake(data: dict[str, Any]) -> None:
    """Whoever tries the demo at night should see it ring all the same."""
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}


def _watch(running: Stack) -> None:
    for program in (running.slack, running.shop, running.bot):
        if program is not None and program.process.poll() is not None:
            tail = program.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
            raise UserError(f"{program.name} has stopped by itself. Its last words:", *tail)


def _guide(running: Stack) -> None:
    """What to try, shown in the page itself."""
    guide = {
        "title": {"en": "What to try", "zh-Hant": "可以試試看"},
        "steps": [
            {
                "en": "Open the shop's switches and turn on “Half of the card payments fail”.",
                "zh-Hant": "到商店的故障開關頁，開啟「刷卡約半數失敗」。",
                "link": running.shop_url,
            },
            {
                "en": "Within half a minute a thread opens in #order-incidents. Mei's phone rings.",
                "zh-Hant": "半分鐘內 #order-incidents 會開立事件討論串，Mei 的手機會響。",
            },
            {
                "en": "As Mei, press the green button. It runs, is verified, and the card turns.",
                "zh-Hant": "以 Mei 的身分按綠色按鈕，看它執行、驗證，卡片隨之更新。",
            },
            {
                "en": "As Sam, who has no role, press a button: refused, to Sam's eyes only.",
                "zh-Hant": "換成沒有權限的 Sam 按按看：只有 Sam 會看到拒絕訊息。",
            },
            {
                "en": "Follow the runbook in the thread, resolve, and read the review.",
                "zh-Hant": "依討論串裡的應變步驟處理、結案，最後看檢討報告。",
            },
            {
                "en": "As Lin, in #cs-desk, type /complaint. Or type /incident anywhere.",
                "zh-Hant": "以 Lin 的身分在 #cs-desk 輸入 /complaint，或在任何頻道輸入 /incident。",
            },
        ],
        "links": [
            {
                "label": {"en": "The shop's switches", "zh-Hant": "商店的故障開關"},
                "url": running.shop_url,
            }
        ],
    }
    httpx.post(f"{running.slack_url}/hand/guide", json=guide, timeout=10).raise_for_status()
