"""The sandbox's page in Chromium, against the real sandbox: what a person sees and can do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import cards
from tests.browser.conftest import (
    LOOP,
    PHONE,
    WIDE,
    Opener,
    Sandbox,
    Seen,
    arrival,
    start_sandbox,
)

pytestmark = [pytest.mark.browser, LOOP]
pytest.importorskip("playwright", reason="not run: no Playwright")

from playwright.async_api import expect  # noqa: E402 - only where Playwright is there

CARDS = {"en": ("U0MEI", cards.CARD), "zh-Hant": ("U0LIN", cards.CARD_ZH)}


def main(page: Any) -> Any:
    return page.locator("main")


async def focused(page: Any) -> str:
    return str(
        await page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
        )
    )


# What is drawn


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
async def test_it_draws_the_card_in_both_languages(
    sandbox: Sandbox, look: Opener, language: str
) -> None:
    """Title, facts, buttons; the frame in the reader's language, times in their zone."""
    person, card = CARDS[language]
    await sandbox.post(**card)
    page = await look(person)
    message = main(page).locator("article").last
    await expect(message.locator(".actions .button")).to_have_count(3)
    await expect(message.locator(".button.primary")).to_have_count(1)
    await expect(message.locator("[data-block=title] strong")).to_have_count(1)
    await expect(message.locator("[data-block=facts] strong")).to_have_count(4)
    # The browser sits in New York; the reader's profile says Taipei.
    await expect(message.locator("[data-block=title] time")).to_have_text("03:02")
    assert await page.evaluate("document.documentElement.lang") == language
    heading = {"en": "Channels", "zh-Hant": "頻道"}[language]
    await expect(page.locator("#sidebar h2").first).to_have_text(heading)
    await expect(message.locator(".mention")).to_have_text("@oncall")


async def test_it_draws_text_with_its_marks_and_nothing_more(
    sandbox: Sandbox, look: Opener
) -> None:
    await sandbox.post(blocks=cards.TEXTS)
    page = await look()
    words = main(page).locator("[data-block=words]")
    for tag, text in {
        "strong": "bold",
        "em": "italic",
        "s": "strike",
        "code": "code <@U0MEI>",
        "blockquote": "quoted",
        "pre": "block <!channel>",
    }.items():
        await expect(words.locator(tag).first).to_have_text(text)
    await expect(words).to_contain_text("<b>no markup</b>")
    await expect(words).to_contain_text("a*b*c")
    link = words.get_by_role("link", name="a link")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(words.locator(".mention.mine")).to_have_text("@Mei")
    rich = main(page).locator("[data-block=rich]")
    await expect(rich).to_contain_text("*literal* <!channel>")
    await expect(rich.locator("blockquote")).to_have_text("their words")
    await expect(rich.locator("time")).to_have_text("03:26")
    await expect(rich.locator("ol li")).to_have_text("first")
    fold = main(page).locator("[data-block=fold]")
    await expect(fold.get_by_text("1 Notice it")).to_be_hidden()
    await fold.get_by_role("button").click()
    await expect(fold.get_by_text("1 Notice it")).to_be_visible()


async def test_it_links_addresses_without_what_stands_around_them(
    sandbox: Sandbox, look: Opener
) -> None:
    await sandbox.post(text="(see https://a.example/x?a=1&amp;b=2). &lt;https://b.example&gt; ok")
    page = await look()
    links = main(page).locator("article a")
    await expect(links).to_have_text(["https://a.example/x?a=1&b=2", "https://b.example"])


async def test_it_never_reads_what_people_wrote_as_markup(sandbox: Sandbox, look: Opener) -> None:
    hostile = "<img src=x onerror=window.pwned=1> <script>window.pwned=1</script> javascript:x"
    escaped = hostile.replace("<", "&lt;").replace(">", "&gt;")
    await sandbox.post(text=escaped)
    await sandbox.post(
        blocks=[
            {"type": "section", "text": cards.plain(hostile)},
            {"type": "section", "text": cards.md("<javascript:window.pwned=1|press me>")},
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": hostile}]}
                ],
            },
            {"type": "markdown", "text": f"{hostile} [x](javascript:window.pwned=1)"},
        ]
    )
    page = await look()
    await expect(main(page).get_by_text("onerror").first).to_be_visible()
    assert await main(page).locator("article img[src='x'], article script").count() == 0
    assert await main(page).locator("a[href^='javascript']").count() == 0
    assert await page.evaluate("window.pwned") is None


async def test_it_sorts_filters_and_pages_a_data_table(sandbox: Sandbox, look: Opener) -> None:
    await sandbox.post(blocks=cards.ORDERS)
    page = await look()
    table = main(page).locator(".data-table")
    cells = table.locator("tbody th")
    await expect(cells).to_have_text(["#1000", "#1001", "#1002"])
    await table.get_by_role("button", name="Next page").click()
    await expect(cells).to_have_text(["#1003", "#1004", "#1005"])
    await table.get_by_role("button", name="Amount").click()
    await expect(cells).to_have_text(["#1004", "#1003", "#1002"])  # the second page of the cheapest
    await table.get_by_role("searchbox").fill("1006")
    await expect(cells).to_have_text(["#1006"])


async def test_it_draws_the_review_and_wide_tables_within_the_message(
    sandbox: Sandbox, look: Opener
) -> None:
    await sandbox.post(blocks=cards.REVIEW)
    await sandbox.post(blocks=cards.WIDE_TABLE)
    page = await look(viewport=PHONE)
    await expect(page.get_by_role("heading", name="Card payments failed")).to_be_visible()
    await expect(main(page).locator(".markdown ol li")).to_have_count(2)
    await expect(main(page).locator(".markdown td")).to_have_text(["03:02", "03:07"])
    assert await no_sideways_scroll(page)


# What a person does


async def test_it_asks_before_it_acts(sandbox: Sandbox, app: Seen, look: Opener) -> None:
    """Esc and "Not yet" send nothing; "Switch now" sends the click once, with its value."""
    await sandbox.post(**cards.CARD)
    page = await look()
    switch = main(page).get_by_role("button", name="Switch to Harborpay")
    await switch.click()
    dialog = page.get_by_role("alertdialog", name="Switch to Harborpay?")
    await expect(dialog).to_contain_text("are not charged again")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(switch).to_be_focused()
    await switch.click()
    await dialog.get_by_role("button", name="Not yet").click()
    await switch.click()
    await dialog.get_by_role("button", name="Switch now").click()
    click = await arrival(app.clicks)
    assert click["actions"][0]["value"] == "INC-412:7:s2"
    assert click["user"]["id"] == "U0MEI"
    assert app.clicks.empty()


async def test_it_shows_a_click_that_was_not_acknowledged(
    sandbox: Sandbox, app: Seen, look: Opener
) -> None:
    await sandbox.post(**cards.CARD)
    page = await look()
    await main(page).get_by_role("button", name="I've got it").click()
    warning = main(page).get_by_role("alert")
    await expect(warning).to_contain_text("did not respond", timeout=8000)


async def test_it_shows_a_command_that_failed(sandbox: Sandbox, look: Opener) -> None:
    """No app is connected, so nobody answers; the words are Slack's."""
    page = await look()
    await main(page).get_by_role("textbox").fill("/incident list")
    await page.keyboard.press("Enter")
    failure = main(page).locator("article", has_text="/incident failed with the error")
    await expect(failure).to_be_visible(timeout=8000)
    await expect(failure).to_contain_text("Only visible to you")
    await failure.get_by_role("button", name="Dismiss message").click()
    await expect(failure).to_be_hidden()


async def test_it_completes_commands_and_refuses_them_in_threads(
    sandbox: Sandbox, app: Seen, look: Opener
) -> None:
    root = await sandbox.post(text="root")
    await sandbox.post(text="reply", thread_ts=root)
    page = await look()
    field = main(page).get_by_role("textbox")
    await field.press_sequentially("/inc")
    await expect(main(page).get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(field).to_have_value("/incident ")
    await main(page).get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("textbox").fill("/incident list")
    await page.keyboard.press("Enter")
    await expect(thread).to_contain_text("/incident is not supported in threads. Sorry!")
    assert app.commands.empty()


async def test_it_shows_a_modal_with_its_errors_and_keeps_what_was_typed(
    sandbox: Sandbox, app: Seen, look: Opener
) -> None:
    page = await look()
    await main(page).get_by_role("textbox").fill("/incident")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Resolve INC-412?")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog.locator(".input-error")).to_have_count(2)
    await expect(dialog.get_by_text("Please complete this required field.").first).to_be_visible()
    assert app.submissions.empty()
    await dialog.get_by_role("button", name="Cause").click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await dialog.get_by_label("What would prevent it?").fill("nothing")
    await dialog.get_by_label("Pieces").fill("3.5")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog.get_by_text("Please enter a whole number.")).to_be_visible()
    await dialog.get_by_label("Pieces").fill("3")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog.get_by_text("Say what, not nothing.")).to_be_visible()
    prevent = dialog.get_by_label("What would prevent it?")
    await expect(prevent).to_have_value("nothing")
    await expect(prevent).to_be_focused()
    await prevent.fill("A status feed")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog).to_be_hidden()
    await arrival(app.submissions)  # the one that was answered with an error
    sent = await arrival(app.submissions)
    assert sent["cause"]["v"]["selected_option"]["value"] == "process"
    assert sent["prevent"]["v"]["value"] == "A status feed"
    assert sent["pieces"]["v"]["value"] == "3"


async def test_it_says_what_is_missing_in_the_readers_language(
    sandbox: Sandbox, app: Seen, look: Opener
) -> None:
    page = await look("U0LIN")
    await main(page).get_by_role("textbox").fill("/incident")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog.locator(".input-error")).to_have_text(["此欄位必填。", "此欄位必填。"])
    assert app.submissions.empty()


async def test_it_stacks_views_and_goes_back(sandbox: Sandbox, app: Seen, look: Opener) -> None:
    page = await look()
    await main(page).get_by_role("textbox").fill("/incident")
    await page.keyboard.press("Enter")
    first = page.get_by_role("dialog", name="Resolve INC-412?")
    await first.get_by_label("What would prevent it?").fill("half a thought")
    await first.get_by_role("button", name="Details").click()
    await expect(page.get_by_role("dialog", name="Details")).to_contain_text("12 orders")
    await page.get_by_role("button", name="Back").click()
    await expect(first.get_by_label("What would prevent it?")).to_have_value("half a thought")
    await page.keyboard.press("Escape")
    await expect(first).to_be_hidden()


async def test_it_sends_what_is_chosen_in_a_message(
    sandbox: Sandbox, app: Seen, look: Opener
) -> None:
    await sandbox.post(blocks=cards.CONTROLS)
    page = await look()
    await main(page).get_by_role("button", name="Severity").click()
    await page.get_by_role("option", name="SEV2").click()
    click = await arrival(app.clicks)
    assert click["actions"][0]["selected_option"]["value"] == "2"
    await expect(main(page).get_by_role("button", name="Severity: SEV2")).to_be_visible()


async def test_a_message_for_one_person_is_seen_by_that_person_alone(
    sandbox: Sandbox, app: Seen, look: Opener
) -> None:
    await sandbox.post(**cards.CARD)
    page, other = await look("U0MEI"), await look("U0JO")
    await main(page).get_by_role("button", name="41 orders").click()
    note = main(page).locator("article", has_text="Only for your eyes")
    await expect(note).to_contain_text("Only visible to you")
    await expect(other.get_by_text("Only for your eyes")).to_have_count(0)
    await note.get_by_role("button", name="Dismiss message").click()
    await expect(note).to_be_hidden()


async def test_it_talks_and_reacts(sandbox: Sandbox, look: Opener) -> None:
    page, other = await look("U0MEI"), await look("U0KAI")
    field = main(page).get_by_role("textbox")
    await field.press_sequentially("Seen by @ka")
    await page.keyboard.press("Enter")
    await field.press_sequentially("& <b>all</b>")
    await page.keyboard.press("Enter")
    said = main(other).locator("article", has_text="Seen by @Kai & <b>all</b>")
    await expect(said.locator(".mention.mine")).to_have_text("@Kai")
    await said.hover()
    await said.get_by_role("button", name="Mark with 📌").click()
    pin = main(page).get_by_role("button", name="Kai reacted with :pushpin:")
    await expect(pin).to_have_attribute("aria-pressed", "false")


async def test_it_previews_and_offers_files(sandbox: Sandbox, look: Opener) -> None:
    await sandbox.web.files_upload_v2(
        channel="C0INCIDENTS",
        filename="review.md",
        title="Review of INC-412",
        content="# Review\n<b>as text</b>\n",
    )
    page = await look()
    await main(page).get_by_role("button", name="Preview: Review of INC-412").click()
    dialog = page.get_by_role("dialog", name="Review of INC-412")
    await expect(dialog.locator("pre")).to_have_text("# Review\n<b>as text</b>\n")
    await expect(dialog.get_by_role("link", name="Download")).to_have_attribute(
        "download", "review.md"
    )


# What comes by itself


async def test_it_follows_live_and_keeps_the_focus(sandbox: Sandbox, look: Opener) -> None:
    page = await look()
    root = await sandbox.post(**cards.CARD)
    message = main(page).locator("article").last
    await expect(message).to_contain_text("Card payments are failing")
    await message.get_by_role("button", name="41 orders").focus()
    done = [
        {**cards.CARD["blocks"][0], "text": cards.md("✅ *Card payments work again*")},
        *cards.CARD["blocks"][1:],
    ]
    await sandbox.web.chat_update(channel="C0INCIDENTS", ts=root, text="done", blocks=done)
    await expect(message).to_contain_text("Card payments work again")
    await expect(message.locator(".edited")).to_have_text("(edited)")
    assert await focused(page) == "41 orders"
    await sandbox.post(thread_ts=root, text="03:09 Mei took it")
    await main(page).get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await sandbox.post(thread_ts=root, text="03:10 verified")
    await expect(thread.locator("article").last).to_contain_text("03:10 verified")


async def test_what_is_new_is_marked_until_it_is_read(sandbox: Sandbox, look: Opener) -> None:
    page = await look("U0MEI", "C0GENERAL")
    row = page.locator("[data-channel=C0INCIDENTS]")
    await sandbox.post(text="<@U0MEI> it is your turn")
    await expect(row.locator(".badge")).to_contain_text("1")
    await expect(row).to_have_class("side-row unread")
    await row.click()
    await expect(row.locator(".badge")).to_have_count(0)
    other = await look("U0MEI", "C0GENERAL")
    await expect(other.locator("[data-channel=C0INCIDENTS] .badge")).to_have_count(0)


async def test_it_switches_between_people_and_their_phones(sandbox: Sandbox, look: Opener) -> None:
    """What rang stands on the phone of the person it rang, and of nobody else."""
    page = await look("U0SAM")
    await sandbox.post(**cards.CARD)
    mei = page.get_by_role("group", name="Who you are").get_by_role("button", name="Mei")
    await expect(mei.locator(".badge")).to_contain_text("1 ring")
    await page.get_by_role("button", name="Lock screens").click()
    phones = page.get_by_role("complementary", name="Lock screens")
    await expect(phones.get_by_role("tabpanel")).to_contain_text("Nothing rang here.")
    await phones.get_by_role("tab", name="Mei").click()
    await expect(phones.get_by_role("tabpanel")).to_contain_text("Card payments failing: 57 of 118")
    await page.get_by_role("button", name="Lin").first.click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")
    await expect(page.locator("[data-person=U0LIN]")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("[data-channel=C0CSINC]")).to_be_visible()


async def test_an_outsider_sees_no_private_channel(sandbox: Sandbox, look: Opener) -> None:
    page = await look("U0SAM")
    await expect(page.locator("[data-channel=C0INCIDENTS]")).to_be_visible()
    await expect(page.locator("[data-channel=C0CSINC]")).to_have_count(0)


async def test_it_shows_the_home_tab(sandbox: Sandbox, look: Opener) -> None:
    page = await look()
    await page.get_by_role("button", name="Muster").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("has not published a Home tab")
    await sandbox.web.views_publish(
        user_id="U0MEI",
        view={
            "type": "home",
            "blocks": [{"type": "header", "text": cards.plain("Open incidents")}],
        },
    )
    await expect(page.get_by_role("heading", name="Open incidents")).to_be_visible()
    await page.get_by_role("tab", name="About").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("/incident")


async def test_it_shows_what_to_try_only_when_there_is_a_guide(
    sandbox: Sandbox, look: Opener
) -> None:
    page = await look()
    await expect(page.locator(".guide")).to_have_count(0)
    label = {"en": "Faults", "zh-Hant": "故障頁"}
    await sandbox.hand(
        "POST",
        "guide",
        title={"en": "What to try", "zh-Hant": "可以試試"},
        steps=[{"en": "Break Northpay.", "zh-Hant": "讓 Northpay 失敗。"}],
        links=[{"label": label, "url": "http://127.0.0.1:9/"}],
    )
    await page.reload()
    await expect(page.locator(".guide")).to_contain_text("Break Northpay.")
    await expect(page.get_by_role("link", name="Faults")).to_have_attribute(
        "href", "http://127.0.0.1:9/"
    )


# How it is built


async def no_sideways_scroll(page: Any) -> bool:
    return bool(
        await page.evaluate(
            "[document.scrollingElement,"
            " ...document.querySelectorAll('.feed-scroll, .dialog-body')]"
            ".every((node) => node.scrollWidth <= node.clientWidth)"
        )
    )


CLIPPED = """() => [...document.querySelectorAll('.button')].filter((node) => {
  const box = node.getBoundingClientRect();
  return node.offsetParent && (node.scrollWidth > node.clientWidth + 1 || box.right > innerWidth
    || box.left < 0);
}).map((node) => node.innerText)"""


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
async def test_at_390_pixels_the_next_button_is_in_sight(
    sandbox: Sandbox, look: Opener, language: str
) -> None:
    person, card = CARDS[language]
    root = await sandbox.post(**card)
    await sandbox.post(thread_ts=root, blocks=cards.RUNBOOK)
    page = await look(person, viewport=PHONE)

    async def fits(place: Any) -> None:
        await expect(place.locator(".button.primary").first).to_be_in_viewport(ratio=1)
        assert await no_sideways_scroll(page)
        assert await page.evaluate(CLIPPED) == []

    await fits(main(page))
    await main(page).locator(".thread-summary").click()
    await expect(page.locator("#thread article")).to_have_count(2)
    await fits(page.locator("#thread"))
    await page.locator("#thread .button.primary").first.click()
    await expect(page.get_by_role("alertdialog")).to_be_in_viewport(ratio=1)
    assert await no_sideways_scroll(page)


async def test_at_390_pixels_the_channels_are_a_drawer(sandbox: Sandbox, look: Opener) -> None:
    page = await look(viewport=PHONE)
    await expect(page.locator("#sidebar")).to_be_hidden()
    opener = page.get_by_role("button", name="Open the channel list")
    await opener.click()
    await expect(page.locator("[data-channel=C0INCIDENTS]")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#sidebar")).to_be_hidden()
    await expect(opener).to_be_focused()
    await opener.click()
    await page.locator("[data-channel=C0GENERAL]").click()
    await expect(page.locator("#sidebar")).to_be_hidden()
    await expect(page.get_by_role("heading", name="general")).to_be_visible()
    await page.get_by_role("button", name="You are Mei").click()
    await page.get_by_role("menuitem", name="Lin").click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")


async def test_everything_is_reached_by_keyboard(sandbox: Sandbox, app: Seen, look: Opener) -> None:
    await sandbox.post(**cards.CARD)
    page = await look()
    more = main(page).get_by_role("button", name="More options")
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    assert await focused(page) == "Not an incident"
    await page.keyboard.press("Escape")
    await expect(more).to_be_focused()
    for name in ("Switch to Harborpay", "I've got it", "41 orders"):
        await page.keyboard.press("Tab")
        assert await focused(page) == name
    await main(page).get_by_role("button", name="Switch to Harborpay").focus()
    await page.keyboard.press("Space")
    dialog = page.get_by_role("alertdialog")
    seen = set()
    for _ in range(7):
        await page.keyboard.press("Tab")
        assert await dialog.evaluate("(node) => node.contains(document.activeElement)")
        seen.add(await focused(page))
    assert seen == {"Close", "Not yet", "Switch now"}
    await dialog.get_by_role("button", name="Switch now").focus()
    await page.keyboard.press("Enter")
    await arrival(app.clicks)
    article = main(page).locator("article").last
    await article.focus()
    await expect(article.get_by_role("group", name="Actions for this message")).to_be_visible()


async def test_the_line_comes_back_by_itself(sandbox: Sandbox, look: Opener) -> None:
    """The page says that it lost the line, and follows again once it is back."""
    page = await look()
    port = int(sandbox.url.rpartition(":")[2])
    await sandbox.slack.stop()
    await expect(page.get_by_text("Connection lost.")).to_be_visible()
    again = await start_sandbox(port)
    try:
        await expect(page.get_by_text("Connection lost.")).to_be_hidden(timeout=10_000)
        await again.post(text="after the break")
        await expect(main(page).get_by_text("after the break")).to_be_visible()
    finally:
        await again.http.aclose()
        await again.slack.stop()


async def serious(page: Any) -> list[str]:
    """axe's findings that are serious or critical."""
    from axe_playwright_python.async_playwright import Axe

    found = (await Axe().run(page)).response["violations"]
    return [
        f"{entry['id']}: {entry['nodes'][0]['html']} {entry['nodes'][0].get('failureSummary')}"
        for entry in found
        if entry["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize(
    ("viewport", "dark"),
    [
        pytest.param(WIDE, False, id="1280-light"),
        pytest.param(PHONE, True, id="390-dark"),
        pytest.param(WIDE, True, id="1280-dark", marks=pytest.mark.slow),
        pytest.param(PHONE, False, id="390-light", marks=pytest.mark.slow),
    ],
)
async def test_axe_has_no_serious_finding(
    sandbox: Sandbox, app: Seen, look: Opener, viewport: dict[str, int], dark: bool
) -> None:
    for blocks in (cards.TEXTS, cards.CONTROLS, cards.ORDERS, cards.REVIEW, cards.WIDE_TABLE):
        await sandbox.post(channel="C0GENERAL", blocks=blocks)
    root = await sandbox.post(**cards.CARD)
    await sandbox.post(thread_ts=root, blocks=cards.RUNBOOK)
    await sandbox.post(**cards.CARD_ZH)
    page = await look("U0MEI", "C0GENERAL", viewport=viewport, dark=dark)
    assert await serious(page) == []
    page = await look("U0LIN", "C0INCIDENTS", viewport=viewport, dark=dark)
    assert await serious(page) == []
    await main(page).locator(".thread-summary").click()
    thread = page.locator("#thread")
    await expect(thread.locator("article")).to_have_count(2)
    assert await serious(page) == []
    await thread.locator(".overflow").click()
    assert await serious(page) == []
    await page.keyboard.press("Escape")
    await thread.locator(".button.primary").first.click()
    assert await serious(page) == []
    await page.keyboard.press("Escape")
    await page.locator("[data-phones]").click()
    await expect(page.locator("#phones")).to_be_visible()
    assert await serious(page) == []
    page = await look("U0MEI", "C0GENERAL", viewport=viewport, dark=dark)
    await main(page).get_by_role("textbox").last.fill("/incident")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog.locator(".input-error")).to_have_count(2)
    assert await serious(page) == []
