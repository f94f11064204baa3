"""Failing share: a check that fails every now and then, and never often enough in a row.

Only the failures are kept, by their moments, with the subject's state: what is well costs nothing.
The runs of the window are those that its interval makes, so a run that could not look counts as
none that failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from checks.model import CheckResult
from storage.models import CheckState

_AT = "failed_at"  # among the subject's figures: seconds since 1970, the oldest first
_LEAST = 2  # failures: a single one is no share


def note(state: CheckState, result: CheckResult) -> None:
    """One more failure of the subject."""
    if result.open_share is not None:
        moments = [*_moments(state, result), result.ran_at.timestamp()]
        state.figures = {**(state.figures or {}), _AT: moments}


def reached(state: CheckState, result: CheckResult) -> bool:
    """Whether so many of the window's runs failed that it fails by that."""
    if result.open_share is None:
        return False
    failed = len(_moments(state, result))
    return failed >= max(_LEAST, result.open_share.share * _runs(result))


def facts(state: CheckState, result: CheckResult) -> Mapping[str, Any]:
    """How it was found, where it was found so and not by failures in a row."""
    if state.failures >= result.open_after or not reached(state, result):
        return {}
    return {"failed_runs": len(_moments(state, result)), "of_runs": _runs(result)}


def _runs(result: CheckResult) -> int:
    within = 0 if result.open_share is None else result.open_share.within
    return max(1, within // result.every)


def _moments(state: CheckState, result: CheckResult) -> list[float]:
    """Of the window that ends with this run."""
    if result.open_share is None:
        return []
    since = (result.ran_at - timedelta(seconds=result.open_share.within)).timestamp()
    return [at for at in (state.figures or {}).get(_AT, ()) if since < at]
