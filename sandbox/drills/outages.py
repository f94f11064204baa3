"""Outages of a drill: when its own hands broke the shop and mended it, and whether Slack and the
review say so.

A fault is felt from its injection until the shop itself shows the way out, or was mended by hand.
What counts is every text that the card has had, by Slack's own log, not the one that is there when
somebody happens to look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sandbox.drills.hands import Json, Seen, wait_for, words
from sandbox.drills.responder import Responder

_GREEN = ("✅", ":white_check_mark:")
_APART = 600.0  # seconds between two rings of one person because it is back
_SLICE = 5.0  # seconds by which the drill's clock moves while the fault is being noticed
_CLOCKS = 5.0  # seconds by which the clocks may differ: they are moved one after the other
_PROBES = 15.0  # seconds before the fault: a probe that a busy machine failed counts with it


@dataclass
class Outage:
    """One time in which customers felt it, by the shop's clock."""

    began: float
    ended: float | None = None
    by_hand: bool = False  # the shop was mended; else the traffic went elsewhere


class Outages:
    """What the drill did to the shop. `how`: {ended_by, found_within, hold, early}, in seconds:

    the path whose effect takes the customers off the fault, how soon a failing check must be seen,
    for how long an effect is watched before it counts, and how far back the fault begins.
    """

    def __init__(self, how: Json, fault: list[Json], people: tuple[str, ...]) -> None:
        self.ended_by = str(how["ended_by"])
        self.found_within = float(how.get("found_within", 60))
        self.hold = float(how.get("hold", 120))
        self.early = float(how.get("early", 0))
        self.all: list[Outage] = []
        self._fault = fault
        self._people = people

    def began(self, at: float) -> None:
        self.all.append(Outage(at))

    def mend(self, responder: Responder) -> None:
        """The shop is well again by its own means."""
        responder.tell("the fault is mended")
        self._look_for_the_end(responder)
        if self.all and self.all[-1].ended is None:
            self.all[-1].ended, self.all[-1].by_hand = _now(responder), True
        responder.shop.post("/faults/recover", {})

    def break_again(self, responder: Responder) -> None:
        """The fault is back: the card must say so, and who must act be rung."""
        self._look_for_the_end(responder)
        if self.all[-1].ended is None:
            raise Seen("the story breaks what is broken")
        responder.tell("the fault is back")
        self.began(_now(responder))
        for fault in self._fault:
            responder.shop.post(fault["post"], fault["data"])
        waited = 0.0
        while is_green(responder.card()):
            if waited >= self.found_within:
                raise Seen(f"the card stays green {waited:g} s after the fault came back")
            responder.advance(_SLICE)
            waited += _SLICE
        responder.tell("card: " + words(responder.card()["blocks"][0]).splitlines()[0])
        wait_for(
            lambda: self._rings(responder, self.all[-1]) or None, "a ring: the fault is back", 8.0
        )

    def problems(self, responder: Responder, review: Json) -> list[str]:
        """Where the card, the rings and the review say something else than was done."""
        self._look_for_the_end(responder)
        return [
            *self._green(responder),
            *(p for one in self.all[1:] for p in self._rung(responder, one)),
            *self._reviewed(review),
        ]

    def _look_for_the_end(self, responder: Responder) -> None:
        """When the way out of the last outage took effect, by the shop's log."""
        if not self.all or self.all[-1].ended is not None:
            return
        last = self.all[-1]
        moments = [
            datetime.fromisoformat(m["at"]).timestamp()
            for m in responder.shop.mutations()
            if m["effect"] and m["path"] == self.ended_by
        ]
        last.ended = min((at for at in moments if at >= last.began), default=None)

    def _green(self, responder: Responder) -> list[str]:
        """The card was green while the check had failed three times, or before it had held."""
        shown = card_log(responder)
        found = []
        for number, one in enumerate(self.all, 1):
            start = one.began + self.found_within + _CLOCKS
            end = one.ended if one.ended is not None else shown[-1][0]
            end += 0.0 if one.by_hand else self.hold - _CLOCKS
            for (at, text), (until, _) in pairwise([*shown, (float("inf"), "")]):
                if text.startswith(_GREEN) and at < end and until > start:
                    found.append(f"the card was green in outage {number}: {text.splitlines()[0]}")
        return found

    def _rings(self, responder: Responder, one: Outage) -> list[tuple[str, float]]:
        """Who was rung by a direct message while it was felt, and when."""
        end = one.ended if one.ended is not None else float("inf")
        return [
            (person, ring["time"])
            for person in self._people
            for ring in responder.slack.rings(person)
            if ring["why"] == "direct" and ring["sound"] and one.began <= ring["time"] <= end
        ]

    def _rung(self, responder: Responder, one: Outage) -> list[str]:
        rings = self._rings(responder, one)
        found = []
        if not [at for _, at in rings if at <= one.began + self.found_within + _CLOCKS]:
            found.append("nobody was rung when it was back")
        for person in self._people:
            times = sorted(at for who, at in rings if who == person)
            if any(later - sooner < _APART for sooner, later in pairwise(times)):
                found.append(f"{person} was rung twice in ten minutes for one relapse")
        return found

    def _reviewed(self, review: Json) -> list[str]:
        """The review's outages beside what was done: how many, from when, until when."""
        said = [(_time(one["from"]), _time(one["to"])) for one in review["outages"]]
        if len(said) != len(self.all):
            return [f"the review tells of {len(said)} outages, not {len(self.all)}"]
        found = []
        for number, ((began, ended), one) in enumerate(zip(said, self.all, strict=True), 1):
            off = None if began is None else began - one.began
            if off is None or not -self.early - _PROBES <= off <= self.found_within:
                found.append(f"outage {number} began otherwise than the review says: {off} s off")
            if ended is None or one.ended is None:
                found.append(f"outage {number} has no end")
            elif not -_CLOCKS <= ended - one.ended <= self.found_within:
                found.append(f"outage {number} ended {ended - one.ended:g} s before the review's")
        relapses = [one for one in review["timeline"] if one["kind"] == "relapsed"]
        if len(relapses) != len(self.all) - 1:
            found.append(f"the review's log has {len(relapses)} relapses, not {len(self.all) - 1}")
        return found


def is_green(card: Json) -> bool:
    return words(card.get("blocks") or []).startswith(_GREEN)


def card_log(responder: Responder) -> list[tuple[float, str]]:
    """Every text that the card has had, with when it was sent, by Slack's log."""
    found = []
    for call in responder.slack.log("chat.update"):
        if call["args"].get("ts") == responder.card_ts and call["effect"]:
            blocks = call["args"].get("blocks") or []
            found.append(
                (call["time"], words(json.loads(blocks) if isinstance(blocks, str) else blocks))
            )
    return found


def _now(responder: Responder) -> float:
    return datetime.fromisoformat(responder.shop.look("/clock")["now"]).timestamp()


def _time(at: str | None) -> float | None:
    return None if at is None else datetime.fromisoformat(at).timestamp()
