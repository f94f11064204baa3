"""Forms that are refused: the answer stands in the form, with what was typed in its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.drills.hands import Json, elements, wait_for, words
from tests.journeys.workspace import CS, INCIDENTS, JO, KAI, LIN, MEI, SAM, Workspace

PHONE = "She waits at 0912-345-678"
_COMPLAINT = {"channel": "phone", "reason": "goods"}
LATER = 1_900_000_000  # a moment far in the future

# What is typed into each form.
TYPED: dict[str, Json] = {
    "severity": {"severity": "2", "reason": "It grows by the minute"},
    "dismiss": {"reason": "A test of the vendor, says Kim"},
    "section": {"section": "system_crash"},
    "escalate": {"person": KAI, "reason": "Somebody who knows Northpay"},
    "hand_over": {"person": KAI, "note": "They call back at 15:00"},
    "wait": {"until": LATER, "reason": "The vendor works on it"},
    "note": {"note": "The bank says it is theirs\nand calls back"},
}


# What is refused after the acknowledgement, and must stand in the form again.
REFUSED: dict[str, tuple[Json, str]] = {
    "severity": ({"severity": "1", "reason": "It grows by the minute"}, "is SEV1 already"),
    "hand_over": ({"person": SAM, "note": "They call back at 15:00"}, "has none of the roles"),
}


def menu(workspace: Workspace, who: str, card: Json, verb: str) -> Json:
    """The form behind an entry of the card's menu, or of the one behind “More…”."""
    choose(workspace, who, card, verb)
    return wait_for(lambda: with_submit(workspace, who), f"the form of {verb}")


def choose(workspace: Workspace, who: str, card: Json, verb: str) -> None:
    """Chooses the entry."""
    seen = workspace.at(card, who).card()
    [overflow] = [e for e in elements(seen) if str(e["action_id"]) == "more"]
    reference, version, _ = overflow["options"][0]["value"].split(":", 2)
    everything = {**overflow, "options": overflow["options"]}
    found = {o["value"].split(":")[2]: o for o in everything["options"]}
    if verb in found:
        assert click(workspace, who, seen, overflow, found[verb])["ok"]
        return
    assert click(workspace, who, seen, overflow, found["all"])["ok"]
    shown = wait_for(lambda: controls(workspace, who), "every control")
    button = next(e for e in elements(shown) if e["value"].split(":")[2] == verb)
    assert workspace.slack.click_in_view(who, shown["id"], button)["ok"], (reference, version)


def click(workspace: Workspace, who: str, seen: Json, element: Json, option: Json) -> Json:
    return workspace.slack.click(who, seen, INCIDENTS, element, selected_option=option)


def controls(workspace: Workspace, who: str) -> Json | None:
    return next((v for v in workspace.views(who) if v.get("callback_id") == "controls"), None)


def with_submit(workspace: Workspace, who: str) -> Json | None:
    return next((v for v in workspace.views(who) if v.get("submit")), None)


def sent_back(workspace: Workspace, who: str) -> Json:
    """The form that is open again, with a refusal above its fields."""

    def seen() -> Json | None:
        view = workspace.slack.view(who)
        blocks = [] if view is None else view["blocks"]
        return view if any(b["block_id"] == "error" for b in blocks) else None

    return wait_for(seen, "the form with what is wrong")


def holds(view: Json, typed: Json) -> None:
    """Every value that was typed stands in its field."""
    blocks = {b["block_id"]: b["element"] for b in view["blocks"] if b["type"] == "input"}
    for name, value in typed.items():
        element = blocks[name]
        initial = [v for k, v in element.items() if k.startswith("initial_")]
        assert str(value) in json.dumps(initial, ensure_ascii=False) or value in initial, (
            f"{name}: {initial}"
        )


def refused(workspace: Workspace, who: str, view: Json) -> str:
    """What stands above the form."""
    error = next(b for b in view["blocks"] if b["block_id"] == "error")
    return words([error])


@pytest.fixture(autouse=True)
def _closed(workspace: Workspace) -> Any:
    yield
    workspace.no_faults()
    for who in (MEI, KAI, LIN, JO, SAM):
        workspace.close_views(who)


@pytest.fixture(scope="module")
def owned(workspace: Workspace, channel_card: Json) -> Json:
    """Mei has it: then every control is offered."""
    take = workspace.at(channel_card, MEI)
    found = next(e for e in elements(take.card()) if e["action_id"] == "incident.take")
    workspace.slack.click(MEI, take.card(), INCIDENTS, found)
    wait_for(lambda: "Mei, since" in workspace.card_words(channel_card) or None, "the owner")
    workspace.settled()
    return channel_card


@pytest.mark.parametrize("verb", TYPED)
def test_who_may_not_gets_no_form(workspace: Workspace, owned: Json, verb: str) -> None:
    """Sam has no role: told so at the press, before anything is typed."""
    state = workspace.frozen()
    before = state()
    told = len(workspace.told(SAM))
    choose(workspace, SAM, owned, verb)
    [said] = wait_for(lambda: workspace.told(SAM)[told:] or None, "the refusal")
    assert "needs the role" in words(said["blocks"])
    assert with_submit(workspace, SAM) is None
    workspace.settled()
    assert state() == before


@pytest.mark.parametrize("verb", REFUSED)
def test_a_refused_form_keeps_what_was_typed(workspace: Workspace, owned: Json, verb: str) -> None:
    """Known only when it is looked up, so after the acknowledgement."""
    typed, why = REFUSED[verb]
    state = workspace.frozen()
    before = state()
    form = menu(workspace, MEI, owned, verb)
    sent = workspace.send(MEI, form, typed)
    assert sent.get("response_action") == "update", sent
    again = sent_back(workspace, MEI)
    assert why in refused(workspace, MEI, again)
    holds(again, typed)
    assert again["submit"]
    workspace.settled()
    assert state() == before


def test_what_is_sent_again_from_the_form_is_taken(workspace: Workspace, owned: Json) -> None:
    """The form that came back is a whole one: corrected, it does what it is for."""
    form = menu(workspace, MEI, owned, "hand_over")
    workspace.send(MEI, form, {"person": SAM, "note": "The vendor calls back at 15:00"})
    again = sent_back(workspace, MEI)
    assert "Sam has none of the roles" in refused(workspace, MEI, again)
    holds(again, {"person": SAM, "note": "The vendor calls back at 15:00"})
    workspace.send(MEI, again, {"person": KAI})
    workspace.until(
        lambda: "Kai has INC-1 now" in words((workspace.slack.view(MEI) or {})["blocks"]),
        "the result",
    )
    workspace.settled()
    thread = [words(m["blocks"]) for m in workspace.at(owned).thread()]
    assert any("Mei handed it over to Kai" in said for said in thread), thread
    assert any("The vendor calls back at 15:00" in said for said in thread)
    told = workspace.slack.messages(KAI, "D0KAI")
    [direct] = [words(m["blocks"]) for m in told if "is yours now" in words(m["blocks"])]
    assert "handed over by Mei" in direct
    assert "The vendor calls back at 15:00" in direct, "what they need to know"
    back = menu(workspace, KAI, owned, "hand_over")
    workspace.send(KAI, back, {"person": MEI})
    wait_for(lambda: "Mei, since" in workspace.card_words(owned) or None, "Mei has it again")


@pytest.mark.parametrize("verb", ["note", "dismiss", "hand_over", "wait"])
def test_a_phone_number_is_refused_under_its_field(
    workspace: Workspace, owned: Json, verb: str
) -> None:
    """What needs no look-up is said at once: the form is not even left."""
    field = "note" if "note" in TYPED[verb] else "reason"
    form = menu(workspace, MEI, owned, verb)
    sent = workspace.send(MEI, form, {**TYPED[verb], field: PHONE})
    assert sent.get("response_action") == "errors", sent
    assert "a phone number" in sent["errors"][field]


def test_resolving_without_prevention(workspace: Workspace, owned: Json) -> None:
    """1.2.4: an operator's error asks for an improvement, and says so under the field."""
    form = menu(workspace, MEI, owned, "resolve")
    typed = {"cause": "operator_error", "cause_text": "The wrong key was rotated"}
    sent = workspace.send(MEI, form, typed)
    assert sent.get("response_action") == "errors", sent
    assert list(sent["errors"]) == ["prevention"]


def test_a_result_that_comes_before_its_acknowledgement(workspace: Workspace, owned: Json) -> None:
    """Slack applies the acknowledgement late: it must not stay at “Being looked up”."""
    workspace.fault("view_submission", "delay", seconds=1.0)
    typed, _ = REFUSED["hand_over"]
    form = menu(workspace, MEI, owned, "hand_over")
    sent = workspace.send(MEI, form, typed)
    assert "Being looked up" in words(sent["view"]["blocks"])
    workspace.settled()
    workspace.advance(3)
    holds(sent_back(workspace, MEI), typed)


@pytest.mark.parametrize("kind", ["http_500", "rate_limited", "reset", "malformed"])
def test_a_complaint_whose_order_is_unknown_while_slack_stumbles(
    workspace: Workspace, owned: Json, kind: str
) -> None:
    """One `views.update` that fails leaves neither “checking” for ever nor an empty form."""
    form = workspace.form(LIN, lambda: workspace.slack.command(LIN, CS, "/complaint", "FG-0"))
    text = next(
        b["block_id"]
        for b in form["blocks"]
        if b["type"] == "input" and b["element"].get("multiline")
    )
    workspace.fault("views.update", kind, retry_after=2)
    workspace.send(LIN, form, {**_COMPLAINT, text: "The mug came broken"})
    again = workspace.until(lambda: sent_back(workspace, LIN), "the form", driven=30)
    assert "FG-0" in refused(workspace, LIN, again)
    holds(again, {text: "The mug came broken", "order": "FG-0"})


def test_a_form_that_slack_refuses_to_show_again(workspace: Workspace, owned: Json) -> None:
    """The modal says why in bare words, and what was typed is with its typist alone."""
    typed, why = REFUSED["hand_over"]
    before = len(workspace.told(MEI, thread=owned["ts"]) + workspace.told(MEI))
    form = menu(workspace, MEI, owned, "hand_over")
    workspace.settled()  # what an earlier form still has to say is not what fails
    workspace.fault("views.update", "error", error="invalid_arguments")
    workspace.send(MEI, form, typed)
    said = workspace.until(
        lambda: (workspace.told(MEI, thread=owned["ts"]) + workspace.told(MEI))[before:],
        "the answer",
    )
    assert str(typed["note"]) in json.dumps(said[-1]["blocks"], ensure_ascii=False)
    workspace.until(
        lambda: why in words((workspace.slack.view(MEI) or {})["blocks"]),
        "the words in the modal",
    )


def test_a_form_that_was_closed_meanwhile(workspace: Workspace, owned: Json) -> None:
    """Who closes the modal before its answer comes still gets both, alone."""
    typed, why = REFUSED["hand_over"]
    before = len(workspace.told(MEI, thread=owned["ts"]) + workspace.told(MEI))
    form = menu(workspace, MEI, owned, "hand_over")
    workspace.fault("views.update", "rate_limited", retry_after=3)
    workspace.send(MEI, form, typed)
    workspace.close_views(MEI)
    workspace.advance(5)
    said = workspace.until(
        lambda: (workspace.told(MEI, thread=owned["ts"]) + workspace.told(MEI))[before:],
        "the answer",
    )
    shown = json.dumps(said[-1]["blocks"], ensure_ascii=False)
    assert why in shown
    assert str(typed["note"]) in shown


@pytest.mark.parametrize(
    ("who", "line"),
    [
        (MEI, f"/incident note 1 {PHONE}, Anna"),
        (MEI, f"/incident 3.3 {PHONE}, Bela"),
        (SAM, "/order Cleo 0912-345-678"),
    ],
)
def test_a_refused_line_is_given_back(
    workspace: Workspace, owned: Json, who: str, line: str
) -> None:
    """To its typist alone, and in clear nowhere in the bot's own keeping."""
    said = workspace.types(who, line)
    assert line in said, said
    workspace.settled()
    name = next(one for one in ("Anna", "Bela", "Cleo") if one in line)
    for other in {MEI, KAI, LIN, JO, SAM} - {who}:
        for channel in (INCIDENTS, CS):
            shown = json.dumps(workspace.slack.messages(other, channel), ensure_ascii=False)
            assert name not in shown
    for file in Path(workspace.database).parent.glob(workspace.database.name + "*"):
        assert name.encode() not in file.read_bytes(), file


def test_a_line_that_would_wake_somebody_asks_once(workspace: Workspace, owned: Json) -> None:
    """In place of the question stands what came of it; the words are those that were typed."""
    rung = workspace.rung()
    said = workspace.types(JO, "/incident 9.1 The shop's page is white for <everybody> & me")
    assert "rings the one on call" in said
    question = workspace.told(JO)[-1]
    quiet = next(e for e in elements(question) if e["action_id"] == "line.quiet")
    assert workspace.slack.click(JO, question, INCIDENTS, quiet)["ok"]
    wait_for(
        lambda: (
            (
                any("is open in <#C0INCIDENTS>" in words(m["blocks"]) for m in workspace.told(JO))
                and not any("rings the one" in words(m["blocks"]) for m in workspace.told(JO))
            )
            or None
        ),
        "what came of it",
    )
    workspace.settled()
    assert workspace.rung() == rung
    card = next(c for c in workspace.cards() if "§9.1" in words(c["blocks"]))
    workspace.until(
        lambda: "The shop's page is white for <everybody> & me" in said_in(workspace, card),
        "the words in the thread",
        driven=10,
    )


def said_in(workspace: Workspace, card: Json) -> str:
    return " ".join(words(m["blocks"]) for m in workspace.at(card).thread())


def test_what_was_written_can_be_read_by_who_may(workspace: Workspace, owned: Json) -> None:
    """Through the menu, by role, audited; for nobody else."""
    workspace.types(JO, "/incident 2.2 The packing desk stands still since noon")
    card = workspace.until(
        lambda: next((c for c in workspace.cards() if "§2.2" in words(c["blocks"])), None),
        "the card",
    )
    shown = reading(workspace, JO, card)
    assert "The packing desk stands still since noon" in shown
    row = workspace.rows("select * from audit where action = 'reveal'")[-1]
    assert row["chain"] in words(card["blocks"])
    assert (row["actor"], row["result"]) == (JO, "done")
    workspace.close_views(KAI)
    told = len(workspace.told(KAI))
    choose(workspace, KAI, card, "reveal")
    [said] = wait_for(lambda: workspace.told(KAI)[told:] or None, "the refusal")
    assert "needs the role" in words(said["blocks"]), "on-call may not"


def reading(workspace: Workspace, who: str, card: Json) -> str:
    seen = workspace.at(card, who).card()
    [overflow] = [e for e in elements(seen) if str(e["action_id"]) == "more"]
    everything = next(o for o in overflow["options"] if o["value"].split(":")[2] == "all")
    assert click(workspace, who, seen, overflow, everything)["ok"]
    shown = wait_for(lambda: controls(workspace, who), "every control")
    button = next(e for e in elements(shown) if e["value"].split(":")[2] == "reveal")
    assert workspace.slack.click_in_view(who, shown["id"], button)["ok"]

    def read() -> str | None:
        view = workspace.slack.view(who)
        ended = view is not None and view.get("callback_id") in ("revealed", "result")
        return words(view["blocks"]) if ended and view is not None else None

    return wait_for(read, "what was written")
