"""Who may what: the table is asked everywhere, and what is refused changes nothing.

One process, the product's own registry, gate, handlers and domain over a real database that counts
its changes by itself; `test_attack.py` does the same over sockets, with every forgery.
"""

from __future__ import annotations

import pytest

from handlers import register_all
from handlers.registry import Asks, Registry
from incidents.lifecycle import command_rows
from incidents.rights import BY_THE_PLAN, TABLE, Right
from tests.incidents.world import MEI
from tests.rights.attack import (
    COMMANDS,
    FORGED,
    HONEST,
    KINDS,
    MALFORMED,
    Body,
    Entry,
    Honest,
    Kind,
    body_of,
    presses,
)
from tests.rights.count import Count
from tests.rights.scene import Scene


def registry() -> Registry:
    made = Registry()
    register_all(made)
    return made


def test_every_entry_asks_for_a_right_that_there_is() -> None:
    """A new control, command or form without one does not even start."""
    rights = {asks.right for asks in registry().rights().values()}
    assert rights <= TABLE.keys() | BY_THE_PLAN.keys()
    late = Registry()
    late.action("incident.praise")(None)  # type: ignore[type-var]
    with pytest.raises(ValueError, match=r"action incident\.praise"):
        late.rights()


def test_every_entry_is_attacked() -> None:
    """And every word behind /incident."""
    assert set(HONEST) == set(registry().rights())
    assert {right for right, _ in COMMANDS.values()} <= TABLE.keys()


def test_every_right_of_the_table_is_asked_by_an_entry_or_a_command() -> None:
    asked = {asks.right for asks in registry().rights().values()}
    asked |= {right for right, _ in COMMANDS.values()}
    left = TABLE.keys() - asked - {Right.LINK}  # of two incidents at once: by the domain alone
    assert left == set()
    assert command_rows.TABLE.keys() <= TABLE.keys()


@pytest.mark.parametrize(("entry", "honest"), HONEST.items(), ids=[" ".join(e) for e in HONEST])
def test_the_same_press_by_who_may_is_taken(scene: Scene, entry: Entry, honest: Honest) -> None:
    """The attack is none, if nobody were obeyed with these payloads."""
    scene.says_groups = True
    result = scene.press(body_of(entry, honest, honest.by))
    assert result.error is None
    assert result.refusals == []
    assert result.opened or result.told or entry[0] == "event"


def test_nobody_without_the_right_changes_anything(scene: Scene) -> None:
    """Every kind of person, every entry: as it is, and with two of the forgeries in turn."""
    count = Count()
    names = list(FORGED)[1:]
    for number, (kind, entry, forgery, body) in enumerate(presses(KINDS, FORGED)):
        if forgery == "as it is" or forgery == names[number % len(names)]:
            count.take(kind, entry, forgery, body, scene.press(body))
    count.judge()
    assert count.pressed > 1000


def test_what_is_signed_and_malformed_is_refused_once(scene: Scene) -> None:
    """By somebody who has every right that there is; it is no error that is tried again."""
    scene.says_groups = True
    everybody = (Kind("on-call, a malformed value", MEI),)
    count = Count()
    for kind, entry, forgery, body in presses(everybody, MALFORMED):
        count.take(kind, entry, forgery, body, scene.press(body))
    count.judge()
    assert count.pressed > 400


def test_an_entry_that_asks_for_no_right_is_nobodys(scene: Scene) -> None:
    """Should one come through: the gate knows no such right."""

    async def do(_interaction: object, _desk: object) -> None:
        raise AssertionError("it was called")

    scene.registry.action("incident.praise", asks=Asks("praise", None))(do)
    body: Body = body_of(("action", "incident.praise"), Honest(MEI, "INC-1:1"), MEI)
    result = scene.press(body)
    assert (result.refusals, result.changes) == ([(MEI, "praise")], [])
