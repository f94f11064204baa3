"""What goes first of the deliveries that wait: a form, whose trigger lives three seconds."""

from __future__ import annotations

from typing import Any

import pytest

from handlers import register_all
from handlers.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = Registry()
    register_all(found)
    return found


def _pressed(action_id: str) -> dict[str, Any]:
    return {"type": "block_actions", "actions": [{"action_id": action_id}]}


@pytest.mark.parametrize(
    "body",
    [
        {"command": "/incident", "text": ""},
        {"command": "/incident"},
        {"command": "/incident", "text": " Report "},
        {"command": "/incident", "text": "report 3.3"},
        {"command": "/incident", "text": "3.3"},
        {"command": "/complaint", "text": ""},
        {"command": "/complaint", "text": "20260101-1"},
        _pressed("incident.resolve"),
        {"type": "shortcut", "callback_id": "incident.declare"},
    ],
)
def test_what_opens_a_form_goes_first(registry: Registry, body: dict[str, Any]) -> None:
    assert registry.opens_view(body)


@pytest.mark.parametrize(
    "body",
    [
        {"command": "/incident", "text": "note 12 the vendor called back"},
        {"command": "/incident", "text": "show 12"},
        {"command": "/incident", "text": "LIST"},
        {"command": "/incident", "text": "3.3 card payments fail"},
        {"command": "/complaint", "text": "help"},
        {"command": "/order", "text": "20260101-1"},
        {"command": "/unknown", "text": ""},
        _pressed("incident.take"),
        {"type": "view_submission", "view": {"callback_id": "incident.declare"}},
    ],
)
def test_what_opens_none_waits_its_turn(registry: Registry, body: dict[str, Any]) -> None:
    assert not registry.opens_view(body)
