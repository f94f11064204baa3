"""The demo as a person uses it: the real shop, sandbox Slack and bot, looked at in Chromium.

The three run as processes with driven clocks (`bot.cli.stack`), so that no test waits for time to
pass; one test starts `muster demo` itself.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.cli.stack import Stack, stack
from tests.browser.conftest import LOOP, PHONE, Opener
from tests.browser.test_page import CLIPPED, focused, no_sideways_scroll, serious

pytestmark = [pytest.mark.browser, LOOP]
pytest.importorskip("playwright", reason="not run: no Playwright")

from playwright.async_api import expect  # noqa: E402 - only where Playwright is there

LONG = 20_000  # milliseconds until the stack must have done what was asked of it
CHECK = 10.0  # seconds between two runs of the demo's payment-channel check
LOOK = 30.0  # seconds between two looks at what was switched
WORKS = "Card payments work again, through Harborpay"


def _always_awake(data: dict[str, Any]) -> None:
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}


@pytest.fixture
def trio(tmp_path: Path, chromium: str) -> Iterator[Stack]:
    """Shop, sandbox Slack and bot on driven clocks; no orders but those of the fault."""
    with stack(
        tmp_path,
        shop_options=("--rate", "0"),
        bot_options=("--control", "0"),
        change=_always_awake,
    ) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def see(trio: Stack, tab: Opener) -> Opener:
    """`await see("U0MEI", "C0INCIDENTS")`: that person's page of the running trio."""

    async def opened(person: str = "U0MEI", place: str = "C0INCIDENTS", **how: Any) -> Any:
        page = await tab(f"{trio.slack_url}/#/{person}/{place}", **how)
        await page.wait_for_selector("#app[data-ready]")
        return page

    return opened


async def advance(trio: Stack, seconds: float) -> None:
    await asyncio.to_thread(trio.advance, seconds)


async def throw(trio: Stack, tab: Opener) -> Any:
    """Half of the card payments fail: the switch on the shop's own page."""
    shop = await tab(trio.shop_url)
    switch = shop.get_by_role("switch", name="Half of the card payments fail")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    return shop


async def opens(trio: Stack, page: Any) -> Any:
    """Three checks on, the card stands on the page without reload."""
    card = page.locator("main article").filter(has=page.locator("[data-block=identity]"))
    for _ in range(6):
        await advance(trio, CHECK)
        try:
            await expect(card).to_have_count(1, timeout=1_500)
        except AssertionError:
            continue
        break
    await expect(card).to_have_count(1)
    await expect(card.locator(".thread-summary")).to_be_visible(timeout=LONG)
    return card


async def holds(trio: Stack, card: Any) -> None:
    """The switch is watched for two minutes, look by look, before the card says that it works."""
    await expect(card).to_contain_text("Works, watched until", timeout=LONG)
    for _ in range(10):
        await advance(trio, LOOK)
        try:
            await expect(card).to_contain_text(WORKS, timeout=1_500)
        except AssertionError:
            continue
        break
    await expect(card).to_contain_text(WORKS, timeout=LONG)


async def confirm(page: Any, label: str) -> None:
    await page.get_by_role("alertdialog").get_by_role("button", name=label).click()


async def choose(page: Any, dialog: Any, label: str, option: str) -> None:
    """Picks an option of a select in a modal."""
    await dialog.get_by_label(label).click()
    await page.get_by_role("option", name=option).click()


async def test_from_the_fault_to_the_review(trio: Stack, tab: Opener, see: Opener) -> None:
    """A person without the right is refused, Mei switches, sees it verified, resolves, reads."""
    mei, sam = await see(), await see("U0SAM")
    await throw(trio, tab)
    card = await opens(trio, mei)
    await expect(card).to_contain_text("57 of 118 in the last 5 minutes; usually 3 in 100.")
    await expect(card).to_contain_text("41 orders of 39 customers")
    await expect(card.locator(".button.primary")).to_have_text("Switch to Harborpay")

    # Sam has no role: told to his eyes only, and nothing has changed.
    await sam.locator("main").get_by_role("button", name="Switch to Harborpay").click()
    await confirm(sam, "Switch now")
    refusal = "“Switch payment channel” needs the role on-call. On call now: Mei."
    await expect(sam.locator("main").get_by_text(refusal)).to_be_visible(timeout=LONG)
    await expect(sam.locator("main").get_by_role("button", name="Ask Mei")).to_be_visible()
    await expect(mei.locator("main").get_by_text(refusal)).to_have_count(0)
    await expect(card).to_contain_text("nobody yet")

    await card.locator(".button.primary").click()
    dialog = mei.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("The 9 payments without an answer stay with Northpay")
    await confirm(mei, "Switch now")
    await holds(trio, card)
    await expect(card).to_contain_text("Mitigated")
    await expect(card).to_contain_text("Owner Mei, since")
    await card.locator(".thread-summary").click()
    thread = mei.locator("#thread")
    done = re.compile(r"Mei took it and switched card payments from Northpay to Harborpay\. Verif")
    await expect(thread.get_by_text(done)).to_be_visible(timeout=LONG)
    await expect(thread).to_contain_text("✅ 2 Switch to the standby")

    await resolve(mei, card)
    await expect(card).to_contain_text("Resolved", timeout=LONG)
    await review(mei, thread)


async def resolve(page: Any, card: Any) -> None:
    """By the card's menu and the modal that lists what is still open."""
    await card.get_by_role("button", name="More options").click()
    await page.get_by_role("menuitem", name=re.compile("^(Resolve|More…)$")).first.click()
    dialog = page.get_by_role("dialog")
    form = dialog.filter(has_text="Resolve INC-1?")
    await expect(dialog).to_be_visible(timeout=LONG)
    if await form.count() == 0 and await dialog.get_by_role("button", name="Resolve").count():
        await dialog.get_by_role("button", name="Resolve").click()
    await expect(form.get_by_text("Still open:")).to_be_visible(timeout=LONG)
    await expect(form).to_contain_text("9 payments without an answer from Northpay.")
    await expect(form).to_contain_text("Card payments still go through Harborpay.")
    await choose(page, form, "Cause", "Vendor")
    await form.get_by_label("What would prevent it?").fill("Ask Northpay for a status feed")
    await form.get_by_role("button", name="Resolve").click()
    await expect(dialog).to_contain_text("INC-1 is resolved.", timeout=LONG)
    await dialog.get_by_role("button", name="Close").last.click()
    await expect(dialog).to_have_count(0)


async def review(page: Any, thread: Any) -> None:
    """Its first screen stands in the thread, and its files beside it."""
    told = thread.locator("article").filter(has_text="Was the plan followed?")
    await expect(told).to_be_visible(timeout=LONG)
    await expect(told).to_contain_text("Card payments failed on Northpay")
    await expect(told).to_contain_text("Mei switched to Harborpay")
    await expect(told).to_contain_text("Ask Northpay for a status feed")


async def fits(page: Any, place: Any) -> None:
    """The next button in sight, nothing to scroll sideways, no clipped label."""
    await expect(place.locator(".button.primary").first).to_be_in_viewport(ratio=1)
    assert await no_sideways_scroll(page)
    assert await page.evaluate(CLIPPED) == []


async def test_on_a_phone_in_both_languages(trio: Stack, tab: Opener, see: Opener) -> None:
    """390 pixels wide: card, thread, dialog, the card in Chinese, orders; axe finds nothing."""
    await throw(trio, tab)
    mei = await see(viewport=PHONE)
    card = await opens(trio, mei)
    await fits(mei, mei.locator("main"))
    assert await serious(mei) == []
    await card.locator(".thread-summary").click()
    thread = mei.locator("#thread")
    await expect(thread.locator("article").nth(1)).to_contain_text("Runbook 3.3")
    await fits(mei, thread)
    assert await serious(mei) == []

    lin = await see("U0LIN", viewport=PHONE)
    assert await lin.evaluate("document.documentElement.lang") == "zh-Hant"
    await lin.locator("main").get_by_role("button", name="更多選項").first.click()
    await lin.get_by_role("menuitem", name="中文").click()
    own = lin.locator("main article").filter(has_text="刷卡付款大量失敗")
    await expect(own).to_contain_text("近 5 分鐘 118 筆中 57 筆失敗", timeout=LONG)
    await expect(own.locator(".button.primary")).to_have_text("切換到 Harborpay")
    await expect(own.locator(".button.primary")).to_be_in_viewport(ratio=1)
    await fits(lin, own)
    assert await serious(lin) == []
    await own.get_by_role("button", name="41 筆訂單").click()
    cases = lin.get_by_role("dialog")
    await expect(cases).to_contain_text("未回覆", timeout=LONG)
    assert await no_sideways_scroll(lin)
    assert await lin.evaluate(CLIPPED) == []
    assert await serious(lin) == []
    await expect(mei.locator("main").get_by_text("刷卡付款大量失敗")).to_have_count(0)


async def test_the_switch_by_keyboard_alone(trio: Stack, tab: Opener, see: Opener) -> None:
    await throw(trio, tab)
    mei = await see()
    card = await opens(trio, mei)
    await card.get_by_role("button", name="More options").focus()
    await mei.keyboard.press("Tab")
    assert await focused(mei) == "Switch to Harborpay"
    await mei.keyboard.press("Enter")
    dialog = mei.get_by_role("alertdialog")
    await expect(dialog).to_be_visible()
    for _ in range(4):
        if await focused(mei) == "Switch now":
            break
        await mei.keyboard.press("Tab")
    assert await focused(mei) == "Switch now"
    await mei.keyboard.press("Enter")
    await holds(trio, card)


# `muster demo` itself


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _demo(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "demo", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        start_new_session=True,
    )


@pytest.fixture
def demo() -> Iterator[Callable[[], tuple[subprocess.Popen[str], int]]]:
    """Starts `muster demo` and waits for its last line; what still runs is ended."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], int]:
        port = _free_port()
        process = _demo(port)
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C ends everything" in line:
                return process, port
        raise AssertionError("muster demo ended before it was ready")

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


async def test_muster_demo_starts_guides_and_ends(
    demo: Callable[[], tuple[subprocess.Popen[str], int]], tab: Opener
) -> None:
    """One address with what to try; a second start says that the port is busy; Ctrl-C ends it."""
    process, port = await asyncio.to_thread(demo)
    page = await tab(f"http://127.0.0.1:{port}/")
    await page.wait_for_selector("#app[data-ready]")
    await expect(page.locator(".guide")).to_contain_text("Half of the card payments fail")
    links = page.get_by_role("link", name="The shop's switches")
    shop = await tab(str(await links.first.get_attribute("href")))
    await expect(shop.get_by_role("switch", name="Half of the card payments fail")).to_be_visible()

    second = _demo(port)
    said, _ = await asyncio.to_thread(second.communicate)
    assert second.returncode != 0
    assert f"Port {port} is busy" in said
    assert "Traceback" not in said

    process.send_signal(signal.SIGINT)
    said, _ = await asyncio.to_thread(process.communicate, None, 20)
    assert process.returncode == 0
    assert "Traceback" not in said
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
