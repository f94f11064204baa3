"""Probe settings: what an HTTP probe asks, and what it takes for well, degraded and down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from checks.kinds.base import CheckSettings

_DEADLINE, _SPARE = 30.0, 5.0  # seconds: of a run, and beside its timeout
_SLOW_AFTER = 2.0  # seconds, or half of a timeout that is shorter than twice as long
Status = Annotated[int, Field(ge=100, le=599)]


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or "$" in url:
        raise ValueError(f"“{url}” is no address; write one like https://shop.example/health")
    return url


def _proxy(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:  # it may hold a password: it is not said again
        raise ValueError("this is no HTTP proxy; write one like http://proxy.example:3128")
    return url


class HealthWord(BaseModel):
    """Where a health page says in a word how it is, and which words mean what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Annotated[str, Field(min_length=1)]  # the path in its JSON: status, checks.database.status
    well: tuple[str, ...] = ("ok", "up", "pass", "healthy", "true")
    degraded: tuple[str, ...] = ("degraded", "warn", "warning")
    down: tuple[str, ...] = ("down", "fail", "error", "unhealthy", "false")

    @model_validator(mode="after")
    def _each_means_one_thing(self) -> HealthWord:
        words = [word.lower() for word in (*self.well, *self.degraded, *self.down)]
        for word in words:
            if words.count(word) > 1:
                raise ValueError(f"“{word}” stands twice among well, degraded and down")
        return self


class HttpProbeSettings(CheckSettings):
    kind: Literal["http_probe"]
    url: Annotated[str, AfterValidator(_address)]
    service: str  # what people call it: storefront
    incident_type: str = "system_crash"
    degraded_type: str | None = None  # what a slow one opens; None: the same, as degraded
    status: Status | tuple[Status, ...] | None = None  # None: 2xx and 3xx
    contains: str | None = None  # text that the body must hold
    health: HealthWord | None = None
    slow_after: Annotated[float, Field(gt=0)] = _SLOW_AFTER  # seconds; slower is degraded
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0  # seconds
    via: Annotated[str, AfterValidator(_proxy)] | None = Field(default=None, repr=False)
    server: str | None = None  # the one that `url` belongs to; None: it is where customers come in
    standby: str | None = None  # id of the server that can take over
    standby_look: str | None = None  # look that says whether it could: {servers: […]}
    window: Annotated[int, Field(ge=60, le=3600)] = 600  # seconds in which orders are counted
    usual_days: Annotated[int, Field(ge=1, le=90)] = 7

    @property
    def asks(self) -> tuple[str, ...]:
        parts = urlsplit(self.url)  # a token may stand in its query, or before its host
        port = f":{parts.port}" if parts.port is not None else ""
        query = "?…" if parts.query else ""
        statuses = self.status if isinstance(self.status, tuple) else (self.status,)
        well = "2xx or 3xx" if self.status is None else " or ".join(map(str, statuses))
        through = " through the proxy of via" if self.via is not None else ""
        body = "" if self.contains is None else ", and a body that holds what contains says"
        word = "" if self.health is None else f", and by its word at {self.health.at}"
        place = f"{parts.scheme}://{parts.hostname}{port}{parts.path}{query}"
        return (
            f"GET {place}{through}, {self.timeout:g} s at most",
            f"well is {well}{body}{word}; slower than {self.slow_after:g} s is degraded",
            *(() if self.standby_look is None else (f"when it fails, look {self.standby_look}",)),
        )

    @property
    def opens(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.incident_type, self.degraded_type)))

    @property
    def of_orders(self) -> bool:
        return False

    def takes(self, status: int) -> bool | None:
        """Whether a status is a good answer; None: the question was wrong, not the service."""
        if self.status is not None:
            return status in ((self.status,) if isinstance(self.status, int) else self.status)
        if 400 <= status < 500 and status != 408:
            return None
        return status < 400

    @model_validator(mode="before")
    @classmethod
    def _has_time(cls, data: Any) -> Any:
        """Without limits of its own a patient probe has the time that it needs, and a hasty one
        calls an answer slow before it calls it none."""
        given = data.get("timeout") if isinstance(data, Mapping) else None
        if isinstance(given, int | float):
            fitting = {
                "deadline": max(_DEADLINE, given + _SPARE),
                "slow_after": _SLOW_AFTER if given >= 2 * _SLOW_AFTER else max(given / 2, 0.001),
            }
            return {**fitting, **data}
        return data

    @model_validator(mode="after")
    def _limits_fit(self) -> HttpProbeSettings:
        """A look that is not over when the check must be would hide the outage for ever."""
        if self.deadline <= self.timeout:
            raise ValueError(
                f"the deadline ({self.deadline:g} s) must be longer than the timeout "
                f"({self.timeout:g} s)"
            )
        if self.slow_after > self.timeout:
            raise ValueError(
                f"slow_after ({self.slow_after:g} s) must not be longer than the timeout "
                f"({self.timeout:g} s): nothing would ever be slow"
            )
        return self
