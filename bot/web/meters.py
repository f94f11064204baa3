"""Meters: the metrics of one running bot, in a registry of its own.

What happens is counted by small hooks that the composition root hands to the parts (a few
microseconds each); what stands is read when it is asked for. `docs/operations.md` lists every
metric, and a test says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from bot.clock import Clock
from bot.delivery.fallback_text import PlainForms
from bot.delivery.sender import Sender
from bot.intake.receive import Intake
from bot.web.figures import Figures
from bot.web.health import Health, Report
from checks.model import CheckResult

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_SLACK_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_CHECK_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0)


class Meters:
    """Counts what happens. Each method is a hook for one part."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self._acknowledged = Histogram(
            "muster_acknowledgement_seconds",
            "Seconds from the arrival of a payload of Slack to its answer",
            buckets=_SECONDS,
            registry=registry,
        )
        self._slack_calls = Counter(
            "muster_slack_calls",
            "Calls to Slack by method and outcome",
            ["method", "outcome"],
            registry=registry,
        )
        self._slack_seconds = Histogram(
            "muster_slack_call_seconds",
            "Seconds that Slack took to answer a call",
            ["method"],
            buckets=_SLACK_SECONDS,
            registry=registry,
        )
        self._units = Histogram(
            "muster_database_unit_seconds",
            "Seconds of a unit of work: write, store (a group of deliveries) or read",
            ["lane"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._actions = Counter(
            "muster_actions",
            "Outcomes of actions at the shop",
            ["action", "outcome"],
            registry=registry,
        )
        self._checks = Counter(
            "muster_check_runs",
            "Runs of checks: well, found, or failed (it could not look)",
            ["check", "outcome"],
            registry=registry,
        )
        self._check_seconds = Histogram(
            "muster_check_seconds",
            "Seconds that one run of a check took",
            ["check"],
            buckets=_CHECK_SECONDS,
            registry=registry,
        )
        self._alerts = Counter(
            "muster_alert_requests",
            "Requests at the doors for other systems by their outcome",
            ["door", "outcome"],
            registry=registry,
        )
        self._heartbeats = Counter(
            "muster_heartbeats",
            "Pings of the dead-man service: sent, failed, or withheld (not ready)",
            ["outcome"],
            registry=registry,
        )

    def acknowledged(self, seconds: float) -> None:
        self._acknowledged.observe(seconds)

    def slack_called(self, method: str, outcome: str, seconds: float) -> None:
        self._slack_calls.labels(method, outcome).inc()
        self._slack_seconds.labels(method).observe(seconds)

    def unit_done(self, lane: str, seconds: float) -> None:
        self._units.labels(lane).observe(seconds)

    def action_settled(self, action: str, outcome: str) -> None:
        self._actions.labels(action, outcome).inc()

    def check_ran(self, result: CheckResult) -> None:
        outcome = "failed" if result.error else "found" if result.findings else "well"
        self._checks.labels(result.name, outcome).inc()
        if result.took is not None:
            self._check_seconds.labels(result.name).observe(result.took)

    def alert_heard(self, door: str, outcome: str) -> None:
        self._alerts.labels(door, outcome).inc()

    def heartbeat(self, outcome: str) -> None:
        self._heartbeats.labels(outcome).inc()


@dataclass(frozen=True)
class Parts:
    """The parts that keep figures of their own."""

    health: Health
    intake: Intake
    sender: Sender
    plain: PlainForms
    clock: Clock
    plan_version: str
    mode: str


class Standing:
    """What stands at this moment: a collector of the registry, filled by each look."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.report: Report | None = None

    def collect(self) -> Iterator[Metric]:
        """Called by the registry when it is written out."""
        parts, now = self._parts, self._parts.clock.now()
        yield _labelled(
            "muster_build_info",
            "1; the versions of the program and of the plan, and how Slack reaches it",
            ("version", "plan", "mode"),
            {(_version(), parts.plan_version, parts.mode): 1},
        )
        yield from self._readiness()
        yield from self._slack(now)
        counts = parts.intake.counts
        yield _counted(
            "muster_deliveries",
            "Payloads of Slack: received, stored, known already, or refused (not stored in time)",
            ("outcome",),
            {
                ("received",): counts.received,
                ("stored",): counts.stored,
                ("duplicate",): counts.duplicates,
                ("refused",): counts.refused,
            },
        )
        yield _counted(
            "muster_plain_messages",
            "Messages that went out in plain words: drawing failed, or Slack refused the blocks",
            ("template", "why"),
            dict(parts.plain.counts.items()),
        )
        if parts.health.figures is not None:
            yield from _figures(parts.health.figures, now)

    def _readiness(self) -> Iterator[Metric]:
        report = self.report
        if report is None:
            return
        yield _labelled(
            "muster_ready",
            "1 when the part is in order, as /readyz has it",
            ("part",),
            {(name,): part.problem is None for name, part in report.parts.items()},
        )

    def _slack(self, now: datetime) -> Iterator[Metric]:
        parts = self._parts
        yield _labelled(
            "muster_slack_connections",
            "Socket Mode connections that Slack has greeted",
            (),
            {(): parts.health.connections},
        )
        yield _labelled(
            "muster_slack_held_seconds",
            "Seconds for which a method of Slack rests after a 429",
            ("method",),
            {(m,): (until - now).total_seconds() for m, until in parts.sender.held().items()},
        )


def _figures(figures: Figures, now: datetime) -> Iterator[Metric]:
    """What the database says."""
    yield _labelled(
        "muster_work_items",
        "Unfinished and parked items of the work table",
        ("kind", "state"),
        dict(figures.states.items()),
    )
    yield _labelled(
        "muster_work_oldest_due_seconds",
        "Seconds since the oldest unfinished item of the kind was due",
        ("kind",),
        {
            (depth.kind,): max(0.0, (now - depth.oldest).total_seconds())
            for depth in figures.depths
            if depth.oldest is not None
        },
    )
    yield _labelled(
        "muster_work_parked",
        "Items that wait for an operator (muster work list)",
        (),
        {(): figures.parked},
    )
    yield _labelled(
        "muster_undelivered_messages",
        "Messages that do not stand in Slack yet",
        (),
        {(): figures.undelivered.count},
    )
    yield _labelled(
        "muster_undelivered_oldest_seconds",
        "Seconds since the oldest undelivered message was committed",
        (),
        {(): figures.undelivered_age(now)},
    )
    yield _labelled(
        "muster_incidents_open",
        "Open incidents by severity",
        ("severity",),
        {(str(severity),): count for severity, count in figures.incidents.items()},
    )
    yield _labelled(
        "muster_check_last_run_timestamp_seconds",
        "When the check last ran, on any replica",
        ("check",),
        {(c.name,): c.last_run_at.timestamp() for c in figures.checks if c.last_run_at},
    )
    yield _labelled(
        "muster_check_last_duration_seconds",
        "Seconds of the check's last run, on any replica",
        ("check",),
        {(c.name,): c.last_took for c in figures.checks if c.last_took is not None},
    )
    yield _labelled(
        "muster_check_failing_subjects",
        "On how many subjects the check finds a fault",
        ("check",),
        {(check.name,): check.failing for check in figures.checks},
    )
    yield _labelled(
        "muster_check_blind",
        "1 when the check could not look at its last run",
        ("check",),
        {(check.name,): check.blind for check in figures.checks},
    )


class Exposition:
    """The text that Prometheus reads."""

    def __init__(self, meters: Meters, parts: Parts) -> None:
        self._registry = meters.registry
        self._health = parts.health
        self._standing = Standing(parts)
        self._registry.register(self._standing)

    async def __call__(self) -> bytes:
        """Looks, then writes out. While the database is away its figures are left out."""
        self._standing.report = await self._health.ready()
        return generate_latest(self._registry)


def _labelled(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _counted(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _version() -> str:
    try:
        return metadata.version("muster")
    except metadata.PackageNotFoundError:
        return "source"
