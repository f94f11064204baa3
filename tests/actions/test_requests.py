"""A declared request filled with values: nothing leaves its place, nothing leaves half filled."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from actions.declarations import ActionDeclaration, LookDeclaration
from actions.errors import NotSent
from actions.requests import fill, fill_address, fill_body

BASE = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("card", "/routing/card"),
        ("../refunds", "/routing/..%2Frefunds"),
        ("a?b=c#d", "/routing/a%3Fb%3Dc%23d"),
        ("信用卡", "/routing/%E4%BF%A1%E7%94%A8%E5%8D%A1"),
        (7, "/routing/7"),
    ],
)
def test_a_value_stays_inside_its_place_in_the_address(value: object, path: str) -> None:
    """An order number with a slash in it reaches no other endpoint."""
    address = fill_address("/routing/{{ params.method }}", {"params": {"method": value}}, BASE)
    assert address == "http://127.0.0.1:9" + path


def test_a_missing_value_sends_nothing() -> None:
    with pytest.raises(NotSent) as caught:
        fill_address("/routing/{{ params.method }}", {"params": {}}, BASE)
    assert caught.value.code == "missing_value"
    with pytest.raises(NotSent):
        fill_body({"channel": "{{ params.channel }}"}, {"params": {"channel": None}})


@pytest.mark.parametrize(
    "address",
    ["http://shop.example/x", "ftp://127.0.0.1/x", "http://127.0.0.1.evil.example/x", "file:///x"],
)
def test_an_address_that_is_not_encrypted_is_refused(address: str) -> None:
    """Plain http only inside this machine."""
    with pytest.raises(NotSent) as caught:
        fill_address("/x", {}, address) if "://" not in address else fill_address(
            "/x", {}, address.removesuffix("/x")
        )
    assert caught.value.code == "unsafe_address"


@pytest.mark.parametrize("base", ["http://localhost:1", "http://[::1]:1", "https://shop.example"])
def test_loopback_and_https_are_allowed(base: str) -> None:
    assert fill_address("/x", {}, base) == f"{base}/x"


def test_without_an_address_of_the_shop_nothing_is_sent() -> None:
    with pytest.raises(NotSent) as caught:
        fill_address("/x", {}, None)
    assert "shop.control_url" in str(caught.value)


def test_a_lone_expression_keeps_its_type() -> None:
    """A number stays a number, a list a list; text around it makes text."""
    scope = {"params": {"minor": 9000, "codes": ["a", "b"]}}
    body = {
        "amount_minor": "{{ params.minor }}",
        "codes": "{{ params.codes }}",
        "note": "NT$ {{ params.minor }}",
        "fixed": True,
        "deep": [{"x": "{{ params.minor + 1 }}"}],
    }
    assert fill_body(body, scope) == {
        "amount_minor": 9000,
        "codes": ["a", "b"],
        "note": "NT$ 9000",
        "fixed": True,
        "deep": [{"x": 9001}],
    }


def test_what_a_customer_wrote_is_no_template() -> None:
    """A value that looks like a template is sent as it is."""
    scope = {"params": {"text": "{{ 7 * 7 }}"}}
    assert fill_body("{{ params.text }}", scope) == "{{ 7 * 7 }}"


def test_headers_are_filled_too() -> None:
    declared = LookDeclaration(url="/x", headers={"X-Shop": "{{ params.shop }}"})
    request = fill(declared, "GET", None, {"params": {"shop": "formosa"}}, BASE)
    assert request.headers == {"X-Shop": "formosa"}


def test_a_contract_of_lookup_names_its_address() -> None:
    with pytest.raises(ValidationError, match="add lookup"):
        ActionDeclaration(url="/x", contract="lookup")


def test_a_typing_error_in_a_template_is_found_when_it_is_declared() -> None:
    with pytest.raises(ValidationError, match="is not a template"):
        LookDeclaration(url="/x/{{ params.y ")
    with pytest.raises(ValidationError, match="is not a template"):
        ActionDeclaration(url="/x", body={"a": ["{{ params.y "]})
