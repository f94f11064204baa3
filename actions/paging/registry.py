"""Registry of the providers of paging: the modules of this folder, and installed ones.

A module with a `PROVIDER` is one; a package of its own names its module under the entry points
`muster.paging`. Two of one kind are a mistake that is told at the start.
"""

from __future__ import annotations

import functools
import importlib
import operator
import pkgutil
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Any, get_args

import httpx
from pydantic import BeforeValidator, Field

from actions import paging
from actions.paging.base import Pager, PagerSettings, Provider

_ENTRY_POINTS = "muster.paging"


@functools.cache
def providers() -> dict[str, Provider]:
    """Every provider by its kind. Raises ValueError where two have the same."""
    modules = [
        importlib.import_module(f"{paging.__name__}.{found.name}")
        for found in pkgutil.iter_modules(paging.__path__)
    ]
    given = [getattr(module, "PROVIDER", None) for module in modules]
    given += [point.load() for point in entry_points(group=_ENTRY_POINTS)]
    found: dict[str, Provider] = {}
    for provider in given:
        if not isinstance(provider, Provider):
            continue
        kind = kind_of(provider.settings)
        if kind in found:
            raise ValueError(f"there are two providers of paging called “{kind}”")
        found[kind] = provider
    return found


def kind_of(settings: type[PagerSettings]) -> str:
    """The kind by which muster.yaml names these settings."""
    return str(get_args(settings.model_fields["kind"].annotation)[0])


def open_pager(http: httpx.AsyncClient, settings: PagerSettings) -> Pager:
    """The pager of these settings."""
    return providers()[kind_of(type(settings))].open(http, settings)


def _with_kind(data: Any) -> Any:
    return {"kind": "pagerduty", **data} if isinstance(data, dict) else data


if TYPE_CHECKING:
    AnyPagerSettings = PagerSettings
else:
    _ALL = functools.reduce(operator.or_, (one.settings for one in providers().values()))
    AnyPagerSettings = Annotated[
        Annotated[_ALL, Field(discriminator="kind")], BeforeValidator(_with_kind)
    ]
    """The `page` of muster.yaml: that of any provider."""
