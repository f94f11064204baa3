"""Tried checks: which can be asked over what a shop maps, and which not for want of what.

On one screen, also of a phone: names beside each other, each reason once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from checks.shop.rows_seen import looked_at
from checks.shop.verification import Seen, Tried

_SENTENCES = (": say where the shop keeps it", " is not mapped")  # said once, above the list


def said_of_checks(tries: Sequence[Tried], off: Mapping[str, str], now: datetime) -> Iterator[Seen]:
    """`off`: by name, why a check is left out."""
    ready = [one for one in tries if one.fault is None]
    if ready:
        yield Seen(f"Checks that can be asked ({len(ready)}): {_listed(one.name for one in ready)}")
    yield from (Seen(f"  only of late: {said}") for said in _windows(ready, now))
    for fault, names in _grouped({one.name: one.fault for one in tries if one.fault}).items():
        yield Seen(f"Cannot be asked ({len(names)}): {_listed(names)}", wrong=True)
        yield Seen(f"  {fault}", wrong=True)
    if off:
        yield Seen(f"Off for want of what is not mapped ({len(off)}):")
    for why, names in _grouped(off).items():
        yield Seen(f"  {_short(why)}: {_listed(names)}")


def _windows(ready: Iterable[Tried], now: datetime) -> Iterator[str]:
    """Of what a check looks at a part by its age, how much that is."""
    windows = {
        one.name: looked_at(one.rows, now) for one in ready if one.rows and one.rows["since"]
    }
    for said, names in _grouped(windows).items():
        yield f"{_listed(names)} ({said})"


def _grouped(reasons: Mapping[str, str | None]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in reasons.items():
        found.setdefault(str(why), []).append(name)
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _short(why: str) -> str:
    for said in _SENTENCES:
        why = why.replace(said, "")
    return why.replace("“", "").replace("”", "")
