"""What people type: where command names are taken, in Chinese, pasted, full width."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.journeys.workspace import INCIDENTS, LIN, MEI, Workspace, daytime

NAMES = {"incident": "/inc-tw", "complaint": "/kundenklage", "order": "/訂單"}


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with stack(
        tmp_path_factory.mktemp("typed"),
        shop_options=("--rate", "0"),
        bot_options=("--control", "0"),
        change=daytime,
        commands=NAMES,
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


def test_renamed_commands_answer_by_their_own_names(renamed: Workspace) -> None:
    assert "/inc-tw list – the open ones" in renamed.types(MEI, "/inc-tw help")
    assert "/訂單 FG-10482" in renamed.types(LIN, "/訂單 說明")
    form = renamed.form(MEI, lambda: renamed.slack.command(MEI, INCIDENTS, "/inc-tw", ""))
    renamed.slack.close_view(MEI, form["id"])
    form = renamed.form(LIN, lambda: renamed.slack.command(LIN, INCIDENTS, "/kundenklage", ""))
    renamed.slack.close_view(LIN, form["id"])


def test_an_order_is_found_however_its_number_is_pasted(renamed: Workspace) -> None:
    number = "FG-10482"
    wide = "".join(chr(ord(one) + 0xFEE0) for one in number)
    for pasted in (
        number,
        f"#{number}",
        f"「{number}」",
        f"`{number}`",
        f"{number}\u2060",
        wide,
        "FG–10482",
        f"https://shop.example/o/{number}",
    ):
        said = renamed.types(LIN, f"/訂單 {pasted}")
        assert number in said, (pasted, said)
        assert "沒有訂單" not in said, (pasted, said)
    assert "沒有訂單 XY-1" in renamed.types(LIN, "/訂單 #XY–1")  # what was looked up


def test_words_of_either_language_and_any_white_space(renamed: Workspace) -> None:
    opened = renamed.types(MEI, "/inc-tw 通報 2.2 包裝台停擺 <2 小時> & 無人")
    assert "INC-1" in opened
    assert "INC-1" in renamed.types(MEI, "/inc-tw 列表")
    assert "INC-1" in renamed.types(MEI, "/inc-tw list　§2.2")
    assert "INC-1" in renamed.types(MEI, "/inc-tw 清單 全部")
    renamed.types(MEI, "/inc-tw 備註　１　“quoted” & <b> 給 @Lin")
    thread = renamed.at(renamed.cards()[0]).thread
    note = wait_for(lambda: next((m for m in thread() if "quoted" in str(m)), None), "the note")
    shown = str(note["blocks"])
    assert "“quoted” & <b> 給 @" in shown
    assert "&amp;" not in shown
    assert "INC-1" in renamed.types(MEI, "/inc-tw 查看 #INC-1")
    assert "繁體中文" in renamed.types(MEI, "/inc-tw 語言 繁體中文")
