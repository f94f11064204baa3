"""The shop's page in a real browser: switches, both languages, phone width, contrast."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.conftest import LOOP, PHONE
from tests.sandbox_shop.conftest import Client, connected

pytest.importorskip("playwright", reason="not run: Playwright is not installed")
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, LOOP]
WIDE = {"width": 1280, "height": 900}
DAILY = ((WIDE, "light", "en"), (PHONE, "dark", "zh-Hant"))  # the others in .ci/full


@pytest_asyncio.fixture(loop_scope="module")
async def shop(tmp_path: Path) -> AsyncIterator[Client]:
    """A shop without a stream of its own."""
    async with connected(tmp_path) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _nothing_left_open(browser: Browser) -> AsyncIterator[None]:
    yield
    for context in browser.contexts:
        await context.close()


async def open_page(shop: Client, browser: Browser, path: str = "/?lang=en", **how: Any) -> Page:
    context = await browser.new_context(**{"viewport": WIDE, **how})
    page = await context.new_page()
    await page.goto(shop.sandbox.control_url + path)
    return page


async def test_a_switch_breaks_the_shop_and_mends_it(shop: Client, browser: Browser) -> None:
    page = await open_page(shop, browser)
    half = page.get_by_role("switch", name="Half of the card payments fail")
    await expect(half).not_to_be_checked()

    await half.click()
    await expect(half).to_be_checked()
    await expect(page.locator("#parts")).to_contain_text(
        "57 of 118 failed in 5 min, 9 without an answer"
    )
    await expect(page.get_by_role("status").filter(has_text="Broken")).to_be_visible()
    stats = await shop.get("/channels/northpay/stats")
    await page.get_by_role("button", name="Mend everything").click()

    await expect(half).not_to_be_checked()
    assert stats["failed"] == 57
    assert (await shop.get("/channels/northpay"))["healthy"]


async def test_it_shows_live_what_others_do(shop: Client, browser: Browser) -> None:
    page = await open_page(shop, browser)
    await expect(page.locator("#route")).to_have_text("Northpay")
    await expect(page.locator("#log")).to_have_text("Nothing has been changed yet.")

    for _ in range(2):
        await shop.put("/routing/card", {"channel": "harborpay"}, "k")
    await shop.fault("server_crash")
    await shop.fault("orders_stuck", count=7, status="dispatched")

    await expect(page.locator("#route")).to_have_text("Harborpay")
    await expect(page.locator("#traffic")).to_have_text("nobody")
    await expect(page.locator("#log li")).to_have_count(2)
    await expect(page.locator("#log li").first).to_contain_text("repeat, answered again")
    await expect(page.get_by_role("switch", name="Primary server crashed")).to_be_checked()
    await expect(page.locator("#option-orders_stuck-count")).to_have_value("7")


async def test_what_is_set_beside_a_switch_is_what_it_does(shop: Client, browser: Browser) -> None:
    page = await open_page(shop, browser, "/?lang=zh-Hant", viewport=PHONE)
    await page.locator("#option-amount_mismatch-over").fill("1")
    await page.locator("#option-amount_mismatch-under").fill("3")

    await page.get_by_role("switch", name="付款金額不符").click()

    await expect(page.locator("#card-amount_mismatch")).to_have_class(re.compile(r"\bon\b"))
    offs = shop.sql(
        "SELECT sum(p.amount_minor) - o.total_minor AS off FROM orders o JOIN payments p "
        "ON p.order_id = o.id AND p.status = 'captured' GROUP BY o.id HAVING off <> 0 ORDER BY off"
    )
    assert offs == [(-12_000,)] * 3 + [(12_000,)]


async def test_a_refusal_is_said_on_the_page(shop: Client, browser: Browser) -> None:
    page = await open_page(shop, browser)
    await page.locator("#option-channel_half-charged").fill("15")

    await page.get_by_role("switch", name="Half of the card payments fail").click()

    await expect(page.locator("#said")).to_contain_text("“charged” is not valid")
    assert not any(fault["on"] for fault in (await shop.get("/faults"))["faults"])


async def test_a_customer_pays_by_the_link(shop: Client, browser: Browser) -> None:
    await shop.fault("channel_half")
    await shop.put("/routing/card", {"channel": "harborpay"})
    [(number, total)] = shop.sql(
        "SELECT number, total_minor FROM orders WHERE status = 'awaiting_payment' LIMIT 1"
    )
    body = {"amount_minor": total, "currency": "TWD", "purpose": "order"}
    link = await shop.post(f"/orders/{number}/payment-links", body)
    page = await open_page(shop, browser, f"/pay/{link['id']}?lang=en")
    await expect(page.locator("#amount")).to_have_text(f"NT${total // 100:,}")

    await page.get_by_role("button", name="Pay by card").click()

    await expect(page.get_by_role("status")).to_have_text("Thank you. Your order is paid.")
    await expect(page.get_by_role("button", name="Pay by card")).to_be_hidden()
    assert (await shop.get(f"/orders/{number}"))["paid"]


@pytest.mark.parametrize(
    ("viewport", "scheme", "language"),
    [
        pytest.param(*one, marks=[pytest.mark.slow] * (one not in DAILY))
        for one in itertools.product((WIDE, PHONE), ("light", "dark"), ("en", "zh-Hant"))
    ],
)
async def test_it_fits_the_phone_and_has_no_serious_finding(
    shop: Client, browser: Browser, language: str, scheme: Any, viewport: dict[str, int]
) -> None:
    await shop.fault("channel_half")
    await shop.fault("server_crash")
    await shop.call("PUT", "/traffic", {"server": "standby"})
    await shop.put("/routing/card", {"channel": "harborpay"}, "k")
    await shop.put("/routing/card", {"channel": "harborpay"}, "k")
    page = await open_page(
        shop, browser, f"/?lang={language}", viewport=viewport, color_scheme=scheme
    )
    await expect(page.locator("#log li")).to_have_count(3)
    await expect(page.locator("html")).to_have_attribute("lang", language)

    found = await Axe().run(page)
    width = await page.evaluate("document.documentElement.scrollWidth")
    clipped = await page.evaluate(
        "[...document.querySelectorAll('button, h3, .figure, .rows *')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)"
        ".map((e) => e.outerHTML)"
    )

    serious = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert width == viewport["width"]
    assert clipped == []


async def test_it_is_worked_by_keyboard(shop: Client, browser: Browser) -> None:
    page = await open_page(shop, browser)
    await expect(page.locator("#latest li")).to_have_count(8)

    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "toggle-server_crash":
            break
    await page.keyboard.press("Space")

    await expect(page.locator("#toggle-server_crash")).to_be_checked()
    await expect(page.locator("#toggle-server_crash")).to_be_focused()


async def test_both_languages_have_the_same_words(shop: Client, browser: Browser) -> None:
    page = await open_page(shop, browser)
    await expect(page.locator("#latest li")).to_have_count(8)
    names = {}
    for language in ("en", "zh-Hant"):
        names[language] = await page.evaluate(
            """async (language) => {
                localStorage.setItem("language", language);
                history.replaceState(null, "", "/");
                const { words } = await import("/words.js");
                const walk = (value, path) => value !== null && typeof value === "object"
                    ? Object.keys(value).flatMap((key) => walk(value[key], `${path}.${key}`))
                    : [path];
                return walk(words(), "").sort();
            }""",
            language,
        )
    assert names["en"] == names["zh-Hant"]
    assert len(names["en"]) > 90


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
async def test_everything_that_can_be_set_has_words(
    shop: Client, browser: Browser, language: str
) -> None:
    page = await open_page(shop, browser, f"/?lang={language}")
    await expect(page.get_by_role("switch").first).to_be_visible()
    named = page.locator("#switches option, #switches .field span, #switches h3")
    texts = await named.all_text_contents()
    assert len(texts) > 30
    assert all(text.strip() and text != "undefined" for text in texts)
