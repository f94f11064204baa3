"""Runs one story and reports what was seen: detected, right section, times, rings, shop, review."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sandbox.drills.hands import Json, Seen, Shop, Slack, elements, wait_for, words
from sandbox.drills.outages import Outages
from sandbox.drills.responder import Responder, dig
from sandbox.drills.story import Story

MOST_RINGS = 5  # of one engineer on call, in a whole drill
PER_RELAPSE = 2  # … and for each relapse: it is back, and it works
ON_CALL = ("U0MEI", "U0KAI")
# Seconds by which the drill's clock moves while waiting for the detection: a check that looks
# seldom is waited for in greater ones.
# What somebody types in every drill. Slack sends it as `R&amp;D: 5 &lt; 7 &gt; 3`.
TYPED = 'R&D: 5 < 7 > 3, "&amp;" is what they sent'
SLICE, AFTER_A_MINUTE = 5.0, 30.0


@dataclass
class Report:
    """What the drill saw. `passed` only if nothing is in `problems`."""

    section: str
    story: str = ""
    detected: bool = False
    section_right: bool = False
    seconds_to_detect: float | None = None
    seconds_to_notify: float | None = None
    seconds_to_mitigate: float | None = None
    rings: dict[str, int] = field(default_factory=dict)
    steps_done: list[str] = field(default_factory=list)
    action_verified: bool = False
    review_written: bool = False
    outages: list[tuple[float, float | None]] = field(
        default_factory=list
    )  # as the drill made them
    problems: list[str] = field(default_factory=list)
    took: float = 0.0  # real seconds

    @property
    def passed(self) -> bool:
        return not self.problems and self.detected and self.section_right and self.review_written

    def as_json(self) -> Json:
        return {**asdict(self), "passed": self.passed}


def run(
    story: Story,
    slack_url: str,
    shop_url: str,
    advance: Callable[[float], None],
    tell: Callable[[str], None],
) -> Report:
    """Works the story to its end. Never raises for what a person would see: it is reported."""
    report, began = Report(story.section, story.name), time.monotonic()
    slack, shop = Slack(slack_url), Shop(shop_url)
    responder = Responder(
        slack, shop, advance, channel=story.channel, person=story.responder, tell=tell
    )
    try:
        _work(story, responder, report)
    except (Seen, KeyError) as problem:
        report.problems.append(str(problem).strip("'\""))
    finally:
        report.problems += _too_loud(slack, relapses=max(0, len(report.outages) - 1))
        report.rings = {who: _sounds(slack, who) for who in ("U0MEI", "U0KAI", "U0LIN", "U0JO")}
        slack.close()
        shop.close()
    for person, most in story.rings.items():
        if report.rings.get(person, 0) > most:
            report.problems.append(f"{person} was rung {report.rings[person]} times, not ≤ {most}")
    report.took = round(time.monotonic() - began, 2)
    return report


def _work(story: Story, responder: Responder, report: Report) -> None:
    known = {card["ts"] for card in responder.cards()}
    fault_at = _inject(story, responder)
    card = _detect(story, responder, known, fault_at)
    report.detected = True
    said = words(card.get("blocks") or [])
    report.section_right = f"§{story.section}" in said
    if not report.section_right:
        raise Seen(f"the card stands under another section: {said.splitlines()[-1]}")
    for expected in story.first_words:
        if expected not in said:
            report.problems.append(f"the card does not say “{expected}”: {said}")
    _note(responder)
    outages = _outages(story, fault_at)
    try:
        for entry in story.work:
            _do(entry, responder, outages)
    finally:
        report.outages = [(one.began, one.ended) for one in outages.all] if outages else []
    report.action_verified = _verified(story, responder, report)
    _resolve(story, responder)
    review = _review(responder)
    report.review_written = True
    _times(review, report, fault_at)
    if outages is not None:
        report.problems += outages.problems(responder, review)
        report.outages = [(one.began, one.ended) for one in outages.all]
    _steps(story, review, report)
    for expected in (*story.review_says, json.dumps(TYPED)[1:-1]):
        if expected not in json.dumps(review, ensure_ascii=False):
            report.problems.append(f"the review does not say “{expected}”")


def _outages(story: Story, fault_at: float) -> Outages | None:
    if story.outages is None:
        return None
    outages = Outages(story.outages, story.fault, ON_CALL)
    outages.began(fault_at)
    return outages


def _note(responder: Responder) -> None:
    """A note with what Slack escapes on the wire: it must be read as it was typed."""
    number = re.search(r"INC-(\d+)", words(responder.card().get("blocks") or []))
    if number is None:
        raise Seen("the card does not say which incident it is")
    typed = f"note {number[1]} {TYPED}"
    answer = responder.slack.command(responder.person, responder.channel, "/incident", typed)
    if not answer.get("ok"):
        raise Seen(f"the note was not taken: {answer.get('error')}")
    wait_for(lambda: TYPED in responder.thread_words() or None, f"the note “{TYPED}”")


def _do(entry: Json, responder: Responder, outages: Outages | None) -> None:
    """One entry of a story's work: on the shop's fault, or in Slack."""
    if outages is not None and "mend" in entry:
        outages.mend(responder)
    elif outages is not None and "break" in entry:
        outages.break_again(responder)
    else:
        responder.do(entry)


def _inject(story: Story, responder: Responder) -> float:
    now = datetime.fromisoformat(responder.shop.look("/clock")["now"]).timestamp()
    for fault in story.fault:
        responder.tell(f"fault: {fault['data'].get('kind', fault['post'])}")
        responder.shop.post(fault["post"], fault["data"])
    intake = story.intake
    if intake is not None:
        responder.tell(
            f"{intake['as']} types {intake['command']} {intake.get('text', '')}".rstrip()
        )
        answer = responder.slack.command(
            intake["as"], intake["channel"], intake["command"], intake.get("text", "")
        )
        if not answer.get("ok"):
            raise Seen(f"{intake['command']} failed: {answer.get('error')}")
        if "choose" in intake:
            responder.fill(intake["as"], {"type": intake["choose"]})
        if "form" in intake:
            answers = dict(intake["form"])
            if intake.get("order") == "paid":
                payment = responder.shop.look("/payments?status=captured")["payments"][0]
                order = responder.shop.look(f"/orders/{payment['order_id']}")
                answers["order"] = order["number"]
            responder.fill(intake["as"], answers)
    return now


def _detect(story: Story, responder: Responder, known: set[str], fault_at: float) -> Json:
    waited = 0.0
    while True:
        try:
            card = wait_for(
                lambda: next((c for c in responder.cards() if c["ts"] not in known), None),
                "a card",
                within=8.0 if story.intake else 1.5,
            )
            break
        except Seen:
            if story.intake or waited >= story.detect_within:
                raise Seen(f"no incident {waited:g} s after the fault") from None
            further = SLICE if waited < 60 else AFTER_A_MINUTE
            responder.advance(further)
            waited += further
    responder.card_ts = card["ts"]
    responder.tell("card: " + (card.get("text") or "").strip())
    wait_for(lambda: responder.thread() or None, "the runbook in the thread")
    return card


def _verified(story: Story, responder: Responder, report: Report) -> bool:
    """A fresh look at the shop, and one effect per key in its log."""
    wrong = [problem for look in story.shop_after for problem in responder.differs(look)]
    mutations = responder.shop.mutations()
    keys = [m["idempotency_key"] for m in mutations if m["idempotency_key"] and m["effect"]]
    doubled = {key for key in keys if keys.count(key) > 1}
    if doubled:
        wrong.append(f"more than one effect for {sorted(doubled)}")
    for expected in story.effects:
        found = [
            m
            for m in mutations
            if m["effect"] and m["idempotency_key"] and _matches(m["path"], expected["path"])
        ]
        if len(found) != expected["count"]:
            wrong.append(f"{expected['path']}: {len(found)} effects, not {expected['count']}")
    wrong += [problem for tally in story.tallies if (problem := _tally(tally, responder))]
    report.problems.extend(wrong)
    return not wrong


def _tally(tally: Json, responder: Responder) -> str | None:
    """A fresh look at each of what was remembered, or changed; what is not as it must be."""
    subjects = responder.remembered.get(tally["of"]) or _changed(tally["of"], responder)
    seen = Counter(
        str(dig(responder.shop.look(tally["look"].format(subject)), tally["by"]))
        for subject in subjects
    )
    wanted = {str(value): count for value, count in tally["is"].items()}
    if dict(seen) == wanted:
        return None
    return f"{tally['look']} {tally['by']} of {tally['of']} is {dict(seen)}, not {wanted}"


def _changed(path: str, responder: Responder) -> list[str]:
    """What the `*` of a path stood for, in the shop's log of effects."""
    place = path.strip("/").split("/").index("*")
    paths = {m["path"] for m in responder.shop.mutations() if m["effect"]}
    return sorted(p.strip("/").split("/")[place] for p in paths if _matches(p, path))


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.strip("/").split("/"), pattern.strip("/").split("/")
    return len(parts) == len(wanted) and all(
        w in ("*", p) for p, w in zip(parts, wanted, strict=True)
    )


def _resolve(story: Story, responder: Responder) -> None:
    work = {"action": "incident.resolve", "form": story.resolve, **story.resolve.get("press", {})}
    form = {k: v for k, v in story.resolve.items() if k not in ("press", "as")}
    person = story.resolve.get("as", responder.person)
    responder.press({**work, "form": form, "as": person})
    wait_for(
        lambda: any(
            word in words(responder.card().get("blocks") or []) for word in ("Resolved", "已結案")
        ),
        "the card saying Resolved",
    )


def _review(responder: Responder) -> Json:
    """The review as the JSON file in the thread."""

    def posted() -> Json | None:
        for message in responder.thread():
            for file in message.get("files") or []:
                if str(file.get("name", "")).endswith(".json"):
                    return dict(file)
        return None

    file = wait_for(posted, "the review in the thread")
    review: Json = json.loads(responder.slack.file(responder.person, file["id"]))
    return review


def _times(review: Json, report: Report, fault_at: float) -> None:
    times = {
        name: datetime.fromisoformat(at).timestamp() for name, at in review["times"].items() if at
    }
    if "found" in times:
        report.seconds_to_detect = round(times["found"] - fault_at, 2)
    if "found" in times and "told" in times:
        report.seconds_to_notify = round(times["told"] - times["found"], 2)
    if "works" in times and "found" in times:
        report.seconds_to_mitigate = round(times["works"] - times["found"], 2)


def _steps(story: Story, review: Json, report: Report) -> None:
    """Every step of the section stands in the review, and the runbook in Slack says the same."""
    # Also what was done and, the fault over, taken back: the review says when it was first done.
    report.steps_done = [s["id"] for s in review["steps"] if s["first_at"]]
    settled = {s["id"] for s in review["steps"] if s["state"] in ("done", "not_needed", "skipped")}
    lost = [step for step in story.steps if step not in settled]
    if lost:
        report.problems.append(f"steps not done: {', '.join(lost)}")
    if review.get("end") != "seen":  # every story mends its fault before it resolves
        report.problems.append(f"the review says of the end: {review.get('end')}")
    if not review["plan_followed"]["touched"]:
        report.problems.append("the review says that nobody did a step")
    if review["plan_followed"]["done"] != len(report.steps_done):
        report.problems.append("the review counts other steps than it lists")
    if not review.get("timeline"):
        report.problems.append("the review has no timeline")


def _too_loud(slack: Slack, relapses: int) -> list[str]:
    """Slack's own log of lock screens: who was rung too often, and who by a thread."""
    problems = []
    for person in ON_CALL:
        rings = slack.rings(person)
        if len(rings) > MOST_RINGS + PER_RELAPSE * relapses:
            problems.append(f"{person} was rung {len(rings)} times: {[r['text'] for r in rings]}")
        pulled = [ring["text"] for ring in rings if ring["why"] in ("mention", "thread")]
        if pulled:
            problems.append(f"{person} was rung by a mention or a thread: {pulled}")
    return problems


def _sounds(slack: Slack, person: str) -> int:
    return sum(1 for ring in slack.rings(person) if ring.get("sound"))


__all__ = ["Report", "elements", "run"]
