"""What customers will read is shown before it goes: each text, each language, with its count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handlers.action_values import Target
from handlers.step_forms import asked
from incidents.shop_actions.message_preview import PreviewView
from incidents.step_press import Press, press
from message_templates.engine import Templates
from storage.models import ActionAttempt
from tests.incidents.test_told import TELL, again, failing, link, sent
from tests.incidents.world import LIN, World, orders
from tests.message_templates.builders import TAIPEI


def shown(world: World, number: int = 1, button: str = "tell") -> PreviewView:
    target = Target.parse(f"INC-{number}:{world.incident(number).version}:{TELL}:{button}")
    assert target is not None
    found = world.read(lambda s: asked(s, world.house, target, world.now))
    assert found is not None
    assert found.preview is not None
    return found.preview


def send(world: World, view: PreviewView, number: int = 1, button: str = "tell") -> Any:
    wish = Press(number, 0, TELL, button, world.actor(LIN), {}, extra={"upto": view.upto})
    return world.write(lambda s: press(s, world.house, wish, world.now))


def spoken(count: int, *languages: str | None) -> tuple[Any, ...]:
    """Orders of as many customers, who speak the languages in turn."""
    found = []
    for n, case in enumerate(orders(count, unknown=0, customers=count)):
        facts = {k: v for k, v in case.facts.items() if k != "language"}
        language = languages[n % len(languages)]
        found.append(replace(case, facts={**facts, **({"language": language} if language else {})}))
    return tuple(found)


def test_each_text_is_shown_in_its_language_with_its_count(world: World) -> None:
    failing(world, count=1)
    world.channel_fails(1, cases=spoken(9, "zh-Hant", "en", None))
    view = shown(world)
    assert view.messages == 9
    assert {letter.language: letter.count for letter in view.letters} == {"zh-Hant": 6, "en": 3}
    assert view.without_language == 3
    texts = {letter.language: letter.text for letter in view.letters}
    assert "did not go through because of our payment partner" in texts["en"]
    assert "因金流合作夥伴異常" in texts["zh-Hant"]


def test_what_is_sent_is_what_was_shown(world: World) -> None:
    """Texts and counts of the preview against what the shop was asked to send."""
    failing(world, count=1)
    world.channel_fails(1, cases=spoken(8, "zh-Hant", "en"))
    view = shown(world)
    world.channel_fails(1, cases=spoken(12, "zh-Hant", "en"))  # more, while it is being read
    assert send(world, view).ok
    world.run_actions(request_repayment=link)
    messages = sent(world, "notify_customer")
    assert len(messages) == view.messages == 8
    said = {_plain(one) for one in messages}
    for letter in view.letters:
        assert _shape(letter.text) in said
    assert shown(world).messages == 4  # the others are the next press's


def _plain(attempt: ActionAttempt) -> str:
    return _shape(str(attempt.params["text"]))


def _shape(text: str) -> str:
    """The text without its order's number and without the link, which is not made yet."""
    words = text.split("https://", maxsplit=1)
    return "".join(c for c in words[0] if not c.isdigit())


def test_who_was_told_before_is_said_with_when_and_where(world: World) -> None:
    failing(world)
    world.press(LIN, TELL, "tell")
    world.run_actions(request_repayment=link)
    number = again(world, count=6)
    view = shown(world, number)
    assert (view.messages, view.told, view.told_in) == (1, 4, ("INC-1",))
    templates = Templates(TAIPEI)
    for language, words in (("en", "4 orders were told before"), ("zh-Hant", "4 筆先前已告知")):
        modal = templates.render("preview", view, language=language).view
        assert modal is not None
        assert words in str(modal)
        assert view.letters[0].text.splitlines()[0] in str(modal)
