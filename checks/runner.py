"""Runner: runs one check within its own deadline; a fault outside becomes a result, not a crash."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import structlog

from checks.kinds.base import Check, CheckContext
from checks.model import CheckResult
from checks.shop.source import ShopUnavailable

log = structlog.get_logger(__name__)


async def run_check(check: Check, context: CheckContext) -> CheckResult:
    """The result with the check's own hysteresis figures. Never raises for a fault outside."""
    settings, started = check.settings, time.monotonic()
    try:
        result = await asyncio.wait_for(check.run(context), settings.deadline)
    except ShopUnavailable as error:
        result = _could_not_run(settings.name, context, str(error), error.cause)
    except TimeoutError:
        result = _could_not_run(
            settings.name, context, f"the check did not end within {settings.deadline:g} s"
        )
    except Exception as error:
        log.exception("check_failed", check=settings.name)
        result = _could_not_run(settings.name, context, f"{type(error).__name__}: {error}")
    return replace(
        result,
        not_looked_at=_unsaid(result, context),
        open_after=settings.open_after,
        open_share=None if settings.open_share is None else settings.open_share.of_model(),
        recover_after=settings.recover_after,
        every=settings.every,
        shadow=settings.shadow,
        took=time.monotonic() - started,
    )


def _unsaid(result: CheckResult, context: CheckContext) -> tuple[str, ...]:
    """What failed before and of which this run says neither that it fails nor that it is well."""
    said = {*result.healthy_subjects, *(finding.subject for finding in result.findings)}
    return tuple(subject for subject in context.failed if subject not in said)


def _could_not_run(
    name: str, context: CheckContext, error: str, cause: str | None = None
) -> CheckResult:
    log.warning("check_could_not_run", check=name, error=error)
    return CheckResult(name=name, ran_at=context.now, error=error, cause=cause)
