"""A command of the card: its row on its function, its form, its words. Four files, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import wait_for
from tests.journeys.workspace import MEI, SAM, Workspace, daytime
from tests.seams.conftest import environment_of

FUNCTION = '''

@command(
    "praise",
    RESPONDERS,
    offered={Stage.UNOWNED: 1, Stage.OWNED: 1},
    form="form_praise",
    texts=(Text("why", 60),),
    arguments=lambda given: {"why": given.text("why")},
)
def praise(
    session: Session, house: House, number: int, actor: Actor, why: str, now: datetime
) -> Outcome:
    """Thanks whoever works on it."""

    def work(change: Change) -> Outcome:
        said = forms.free_text(change, why, "why", maximum=60)
        if isinstance(said, Outcome):
            return said
        entry = change.entry("note", {}, text=said.personal)
        change.audit("praise", change.incident.reference)
        notifications.announce(change, Event.STATUS, entry)
        change.show()
        return Outcome.done(quiet=True)

    return act_on(session, house, number, actor, now, "praise", work)
'''
FORM = """\
# Thanks. view: reference.
type: modal
callback_id: form.praise
title: {plain: "{{ t('forms.praise.title') }}"}
submit: {plain: "{{ t('forms.praise.title') }}"}
close: {plain: "{{ t('forms.cancel') }}"}
blocks:
  - include: error
  - type: input
    block_id: why
    label: {plain: "{{ t('forms.reason') }}"}
    element:
      type: plain_text_input
      action_id: value
"""


@pytest.fixture
def source(source: Path) -> Path:
    """The product with the command."""
    with (source / "incidents/lifecycle/commands.py").open("a", encoding="utf-8") as file:
        file.write(FUNCTION)
    (source / "message_templates/templates/form_praise.yaml").write_text(FORM, "utf-8")
    for language, word in (("en", "Praise"), ("zh-Hant", "稱讚")):
        path = source / f"message_templates/locales/{language}.yaml"
        text = path.read_text("utf-8")
        for group, line in (("more", word), ("forms", f"{{title: {word}}}")):
            assert f"\n{group}:\n" in text
            text = text.replace(f"\n{group}:\n", f"\n{group}:\n  praise: {line}\n", 1)
        path.write_text(text, "utf-8")
    return source


def test_it_is_in_the_menu_judged_authorised_and_done(tmp_path: Path, source: Path) -> None:
    """By Slack alone: who may sees it done, who may not is refused, both are on record."""
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        running.environment |= environment_of(source)
        running.start_bot("--control", "0")
        workspace = Workspace(running)
        workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
        card = workspace.until(lambda: workspace.cards(), "the card of 3.3")[0]
        workspace.settled()

        form = workspace.form(MEI, lambda: workspace.menu(MEI, card, "praise"))
        assert form["title"]["text"] == "Praise"
        answer = workspace.send(MEI, form, {"why": "x" * 61})
        assert answer["response_action"] == "errors"
        answer = workspace.send(MEI, form, {"why": "Quick work"})
        assert answer.get("response_action") != "errors", answer
        workspace.until(
            lambda: "Quick work" in workspace.at(card).thread_words() or None, "it in the thread"
        )
        workspace.close_views(MEI)

        said = workspace.answer_to(SAM, lambda: workspace.menu(SAM, card, "praise"))
        assert "needs the role" in said
        wait_for(
            lambda: workspace.rows(
                "select result from audit where actor = ? and object = ?", SAM, "praise"
            ),
            "the refusal on record",
        )
        workspace.settled()
        assert not workspace.views(SAM), "who may not gets no form"
        workspace.close()
