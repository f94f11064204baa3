"""The figures of one run as a table: each beside its goal, and the peers' beside ours."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import backlog, blackbox, bulk, settle
from benchmarks.sustained import GOALS

Found = Mapping[str, dict[str, Any] | None]


@dataclass(frozen=True)
class Row:
    """One figure; what has no goal counts as met.

    `broken`: something was lost, doubled or not measured, which is no matter of the machine.
    """

    what: str
    goal: str
    figure: str
    met: bool = True
    broken: bool = False


def table(found: Found) -> list[Row]:
    """Every row that this run has figures for."""
    rows: list[Row] = []
    for name, figures in found.items():
        if figures is None:
            rows.append(Row(name, "", "did not come to its end", False, broken=True))
            continue
        kind, _, on = name.partition("_")
        engine = "PostgreSQL" if on == "postgres" else "SQLite"
        rows += _ROWS[kind](figures, f"{engine}, real handlers" if on == "real" else engine)
    return rows


def document(rows: Sequence[Row], given: Mapping[str, str], *, quick: bool) -> str:
    """The table in Markdown, with the conditions under it."""
    lines = ["| What | Goal | Figure | |", "|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.goal} | {row.figure} | {'met' if row.met else '**missed**'} |"
        for row in rows
    ]
    said = ", ".join(f"{name} {value}" for name, value in given.items())
    length = "A short run" if quick else "One run"
    return "\n".join([*lines, "", f"{length} on: {said}."])


def _start(found: dict[str, Any], _: str) -> Iterator[Row]:
    start, memory = found["start_s"], found["memory_mb"]
    figure = f"{start:.2f} s (importing the chosen packages and ending: {found['packages_s']:.2f})"
    yield Row("Start until ready, warm", "≤ 1.5 s", figure, start <= 1.5)
    yield Row("Resident memory after the start", "≤ 120 MB", f"{memory:.0f} MB", memory <= 120)
    yield Row(
        "— beside the peers (start; memory)",
        "",
        f"incidentbot 1.3 s, {1.3 / start:.1f} ×; 165 MB, {165 / memory:.1f} ×. "
        f"FireFighter 2.7 s, {2.7 / start:.1f} ×; 500 MB, {500 / memory:.1f} ×",
    )


def _probe(found: dict[str, Any], _: str) -> Iterator[Row]:
    median = found["median_s"]
    yield Row(
        "Failing probe → post at Slack (300 ms an answer)", "< 1 s", f"{median:.2f} s", median < 1
    )


def _blackbox(found: dict[str, Any], _: str) -> Iterator[Row]:
    yield Row(
        f"{found['probes']} HTTP probes every {found['every_s']} s: processor a probe, beside "
        "blackbox_exporter",
        f"≤ {blackbox.GOAL:g} ×",
        f"{found['ratio']:.2f} × ({found['muster_ms']:.2f} : {found['blackbox_ms']:.2f} ms)",
        found["ratio"] <= blackbox.GOAL,
    )
    yield Row(
        "— memory that they add",
        f"≤ {blackbox.GOAL_MB:g} MB",
        f"{found['added_mb']:+.1f} MB",
        found["added_mb"] <= blackbox.GOAL_MB,
    )


def _ack(found: dict[str, Any], where: str) -> Iterator[Row]:
    for mode in dict.fromkeys(row["mode"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["mode"] == mode]
        p99 = statistics.median(row["p99"] for row in rows)
        worst = max(row["p99"] for row in rows)
        acked, sent = sum(row["acked"] for row in rows), sum(row["sent"] for row in rows)
        transport = "HTTP" if mode.startswith("http") else "Socket Mode"
        yield Row(
            f"200 at once, {transport}, {where}: acknowledgement",
            "all, p99 ≤ 50 ms",
            f"{acked}/{sent}; p99 {p99:.0f} ms (median of {len(rows)} bursts, worst {worst:.0f})",
            worst <= 50 and acked == sent,
            broken=acked != sent,
        )
    yield Row(
        "— beside the peers",
        "",
        "incidentbot: 15 of 50 at once within 3 s, with Slack at 150 ms",
    )


def _declare(found: dict[str, Any], where: str) -> Iterator[Row]:
    for one in found["speeds"]:
        slack = f"Slack at {one['slack_ms']:.0f} ms, {where}"
        for name, key, goal in (("first post", "first", 1.3), ("whole thread", "whole", 3.0)):
            trips, took = one[f"{key}_trips"], one[f"{key}_ms"]
            yield Row(
                f"Declare → {name}, {slack}",
                f"≤ {goal:g} round trips",
                f"{trips:.2f} ({took:.0f} ms)",
                trips <= goal,
            )
        if one["slack_ms"] == 150:
            first, whole = 314 / one["first_ms"], 1243 / one["whole_ms"]
            yield Row(
                "— beside the peers",
                "",
                f"incidentbot 314 ms ({first:.1f} ×) and 1,243 ms ({whole:.1f} ×), "
                "in three interactions",
            )
    if "at_once" in found:
        one = found["at_once"]
        yield Row(
            f"{one['sent']} declared at once under rate limits, {where}",
            "all stand, whole and once",
            f"{one['whole']} whole, once: {'yes' if one['once'] else 'no'}; "
            f"after {one['all_s']:.0f} s; {one['limited']} answers of 429",
            one["once"],
            broken=not one["once"],
        )


def _settle(found: dict[str, Any], _: str) -> Iterator[Row]:
    small, large = found["rows"]
    yield Row(
        f"A press settled, writer's CPU a case: {large['cases']} : {small['cases']} cases",
        f"≤ {settle.GOAL:g}",
        f"{found['ratio']:.2f} ({large['cpu_ms']:.1f} : {small['cpu_ms']:.1f} ms)",
        found["met"],
    )


def _bulk(found: dict[str, Any], where: str) -> Iterator[Row]:
    ratio, runs = found["ratio"], found["runs"]

    def beside(name: str) -> str:
        during, without = (
            statistics.median(run[side][name] for run in runs) for side in ("during", "without")
        )
        return f"{name} {ratio[name]:.2f} ({during:.0f} : {without:.0f} ms)"

    yield Row(
        f"{found['orders']} orders in one press beside {found['rate']:g} interactions/s, {where}: "
        "acknowledgement, during : without",
        f"≤ {bulk.GOAL:g}",
        f"{beside('p50')}, {beside('p99')}, medians of {len(runs)} pairs",
        max(ratio.values()) <= bulk.GOAL and found["acked"],
        broken=not found["acked"],
    )
    yield Row(
        "— worked through",
        "each once",
        f"in {found['took_s']:.0f} s; once: {'yes' if found['once'] else 'no'}",
        found["once"],
        broken=not found["once"],
    )


def _backlog(found: dict[str, Any], where: str) -> Iterator[Row]:
    claim, waiting = found["claim_ms"], f"{found['messages']:,} messages wait, {where}"
    yield Row(
        f"{waiting}: peak memory",
        f"≤ {backlog.GOAL_MB:.0f} MB",
        f"{found['memory_mb']:.0f} MB",
        found["memory_mb"] <= backlog.GOAL_MB,
    )
    took = claim["search"] + claim["take"]
    yield Row(
        "— a claim of 16",
        f"≤ {backlog.GOAL_CLAIM_MS:.0f} ms",
        f"{took:.1f} ms (search {claim['search']:.1f}, worst {claim['worst']:.1f})",
        took <= backlog.GOAL_CLAIM_MS,
    )
    posts, updates = (
        "/".join(str(minute[method]) for minute in found["minutes"]) for method in backlog.LIMITS
    )
    allowed = backlog.LIMITS["chat.postMessage"]
    yield Row(
        f"— the drain by a driven clock, {len(found['minutes'])} min",
        f"≥ {backlog.LEAST * allowed:.0f} of Slack's {allowed} posts/min, no 429",
        f"{posts} posts, {updates} updates; {found['limited']} answers of 429",
        backlog.at_rate(found),
    )
    yield Row(
        "— first posts before log lines, threads in order",
        f"≤ {backlog.EARLY} lines before, all in order",
        f"{found['lines_before']} lines before {found['first_posts']} first posts; "
        f"in order: {'yes' if found['in_order'] else 'no'}",
        found["lines_before"] <= backlog.EARLY and found["in_order"],
        broken=not found["in_order"],
    )


def _sustained(found: dict[str, Any], where: str) -> Iterator[Row]:
    acks, (before, after), cpu = found["acks"], found["memory_mb"], found["cpu"]
    load = f"{found['rate']:.0f} interactions/s for {found['minutes']:g} min, {where}"
    yield Row(
        f"{load}: acknowledgement",
        f"p99 ≤ {GOALS['p99_ms']:.0f} ms",
        f"{acks['acked']}/{acks['sent']}; p50 {acks['p50']:.0f}, p99 {acks['p99']:.0f} ms "
        f"(bot {cpu['bot']:.2f}, sandbox Slack {cpu['slack']:.2f} cores)",
        acks["p99"] <= GOALS["p99_ms"] and acks["acked"] == acks["sent"],
        broken=acks["acked"] != acks["sent"],
    )
    oldest, current = found["oldest_s"], found["current_s"]
    after_end = "never" if current is None else f"{current:.0f} s"
    yield Row(
        "— oldest unworked delivery, at worst",
        f"≤ {GOALS['oldest_s']:g} s",
        f"{oldest:.2f} s",
        oldest <= GOALS["oldest_s"],
    )
    yield Row(
        "— memory",
        f"≤ +{GOALS['memory_mb']:.0f} MB",
        f"{before:.0f} → {after:.0f} MB",
        after - before <= GOALS["memory_mb"],
    )
    yield Row(
        "— every card current after the end, Slack's limits on",
        f"≤ {GOALS['current_s']:.0f} s",
        f"{after_end} ({found['stale_at_end']} to refresh)",
        current is not None and current <= GOALS["current_s"],
    )


_ROWS = {
    "start": _start,
    "probe": _probe,
    "blackbox": _blackbox,
    "ack": _ack,
    "declare": _declare,
    "settle": _settle,
    "bulk": _bulk,
    "backlog": _backlog,
    "sustained": _sustained,
}
