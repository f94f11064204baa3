"""Registry: the kinds of checks that a configuration can instantiate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from checks.kinds.amount_mismatch import AmountMismatch, AmountMismatchSettings
from checks.kinds.base import Check
from checks.kinds.channel_settings import PaymentChannelSettings
from checks.kinds.http_probe import HttpProbe
from checks.kinds.payment_channel import PaymentChannel
from checks.kinds.probe_settings import HttpProbeSettings
from checks.kinds.query import QueryCheck
from checks.kinds.query_settings import QueryCheckSettings
from checks.kinds.quorum import Quorum
from checks.kinds.quorum_settings import QuorumSettings
from checks.kinds.stuck_orders import StuckOrders, StuckOrdersSettings

AnyCheckSettings = Annotated[
    HttpProbeSettings
    | PaymentChannelSettings
    | StuckOrdersSettings
    | AmountMismatchSettings
    | QueryCheckSettings
    | QuorumSettings,
    Field(discriminator="kind"),
]


def build(settings: AnyCheckSettings, among: Sequence[AnyCheckSettings] = ()) -> Check:
    """The check of the settings' kind. `among`: all that are configured, by which one may ask
    others."""
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
        case QuorumSettings():
            return Quorum(settings, [build(one) for one in among if one.name in settings.checks])
