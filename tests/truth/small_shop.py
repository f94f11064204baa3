"""Shop of a few orders, two payment channels and two servers, which a test can break and mend.

It stands in the place of a connector: the runner of actions acts and looks through it. What it
holds is the truth that the bot's words are laid beside, so it knows nothing of the bot:
it is told endpoint by endpoint, honours idempotency keys, and keeps a log of every effect with the
order as it was at that moment.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from actions.connectors.http import ShopAnswer
from actions.declarations import ActionDeclaration
from actions.errors import NoAnswer, Refused

CURRENCY = "TWD"
ANSWERS = ("yes", "refused", "failed", "lost", "never", "late")
"""How the shop takes the next effect: it does it; says no; accepts it and it fails; does it and the
answer is lost; does nothing and gives no answer; does it later."""

_SENT = {"dispatched", "delivered", "completed"}


@dataclass
class Order:
    """An order with its money in minor units of `CURRENCY`."""

    number: str
    customer: str
    total: int
    status: str = "paid"
    language: str = "zh-Hant"
    since: int = 0  # counts changes of the status
    route: str = "usual"
    payments: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    replacements: list[dict[str, Any]] = field(default_factory=list)
    compensations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def captured(self) -> int:
        return sum(one["amount_minor"] for one in self.payments if one["status"] == "captured")

    @property
    def refunded(self) -> int:
        return sum(one["amount_minor"] for one in self.refunds if one["status"] == "succeeded")

    @property
    def unanswered(self) -> bool:
        return any(one["status"] == "no_answer" for one in self.payments)

    @property
    def owes(self) -> int:
        """What is missing; never for an order that is cancelled."""
        held = self.captured - self.refunded
        return 0 if self.status == "cancelled" else self.total - held

    @property
    def differs(self) -> int:
        """How much too much (or, negative, too little) it holds: what was given back on purpose is
        no debt."""
        held = self.captured - self.refunded
        if self.status == "cancelled" or held > self.total:
            return held - (0 if self.status == "cancelled" else self.total)
        return min(0, self.captured - self.total)

    def seen(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "number": self.number,
            "status": self.status,
            "status_since": f"2026-11-01T00:00:{self.since % 60:02d}Z",
            "total_minor": self.total,
            "currency": CURRENCY,
            "courier": "blackcat",
            "route": self.route,
            "captured_minor": self.captured,
            "refunded_minor": self.refunded,
            "balance_minor": self.captured - self.refunded - self.total,
            "payments": [dict(one) for one in self.payments],
            "refunds": [dict(one) for one in self.refunds],
            "payment_links": [dict(one) for one in self.links],
            "replacements": list(self.replacements),
            "compensations": list(self.compensations),
        }


@dataclass(frozen=True)
class Effect:
    """One change of the shop: which action asked for it, under which key, and what it met."""

    key: str
    action: str
    params: Mapping[str, Any]
    met: Mapping[str, Any]  # the order before the effect, or {}


class Declined(Exception):
    """The shop's own no: nothing has changed."""


@dataclass
class SmallShop:
    """`felt_*` say what the customers feel; `answers` is how the next effects are taken."""

    orders: dict[str, Order] = field(default_factory=dict)
    channels: dict[str, bool] = field(
        default_factory=lambda: {"northpay": True, "harborpay": True}
    )  # whether payments go through
    route: str = "northpay"
    methods: list[str] = field(default_factory=lambda: ["card"])
    servers: dict[str, str] = field(
        default_factory=lambda: {"primary": "running", "standby": "stopped"}
    )
    sick: set[str] = field(default_factory=set)  # servers that run and are not healthy
    traffic: str = "primary"
    missing: list[str] = field(default_factory=list)  # orders that the data lost
    messages: list[dict[str, Any]] = field(default_factory=list)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    silent: bool = False  # no look has an answer
    log: list[Effect] = field(default_factory=list)
    _kept: dict[str, Any] = field(default_factory=dict)
    _late: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    # --- what customers feel

    @property
    def felt_payments(self) -> bool:
        return not self.channels[self.route]

    @property
    def felt_down(self) -> bool:
        return not self.healthy(self.traffic)

    def healthy(self, server: str) -> bool:
        return self.servers[server] == "running" and server not in self.sick

    # --- the doors, as `ShopClient` has them

    def address(self, name: str, _scope: Mapping[str, Any]) -> str:
        return f"GET /{name}"

    def action(self, name: str) -> ActionDeclaration | None:
        if name not in _DOES:
            return None
        return ActionDeclaration.model_validate(
            {"url": f"/{name}", "contract": "keys", "lookup": "/idempotency/{{ key }}"}
        )

    async def look(self, name: str, scope: Mapping[str, Any]) -> Any:
        if self.silent:
            raise NoAnswer("timeout", "no answer in time")
        return _LOOKS[name](self, scope)

    def seen(self, name: str, scope: Mapping[str, Any]) -> Any:
        """What a look shows, or {"error": code}: as the bot hands looks to a unit of work."""
        if self.silent:
            return {"error": "timeout"}
        try:
            return _LOOKS[name](self, scope)
        except Refused as error:
            return {"error": error.code}

    async def act(self, name: str, key: str, scope: Mapping[str, Any]) -> ShopAnswer:
        params = dict(scope["params"])
        if key in self._kept:
            return ShopAnswer(200, self._kept[key], replayed=True)
        wanted = self.answers.pop(0) if self.answers else "yes"
        if wanted == "refused":
            raise Refused(409, "The shop says no.")
        if wanted == "never":
            raise NoAnswer("timeout", "no answer in time")
        if wanted == "late":
            self._late.append((name, key, params))
            raise NoAnswer("timeout", "no answer in time")
        if wanted == "failed":
            return ShopAnswer(200, self._fail(name, params))
        answer = self._do(name, key, params)
        if wanted == "lost":
            raise NoAnswer("broken", "the connection broke before the answer")
        return ShopAnswer(200, answer)

    async def find(self, name: str, scope: Mapping[str, Any]) -> ShopAnswer | None:
        if self.silent:
            raise NoAnswer("timeout", "no answer in time")
        kept = self._kept.get(str(scope["key"]))
        return None if kept is None else ShopAnswer(200, {"status": 200, "response": kept})

    def land(self) -> None:
        """What was on its way when the asker gave up arrives now."""
        late, self._late = self._late, []
        for name, key, params in late:
            if key not in self._kept:
                try:
                    self._do(name, key, params)
                except Refused:
                    continue

    def _do(self, name: str, key: str, params: dict[str, Any]) -> dict[str, Any]:
        order = self.orders.get(str(params.get("order", "")))
        met = order.seen() if order is not None else {}
        try:
            answer = _DOES[name](self, params)
        except Declined as error:
            raise Refused(409, str(error)) from None
        self._kept[key] = answer
        self.log.append(Effect(key, name, params, met))
        return answer

    def _fail(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Accepted, and it comes to nothing: what the look shows then says so where it can."""
        made = {"id": self.new("x"), "status": "failed"}
        if name in ("refund", "refund_difference"):
            order = self.orders[str(params["order"])]
            order.refunds.append({**made, "amount_minor": params["amount"]["minor"]})
        return made

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids)}"

    # --- what the shop knows

    def order_of(self, scope: Mapping[str, Any]) -> Order:
        params = scope.get("params") or {}
        case = scope.get("case") or {}
        facts = case.get("facts") or {}
        number = params.get("order") or facts.get("order_id") or case.get("key")
        order = self.orders.get(str(number))
        if order is None:
            raise Refused(404, "There is no such order.")
        return order


def _channel_test(shop: SmallShop, scope: Mapping[str, Any]) -> Any:
    params = scope.get("params") or {}
    facts = scope.get("facts") or {}
    channel = params.get("channel") or (facts.get("standby") or {}).get("id")
    ok = shop.channels.get(str(channel), False)
    return {"ok": ok, **({} if ok else {"error": "timeout"})}


def _channel(shop: SmallShop, scope: Mapping[str, Any]) -> Any:
    params = scope.get("params") or {}
    facts = scope.get("facts") or {}
    channel = str(params.get("channel") or (facts.get("channel") or {}).get("id"))
    return {"id": channel, "ok": shop.channels.get(channel, False), "attempts": 12, "captured": 12}


def _servers(shop: SmallShop, _scope: Mapping[str, Any]) -> Any:
    return {
        "traffic": shop.traffic,
        "servers": [
            {"id": name, "state": state, "healthy": shop.healthy(name)}
            for name, state in shop.servers.items()
        ],
    }


def _data(shop: SmallShop, _scope: Mapping[str, Any]) -> Any:
    return {
        "ok": not shop.missing,
        "missing": list(shop.missing),
        "orders_expected": 40,
        "orders_found": 40 - len(shop.missing),
        "sum_expected_minor": 100,
        "sum_found_minor": 100,
    }


def _payment(shop: SmallShop, scope: Mapping[str, Any]) -> Any:
    params, case = scope.get("params") or {}, scope.get("case") or {}
    wanted = params.get("payment") or (case.get("facts") or {}).get("payment_id")
    for order in shop.orders.values():
        for one in order.payments:
            if one["id"] == wanted:
                return dict(one)
    raise Refused(404, "There is no such payment.")


def _ticket(shop: SmallShop, scope: Mapping[str, Any]) -> Any:
    found = shop.tickets.get(str((scope.get("response") or {}).get("id")))
    if found is None:
        raise Refused(404, "There is no such ticket.")
    return found


def _messages(shop: SmallShop, scope: Mapping[str, Any]) -> Any:
    order = shop.order_of(scope).number
    return [one for one in shop.messages if one["order_id"] == order]


_LOOKS: Mapping[str, Callable[[SmallShop, Mapping[str, Any]], Any]] = {
    "routing": lambda shop, _: {"channel": shop.route},
    "channel_test": _channel_test,
    "channel": _channel,
    "channel_stats": _channel,
    "servers": _servers,
    "server_config": lambda _shop, _scope: {"ok": True, "parameters": []},
    "data_verify": _data,
    "order": lambda shop, scope: shop.order_of(scope).seen(),
    "payment": _payment,
    "payment_links": lambda shop, scope: [dict(one) for one in shop.order_of(scope).links],
    "refunds": lambda shop, scope: [dict(one) for one in shop.order_of(scope).refunds],
    "messages": _messages,
    "vendor_ticket": _ticket,
    "checkout_methods": lambda shop, _: {"methods": list(shop.methods)},
    "checkout_test": lambda shop, _: {"ok": len(shop.methods) > 1 or not shop.felt_payments},
}


def _route(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    before, shop.route = shop.route, str(params["channel"])
    return {"channel": shop.route, "previous": before}


def _methods(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    shop.methods = list(params["methods"])
    return {"methods": shop.methods}


def _open_ticket(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    ticket = {"id": shop.new("t"), "vendor": params.get("vendor")}
    shop.tickets[ticket["id"]] = ticket
    return ticket


def _ask_payment(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    for order in shop.orders.values():
        for one in order.payments:
            if one["id"] == params["payment"]:
                if one["status"] == "no_answer":
                    one["status"] = "captured" if one.get("charged") else "failed"
                    if one.get("charged"):
                        order.status = "awaiting_payment"
                done = one["status"] == "captured"
                return {"result": "captured" if done else "not_captured"}
    raise Declined("There is no such payment.")


def _link(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    made = {"id": shop.new("link"), "url": f"https://pay.example/{order.number}"}
    order.links.append({**made, "amount_minor": params["amount"]["minor"]})
    return made


def _mark_paid(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    order.status, order.since = "paid", order.since + 1
    return {"status": order.status}


def _message(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    made = {
        "id": shop.new("m"),
        "order_id": order.number,
        "template": params.get("template"),
        "text": params.get("text"),
        "language": params.get("language"),
        "via": "line",
    }
    shop.messages.append(made)
    return {"id": made["id"], "via": "line"}


def _redispatch(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    order.status, order.since = "dispatched", order.since + 1
    return {"status": order.status}


def _reroute(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    order.route = str(params["route"])
    return {"route": order.route}


def _amount(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    order.total = int(params["amount"]["minor"])
    return {"total_minor": order.total}


def _refund(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    minor = int(params["amount"]["minor"])
    if minor > order.captured - order.refunded:
        raise Declined("More than was paid.")
    made = {"id": shop.new("r"), "status": "succeeded", "amount_minor": minor}
    order.refunds.append(made)
    return dict(made)


def _replace(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    order.replacements.append({"id": shop.new("rep")})
    return dict(order.replacements[-1])


def _compensate(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.orders[str(params["order"])]
    order.compensations.append({"id": shop.new("comp"), "amount_minor": params["amount"]["minor"]})
    return dict(order.compensations[-1])


def _start(shop: SmallShop, _params: Mapping[str, Any]) -> dict[str, Any]:
    shop.servers["standby"] = "running"
    return {"state": "running"}


def _stop(shop: SmallShop, _params: Mapping[str, Any]) -> dict[str, Any]:
    if shop.traffic == "standby":
        raise Declined("The standby server has the traffic.")
    shop.servers["standby"] = "stopped"
    return {"state": "stopped"}


def _traffic(shop: SmallShop, params: Mapping[str, Any]) -> dict[str, Any]:
    shop.traffic = str(params["server"])
    return {"server": shop.traffic, "traffic": shop.traffic}


def _restore(shop: SmallShop, _params: Mapping[str, Any]) -> dict[str, Any]:
    shop.servers["primary"] = "running"
    shop.sick.discard("primary")
    return {"state": "running"}


def _recover(shop: SmallShop, _params: Mapping[str, Any]) -> dict[str, Any]:
    found, shop.missing = shop.missing, []
    return {"recovered": found, "orders": len(found)}


_DOES: Mapping[str, Callable[[SmallShop, Mapping[str, Any]], dict[str, Any]]] = {
    "switch_payment_channel": _route,
    "switch_back_payment_channel": _route,
    "offer_alternative_payment": _methods,
    "restore_payment_methods": _methods,
    "contact_channel_vendor": _open_ticket,
    "contact_logistics_company": _open_ticket,
    "query_payment_status": _ask_payment,
    "request_repayment": _link,
    "collect_difference": _link,
    "mark_paid": _mark_paid,
    "notify_customer": _message,
    "notify_delay": _message,
    "contact_customer": _message,
    "tell_complainant": _message,
    "redispatch_order": _redispatch,
    "reroute_shipment": _reroute,
    "update_order_status": _amount,
    "refund": _refund,
    "refund_difference": _refund,
    "replace_goods": _replace,
    "compensate_customer": _compensate,
    "start_standby_server": _start,
    "stop_standby_server": _stop,
    "switch_traffic_to_standby": _traffic,
    "switch_traffic_back": _traffic,
    "restore_crashed_system": _restore,
    "recover_lost_data": _recover,
}
