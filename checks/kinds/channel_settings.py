"""Settings of the check of a payment channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from checks.kinds.base import CheckSettings


class ChannelName(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str  # the shop's own word in its payments
    name: str  # what people call it


class PaymentChannelSettings(CheckSettings):
    kind: Literal["payment_channel"]
    channel: ChannelName
    standby: ChannelName | None = None
    method: str = "card"
    probe_look: str | None = None  # look with params.channel: a test payment
    # Look with params.method, answering {channel: …}: which of the two carries the traffic now.
    route_look: str | None = None
    window: Annotated[int, Field(ge=60, le=3600)] = 300  # seconds of real payments looked at
    fail_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    minimum_attempts: Annotated[int, Field(ge=1)] = 10
    silence: bool = True  # whether it counts that no payment comes where some usually do
    unanswered_after: Annotated[int, Field(ge=1)] = 60  # seconds without a result
    usual_days: Annotated[int, Field(ge=1, le=90)] = 7
    looks_back: Annotated[int, Field(ge=300)] = 6 * 3600  # seconds an outage is followed back

    @property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        return {
            "orders": ("key", "number", "total"),
            "payments": ("key", "order_key", "channel", "state", "created_at"),
        }

    @property
    def asks(self) -> tuple[str, ...]:
        looks = ((self.route_look, "which channel carries"), (self.probe_look, "a test payment"))
        return tuple(f"look {look}: {what}" for look, what in looks if look is not None)

    @property
    def opens(self) -> tuple[str, ...]:
        return ("payment_channel_down",)
