"""Registry: the kinds of checks that a configuration can instantiate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from checks.kinds.amount_mismatch import AmountMismatch, AmountMismatchSettings
from checks.kinds.base import Check
from checks.kinds.channel_settings import PaymentChannelSettings
from checks.kinds.http_probe import HttpProbe, HttpProbeSettings
from checks.kinds.payment_channel import PaymentChannel
from checks.kinds.query import QueryCheck
from checks.kinds.query_settings import QueryCheckSettings
from checks.kinds.stuck_orders import StuckOrders, StuckOrdersSettings

AnyCheckSettings = Annotated[
    HttpProbeSettings
    | PaymentChannelSettings
    | StuckOrdersSettings
    | AmountMismatchSettings
    | QueryCheckSettings,
    Field(discriminator="kind"),
]


def build(settings: AnyCheckSettings) -> Check:
    """The check of the settings' kind."""
    match settings:
        case HttpProbeSettings():
            return HttpProbe(settings)
        case PaymentChannelSettings():
            return PaymentChannel(settings)
        case StuckOrdersSettings():
            return StuckOrders(settings)
        case AmountMismatchSettings():
            return AmountMismatch(settings)
        case QueryCheckSettings():
            return QueryCheck(settings)
