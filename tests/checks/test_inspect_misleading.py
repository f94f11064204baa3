"""What looks like something else: inspect asks, or leaves it, and never proposes it as so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli.shop import command as shop_command
from checks.shop.inspect import propose
from checks.shop.inspection.proposal import Proposal

Propose = Callable[..., Proposal]
_BEGAN = datetime(2026, 9, 1, 8, tzinfo=UTC)
_ORDERS = 60
_STATES = ("paid", "completed", "cancelled")


@pytest.fixture
def proposed(tmp_path: Path) -> Propose:
    """Of orders with payments, and whatever the statements add: `{at}` stands for an order's time,
    `{n}` for its number."""

    def go(
        *statements: str,
        columns: str = "",
        values: str = "",
        payments: bool = True,
        states: Sequence[str] = _STATES,
    ) -> Proposal:
        path = tmp_path / "shop.db"
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as shop:
            shop.execute(
                f"create table orders (id integer primary key, status text, {columns} "
                "total numeric(12, 2), placed timestamp)"
            )
            shop.execute(
                "create table pay (id integer primary key, order_id integer references orders (id),"
                " way text, amount numeric(12, 2), made timestamp)"
            )
            for statement in [one for one in statements if one.startswith("create")]:
                shop.execute(statement)
            for n in range(1, _ORDERS + 1):
                at = f"{_BEGAN + timedelta(hours=7 * n):%Y-%m-%d %H:%M:%S}"
                cost = n * 37 % 911 / 10 + 5
                told = values.format(n=n, at=at)
                state = states[n % 3]
                shop.execute(f"insert into orders values ({n}, '{state}', {told} {cost}, '{at}')")
                if payments:
                    shop.execute(f"insert into pay values ({n}, {n}, 'card', {cost}, '{at}')")
                for statement in [one for one in statements if one.startswith("insert")]:
                    shop.execute(statement.format(n=n, at=at, cost=cost))
        return propose(f"sqlite:///{path}")

    return go


def field(proposal: Proposal, path: str) -> Any:
    entity, _, name = path.partition(".")
    return proposal.mapping.get(entity, {}).get("fields", {}).get(name)


def test_countries_are_no_languages(proposed: Propose) -> None:
    """`DE`, `FR` and `NL` may be either: that is looked at, and nothing is sure of it."""
    alone = proposed(columns="land text,", values="substr('DEFRNL', 1 + 2 * ({n} % 3), 2),")
    assert field(alone, "orders.language") is None
    tongues = proposed(columns="land text,", values="substr('enfrnl', 1 + 2 * ({n} % 3), 2),")
    assert field(tongues, "orders.language") == "land"


def test_an_address_is_not_whose_the_order_is(proposed: Propose) -> None:
    """Though orders refer to it again and again, and a telephone stands there."""
    proposal = proposed(
        "create table t9 (id integer primary key, street text, zip text, phone text)",
        "insert into t9 select {n}, 'Kouter ' || {n}, 1000 + {n} * 331 % 8999, "
        "'+32 9 212 3' || (100 + {n}) where {n} <= 20",
        columns="goes_to integer references t9 (id),", values="1 + ({n} % 20),",
    )  # fmt: skip
    assert field(proposal, "orders.customer") is None
    assert field(proposal, "orders.address") is not None


def test_what_several_orders_share_is_not_their_number(proposed: Propose) -> None:
    proposal = proposed(columns="number text,", values="'B' || ({n} % 7),")
    assert field(proposal, "orders.number") != "number"


def test_guests_who_share_a_number_are_not_one_customer(proposed: Propose) -> None:
    """0 is nobody's, and so it is written."""
    proposal = proposed(
        "create table people (id integer primary key, mail text)",
        "insert into people values ({n}, 'p{n}@people.example')",
        columns="customer_id integer,",
        values="case when {n} % 3 = 0 then 0 else 1 + {n} % 25 end,",
    )  # fmt: skip
    assert field(proposal, "orders.customer") == {"sql": "nullif(t.customer_id, 0)"}


def test_of_a_table_of_both_what_is_below_zero_went_back(proposed: Propose) -> None:
    """Payments and refunds told apart by a letter that nobody knows."""
    proposal = proposed(
        "create table moves (id integer primary key, order_id integer references orders (id), "
        "sort text, way text, amount numeric(12, 2), made timestamp)",
        "insert into moves values ({n}, {n}, 'k', 'card', {cost}, '{at}')",
        "insert into moves select 1000 + {n}, {n}, 'z', 'card', -{cost}, "
        "datetime('{at}', '+3 days') where {n} % 9 = 0",
        payments=False,
    )  # fmt: skip
    refunds = proposal.mapping["refunds"]
    assert refunds["from"] == "moves"
    assert refunds["fields"]["amount"] == {"sql": "-t.amount"}
    assert refunds["fields"]["state"] == {
        "column": "sort", "words": {"succeeded": ["z"]}, "ignore": ["k"]
    }  # fmt: skip
    assert proposal.mapping["payments"]["fields"]["state"]["ignore"] == ["z"]


def test_of_what_failed_a_few_prove_no_word(proposed: Propose) -> None:
    """Their amounts add up too: captured is what most orders have."""
    proposal = proposed(
        "create table tries (id integer primary key, order_id integer references orders (id), "
        "outcome text, way text, amount numeric(12, 2), made timestamp)",
        "insert into tries values ({n}, {n}, 'q', 'card', {cost} + ({n} % 8 = 0), '{at}')",
        "insert into tries select 1000 + {n}, {n}, 'x', 'card', {cost}, '{at}' where {n} % 10 = 0",
        payments=False,
    )  # fmt: skip
    said = proposal.judged["payments.fields.state"].reason
    assert "is q adds up" in said
    assert "is x adds up" not in said


def test_without_a_time_of_the_state_it_is_asked_since_when(proposed: Propose) -> None:
    assert "orders.fields.state_since" in proposed().open
    moving = proposed(columns="updated_at timestamp,", values="datetime('{at}', '+2 days'),")
    assert any("changed_at of orders (updated_at)" in one for one in moving.questions)


def test_a_word_is_asked_about_whose_rows_speak_against_it(proposed: Propose) -> None:
    """Orders that are called pending and are paid."""
    proposal = proposed(states=("pending", "completed", "cancelled"))
    path = "orders.fields.state.words"
    assert path in proposal.open
    assert "by its name it is awaiting_payment" in proposal.judged[path].reason
    assert field(proposal, "orders.state")["words"]["completed"] == ["completed"]


def test_below_a_proposal_stand_the_checks_that_can_look_and_what_follows(
    proposed: Propose, tmp_path: Path
) -> None:
    proposed()
    said = CliRunner().invoke(shop_command, ["inspect", f"sqlite:///{tmp_path / 'shop.db'}"]).output
    assert "# Checks that can look by this mapping: " in said
    assert "payment-not-booked" in said.partition("Checks that can look")[2].partition("\n")[0]
    assert "#   muster shop verify --mapping shop.yaml" in said
    assert "# Not found: order_lines, refunds" in said
