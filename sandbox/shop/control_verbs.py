"""Verbs whose effect is code: money, the life of an order, a server's socket. `data/verbs.yaml`
names them by these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.shop import board, channels, customer_care, orders, payments, planted, servers
from sandbox.shop.problems import Problem
from sandbox.shop.store import put
from sandbox.shop.verbs import Does, Scope
from sandbox.shop.web import Call

__all__ = ["DOES"]

_Done = tuple[Any, bool]


def _change_order(call: Call, scope: Scope) -> _Done:
    changed = orders.patch(call.c, scope["order"], call.body, call.now)
    return orders.whole(call.c, scope["order"]), changed


def _mark_paid(call: Call, scope: Scope) -> _Done:
    order = scope["order"]
    return None, payments.mark_paid(call.c, order, scope["fields"]["payment_id"], call.now)


def _replace(call: Call, scope: Scope) -> _Done:
    made = orders.replace(call.c, call.shop.rng, scope["order"], call.now)
    return orders.summary(made), True


def _compensate(call: Call, scope: Scope) -> _Done:
    return customer_care.compensate(call.c, scope["order"], call.body, call.now), True


def _create_link(call: Call, scope: Scope) -> _Done:
    base = call.shop.control_url
    return customer_care.create_link(call.c, scope["order"], call.body, call.now, base), True


def _pay_link(call: Call, scope: Scope) -> _Done:
    return customer_care.pay_link(call.c, scope["link"], call.now)


def _query(call: Call, scope: Scope) -> _Done:
    return payments.query(call.c, scope["payment"], call.now)


def _refund(call: Call, _scope: Scope) -> _Done:
    return payments.refund(call.c, call.body, call.now), True


def _route(call: Call, scope: Scope) -> _Done:
    method = scope["parts"]["method"]
    changed = channels.route(call.c, method, scope["fields"]["channel"], call.now)
    return channels.routing(call.c, method), changed


def _server(call: Call, server: str) -> dict[str, Any]:
    found = servers.status(call.c)
    return next(dict(entry) for entry in found["servers"] if entry["id"] == server)


def _start(call: Call, _scope: Scope) -> _Done:
    changed = servers.start(call.c, "standby")
    return _server(call, "standby"), changed


def _stop(call: Call, _scope: Scope) -> _Done:
    if servers.traffic(call.c) == "standby":
        raise Problem(
            409, "has_traffic", "The standby server has the traffic: switch it away first."
        )
    changed = servers.set_state(call.c, "standby", "stopped")
    return _server(call, "standby"), changed


def _restore(call: Call, _scope: Scope) -> _Done:
    changed = servers.start(call.c, "primary")
    if servers.states(call.c)["primary"] == "running":
        put(call.c, "crashed", False)
        board.turn(call.c, "server_crash", None, False, call.now)
    return _server(call, "primary"), changed


def _switch(call: Call, scope: Scope) -> _Done:
    server = scope["fields"]["server"]
    changed = servers.set_traffic(call.c, server, call.now)
    return {"server": server, "traffic": server}, changed


def _recover(call: Call, scope: Scope) -> _Done:
    recovered = planted.recover_lost(call.c)
    board.turn(call.c, "data_loss", None, False, call.now)
    source = scope["fields"]["source"]
    return {"source": source, "recovered": recovered, "orders": len(recovered)}, bool(recovered)


DOES: Mapping[str, Does] = {
    "order.change": _change_order,
    "order.mark_paid": _mark_paid,
    "order.replace": _replace,
    "order.compensate": _compensate,
    "order.create_link": _create_link,
    "payment.query": _query,
    "payment.refund": _refund,
    "payment.pay_link": _pay_link,
    "payment.route": _route,
    "server.start": _start,
    "server.stop": _stop,
    "server.restore": _restore,
    "server.switch": _switch,
    "data.recover": _recover,
}
