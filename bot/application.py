"""Application: the composition root, which builds the parts out of the configuration, starts and
stops them.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web

from actions.paging.registry import open_pager
from actions.runner import ActionRunner
from bot.bolt_app import build_app
from bot.channels import EVERY as CHANNELS_SECONDS
from bot.channels import Channels
from bot.clock import Clock, DrivenClock
from bot.clock_control import ControlPort
from bot.delivery.channel_history import EVERY as HISTORY_SECONDS
from bot.delivery.channel_history import ChannelHistory
from bot.delivery.context import Office
from bot.delivery.presence import Presence
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from bot.delivery.worker import Deliverer
from bot.gc_tuning import avoid_pauses
from bot.given_numbers import GivenNumbers
from bot.groups import EVERY as GROUPS_SECONDS
from bot.groups import Groups
from bot.identification import EVERY as IDENTITY_SECONDS
from bot.identification import identify
from bot.intake.alert_doors import AlertDoors
from bot.intake.dispatch import Dispatcher
from bot.intake.http import HttpIntake
from bot.intake.receive import Intake
from bot.intake.socket_mode import SocketMode
from bot.name_resolution import opening_nothing
from bot.people import PEOPLE_SECONDS, PeopleDirectory
from bot.record_watch import RecordWatch
from bot.rendering import Drawing
from bot.schedule.clock_watch import ClockWatch
from bot.schedule.housekeeping import housekeeping, seal_at_stop
from bot.schedule.recurring import RecurringWork
from bot.schedule.scheduler import TICK_SECONDS, Scheduler
from bot.schedule.weekly import weekly
from bot.schedule.workers import Workers
from bot.section_gaps import name_gaps
from bot.settings import Secrets, Settings
from bot.settings_errors import SettingsError
from bot.stall_detector import Pulse
from bot.start_questions import StartQuestions
from bot.web.actions import CountedBook
from bot.web.bare import without_banner
from bot.web.health import Health, Probe
from bot.web.meters import Exposition, Meters, Parts
from bot.web.routes import OwnRoutes
from bot.wiring.adapters import FreshLooks, Orders, ViewDoor
from bot.wiring.alert_parts import alert_parts
from bot.wiring.channel_watch import ChannelWatch
from bot.wiring.check_connections import open_checks
from bot.wiring.check_jobs import at_once, recurring_checks
from bot.wiring.heart import beat
from bot.wiring.organisation import (
    build_audiences,
    build_house,
    build_roles,
    check_titles,
    health_limits,
)
from bot.wiring.timer_handler import TimerWork
from bot.wiring.web_port import open_port
from bot.wiring.work_kinds import add_workers
from handlers import register_all
from handlers.context import Desk
from handlers.identity import Identity
from handlers.registry import Interaction, Registry
from incidents.alerting import reachability, record_notice
from incidents.lifecycle import record_confirmation
from incidents.organisation import House
from incidents.shop_actions.action_attempts import AttemptBook
from message_templates.engine import Templates
from plan.command_names import CommandNames
from plan.loader import LoadedPlan, load_plan
from plan.sources import PlanError
from storage.database import Database
from storage.models import WorkKind
from storage.record_keeper import BEAT_SECONDS

log = structlog.get_logger(__name__)

STOP_SECONDS = 8.0  # for the turns under way; the rest of 10 s is for letting go


class Muster:
    """One running bot. `start` returns when it takes in and delivers; `stop` within 10 s."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        clock: Clock,
        announce: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """`announce`: a sentence for whoever sits at the terminal."""
        self._announce = announce
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._stack = AsyncExitStack()
        self._identity = Identity(awaited=True)
        self._web_url: str | None = None
        self._control_url: str | None = None
        self._health: Health | None = None
        self._give_up_at = math.inf  # by time.monotonic(): when stopping must be over
        self._look: Callable[[], Awaitable[None]]  # at open incidents, now and then
        self._owner = f"boot-{uuid.uuid4()}"  # of claims in the work table

    def addresses(self) -> dict[str, str | None]:
        """What `--ready` prints."""
        return {"web": self._web_url, "control": self._control_url, "owner": self._owner}

    async def start(self, *, control_port: int | None = None) -> None:
        """Brings everything up. Raises StorageError, PlanError or SettingsError: sentences."""
        settings, secrets, clock = self._settings, self._secrets, self._clock
        loaded = await asyncio.to_thread(load_plan, settings.plan.extra)
        lost = opening_nothing(loaded.plan, settings)
        if lost:  # what such a check finds would be told to nobody
            raise PlanError([f"muster.yaml: {sentence}" for sentence in lost])
        database = await asyncio.to_thread(Database.start, settings.database.url, key=secrets.key)
        self._stack.push_async_callback(database.close)
        meters = Meters()
        database.time_units(meters.unit_done)

        client = open_client(secrets.bot_token, settings.slack.base_url)
        self._stack.push_async_callback(close_client, client)
        sender = Sender(client, budget=Budget(), clock=clock, noted=meters.slack_called)
        questions = StartQuestions()
        self._stack.push_async_callback(questions.stop)
        wanted = [role.group for role in settings.roles.values() if role.group]
        groups = Groups(wanted, sender, database)
        await groups.load()
        places = [channel.id for channel in settings.slack.channels.values()]
        given = GivenNumbers(places, sender, database, clock, lambda: self._identity.bot_id)
        questions.ask("identity", partial(self._identify, sender))
        questions.ask("groups", groups.look, answered=lambda: not groups.unknown)
        questions.ask("numbers", given.ask, answered=lambda: given.answered)
        await questions.answers()
        if self._refused is not None:
            raise SettingsError([self._refused])
        roles = build_roles(settings, groups.members)
        groups.changed = lambda: roles.update(build_roles(settings, groups.members))
        house = build_house(settings, loaded, roles)
        presence = Presence(sender, database, clock, self._identity)
        people = PeopleDirectory(presence, database, clock)
        channels = Channels(settings.slack.channels, sender, clock)
        chains = {person for role in house.roles.values() for person in role.chain}
        questions.ask("people", partial(people.meet, chains))
        await questions.answers()
        await people.load()

        zone = people.house_zone(settings.time_zone)
        names = CommandNames(settings.slack.commands)
        templates = Templates(
            zone=zone,
            checks=check_titles(settings),
            commands=names.shown,
            channels=channels.name_of,
        )
        checking = await self._stack.enter_async_context(open_checks(settings))
        pager = None if settings.page is None else open_pager(checking.http, settings.page)
        drawing = Drawing(house, templates, clock, people.known_zone, zone)
        office = Office(
            database=database,
            sender=sender,
            renderer=drawing,
            audiences=build_audiences(settings, channels.gate),
            clock=clock,
            people=people,
            pager=pager,
            command=names.shown["incident"],
        )
        registry = Registry(names)
        register_all(registry)
        looks = FreshLooks(database, house, checking.client, clock)
        desk = Desk(
            database=database,
            house=house,
            templates=templates,
            slack=ViewDoor(sender),
            people=people,
            clock=clock,
            guard_looks=looks,
            order=Orders(checking.client),
            identity=self._identity,
            confirm=groups.confirm,
        )
        owner = self._owner
        workers = Workers(database, clock, owner)
        scheduler = Scheduler(workers)
        app = build_app(registry, desk, client, self._identity)

        async def tell(interaction: Interaction, code: str) -> None:
            await desk.report(interaction, "problem" if code == "failed" else "form_gone")

        dispatcher = Dispatcher(
            app,
            registry,
            database,
            clock,
            tell=tell,
            refuse=lambda interaction: registry.work(interaction, desk),
        )
        pulse = Pulse()
        intake = Intake(
            database,
            clock,
            owner=owner,
            answering=dispatcher,
            take=workers.take,
            took=meters.acknowledged,
            was_away=pulse.was_away,
        )
        book = CountedBook(AttemptBook(house), meters.action_settled)
        checks = RecurringWork(
            WorkKind.CHECK,
            database,
            clock,
            recurring_checks(settings, checking, house, clock, database, ran=meters.check_ran),
        )
        alerts = alert_parts(
            settings,
            house,
            database,
            clock,
            owner=owner,
            take=workers.take,
            heard=meters.alert_heard,
        )
        jobs = RecurringWork(
            WorkKind.TIMER,
            database,
            clock,
            {
                **housekeeping(
                    database,
                    clock,
                    keep_deliveries=timedelta(days=settings.limits.keep_deliveries_days),
                ),
                "week": weekly(clock, house, people.known_zone),
                "refused": alerts.refused.ending(),
            },
        )
        timers = TimerWork(database, house, clock, presence, jobs, looks)

        add_workers(
            workers,
            intake=alerts.work.beside(dispatcher.run),
            quiet=intake.quiet,
            messages=Deliverer(office).run,
            actions=ActionRunner(database=database, shop=checking.client, book=book, clock=clock),
            checks=checks.run,
            checks_at_once=at_once(settings),
            timers=timers.run,
        )
        await intake.warm_up()
        await checks.plan()
        await jobs.plan()
        await given.begin()
        record = RecordWatch(database, sender, templates, people, house, clock, self._announce)
        await record.say_what_changed()
        seen = ChannelWatch(settings, channels, sender, database, house, clock)
        await self._put_right(database, house, loaded, seen)
        await workers.start()
        self._stack.push_async_callback(self._end, partial(seal_at_stop, database, clock), 2.0)
        self._stack.push_async_callback(self._end, workers.stop, 8.0)
        if isinstance(clock, DrivenClock):
            clock.on_advance(workers.wake)
        watch = ClockWatch(database, clock, (checks, jobs), scheduler)
        scheduler.wake_every(TICK_SECONDS)
        if not database.embedded:  # a language chosen through another replica
            scheduler.every(PEOPLE_SECONDS, people.reload, name="people")
        scheduler.every(GROUPS_SECONDS, groups.look, name="groups")
        scheduler.every(GROUPS_SECONDS, self._look, name="reachability")
        scheduler.every(
            IDENTITY_SECONDS, partial(identify, self._identity, sender), name="identity"
        )
        scheduler.every(BEAT_SECONDS, record.look, name="record")
        history = ChannelHistory(sender, database, office.audiences, house, clock)
        scheduler.every(HISTORY_SECONDS, history.look, name="history")
        for every in {check.every for check in settings.checks}:
            scheduler.wake_every(every, WorkKind.CHECK)
        health = Health(
            database=database,
            clock=clock,
            sender=sender,
            workers=workers,
            plain=office.plain,
            limits=health_limits(settings),
            sockets=settings.slack.mode == "socket",
            groups=groups,
            ticking=scheduler,
            watch=watch,
        )
        self._health = health
        scheduler.every(Probe.EVERY, Probe(sender, clock).ask, name="probe")
        beat(settings, scheduler, checking.http, health, meters, database)
        parts = Parts(
            health, intake, sender, office.plain, clock, loaded.version, settings.slack.mode
        )
        own = OwnRoutes(health, Exposition(meters, parts))
        scheduler.start()
        self._stack.callback(scheduler.stop)
        watch.start()
        self._stack.callback(watch.stop)
        self._stack.push_async_callback(self._end, intake.drained, 2.0)
        avoid_pauses()
        pulse.start()
        self._stack.callback(pulse.stop)
        reading = asyncio.create_task(history.look(), name="channel-history")
        self._stack.callback(reading.cancel)
        seeing = asyncio.create_task(seen.compare(self._identity), name="channels")
        self._stack.callback(seeing.cancel)
        scheduler.every(CHANNELS_SECONDS, seen.look, name="channels")
        await self._listen(intake, client, control_port, workers, health, own, alerts.doors)
        log.info(
            "ready", mode=settings.slack.mode, checks=len(settings.checks), plan=loaded.version
        )

    async def _identify(self, sender: Sender) -> None:
        self._refused = await identify(self._identity, sender)

    async def _put_right(
        self, database: Database, house: House, loaded: LoadedPlan, seen: ChannelWatch
    ) -> None:
        """Names what leads nowhere, and brings open incidents up to what is configured now."""
        clock = self._clock
        await asyncio.to_thread(name_gaps, loaded.plan, house.doors, self._settings)
        told = await database.write(lambda s: record_confirmation.tell(s, house, clock.now()))
        if told:
            log.warning("record_restored", incidents=told)
        await seen.found()

        async def look() -> None:
            await database.write(lambda s: reachability.look(s, house, clock.now()))
            await database.write(lambda s: record_notice.tell(s, house, clock.now()))

        await look()
        self._look = look

    async def _listen(
        self,
        intake: Intake,
        client: object,
        control_port: int | None,
        workers: Workers,
        health: Health,
        own: OwnRoutes,
        doors: AlertDoors,
    ) -> None:
        settings = self._settings
        site = web.Application()
        site.on_response_prepare.append(without_banner)
        own.add_to(site)
        doors.add_to(site)
        http = None
        if settings.slack.mode == "http":
            http = HttpIntake(intake, signing_secret=self._secrets.signing_secret)
            http.add_to(site)
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        port = open_port(settings, runner, http, self._stack)
        self._stack.callback(doors.close)
        self._web_url = f"http://{settings.web.host}:{port}"
        if isinstance(self._clock, DrivenClock) and control_port is not None:

            async def pending() -> dict[str, int]:
                return {"receiving": intake.busy, **await workers.pending()}

            control = ControlPort(self._clock, pending)
            self._control_url = await control.start(control_port)
            self._stack.push_async_callback(control.stop)
        if settings.slack.mode == "socket":
            socket = SocketMode(
                client,  # type: ignore[arg-type]
                intake,
                app_token=self._secrets.app_token,
                connections=settings.slack.connections,
                clock=self._clock,
            )
            health.connect(socket)
            await socket.start()
            self._stack.push_async_callback(self._end, socket.stop, 3.0)
            try:
                await asyncio.wait_for(socket.ready(), 5)
            except TimeoutError:
                log.warning("socket_not_ready_yet")

    async def _end(self, part: Callable[..., Awaitable[None]], within: float) -> None:
        """Ends a part within its own time, at most what is left."""
        await part(within=max(0.0, min(within, self._give_up_at - time.monotonic())))

    async def stop(self, *, within: float = STOP_SECONDS) -> None:
        """Takes in nothing more, ends what runs, and lets go of everything.

        What has not ended after `within` seconds is broken off; the next start looks at it.
        """
        if self._health is not None:
            self._health.stopping()
        self._give_up_at = time.monotonic() + within
        await self._stack.aclose()
        if self._health is not None:  # one that was refused never ran: its sentence is enough
            log.info("stopped")
