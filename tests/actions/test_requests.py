"""A declared request filled with values: nothing leaves its place, nothing leaves half filled."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actions.declarations import ActionDeclaration, LookDeclaration
from actions.errors import NotSent
from actions.requests import fill, fill_address, fill_body

BASE = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("card", "/routing/card"),
        ("2026/0815", "/routing/2026%2F0815"),
        ("v1..2", "/routing/v1..2"),
        ("%2e%2e2", "/routing/%252e%252e2"),
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


LEAVES = [
    "..", ".", "../refunds", "..\\refunds", "x/../refunds", "%2e%2e", "%252e%252e/refunds",
    "..;/refunds", " .. ", "", "   ", "a\nb", "a\0b", "%0d%0aHost: x",
]  # fmt: skip


@pytest.mark.parametrize("value", LEAVES)
@pytest.mark.parametrize("template", ["/orders/{{ params.order }}", "/o/{{ params.order }}/cancel"])
def test_no_value_leaves_its_path_segment(template: str, value: str) -> None:
    """However it is encoded, and whatever a server on the way would make of it."""
    with pytest.raises(NotSent) as refused:
        fill_address(template, {"params": {"order": value}}, BASE)
    assert refused.value.code == "unsafe_value"


def test_what_is_put_together_stays_in_its_segment_too() -> None:
    with pytest.raises(NotSent, match="is no name"):
        fill_address("/orders/.{{ params.order }}/x", {"params": {"order": "."}}, BASE)


def test_a_query_may_hold_anything() -> None:
    """There is no place to leave."""
    address = fill_address("/orders?q={{ params.order }}", {"params": {"order": "../&x=1"}}, BASE)
    assert address == f"{BASE}orders?q=..%2F%26x%3D1"


@given(st.text(max_size=12), st.sampled_from(["/orders/{{ v }}/x", "/orders/a{{ v }}b/x"]))
def test_a_shop_sees_the_value_in_its_segment_or_is_not_asked(value: str, template: str) -> None:
    """As any server reads it: by its decoded path, with dots resolved."""
    try:
        address = fill_address(template, {"v": value}, BASE)
    except NotSent:
        return
    path = str(httpx.URL(address).raw_path, "ascii")
    assert [path.split("/")[i] for i in (1, 3)] == ["orders", "x"]
    assert len(path.split("/")) == 4
    assert value in unquote(path.split("/")[2])


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\0"])
def test_a_header_is_one_line(value: str) -> None:
    declaration = LookDeclaration(url="/x", headers={"X-Order": "{{ params.order }}"})
    with pytest.raises(NotSent, match="more than one line"):
        fill(declaration, "GET", None, {"params": {"order": value}}, BASE)
