"""A look with a database and its mapping alone: nothing of Slack is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.main import main
from tests.checks.whole_shop import Shop, mapped

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    found = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    at = datetime.now(UTC) - timedelta(hours=1)
    number = found.order(1, "paid", placed_at=at, total="100.00")
    found.add(
        "payments", key=1, order_key=1, state="captured", amount="100.00", currency="TWD",
        created_at=at,
    )  # fmt: skip
    found.add("stock", sku="TEA", on_hand=1, reserved=9)
    assert number == "K0001"
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("bot.logs.configure", lambda **_: None)  # it would outlive the test

    def go(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capsys.readouterr()
        return int(str(ended.value.code)), said.out + said.err

    return go


@pytest.mark.parametrize("whole", [True, False])
def test_a_mapping_and_an_address_are_enough(
    tmp_path: Path, shop: Shop, run: Run, whole: bool
) -> None:
    """What `shop inspect` prints, address and all, or the mapping by itself."""
    file = tmp_path / "shop.yaml"
    holds = {"shop": {"mapping": mapped(), "currency": "TWD"}} if whole else mapped()
    file.write_text(yaml.safe_dump(holds))
    given = ("--mapping", str(file), "--shop", shop.url)
    currency = () if whole else ("--currency", "TWD")

    code, said = run("check", *given, *currency, "--json")
    assert code == 1, said
    results = {one["check"]: one for one in json.loads(said)}
    [finding] = results["stock-short"]["findings"]
    assert [case["key"] for case in finding["cases"]] == ["TEA"]
    # Two entities that hold money are enough to ask whether they agree.
    assert ("amounts" in results) == ("state_since" in mapped()["orders"]["fields"])

    code, said = run("shop", "verify", *given, *currency)
    assert (code, "orders: 1 rows of kopf" in said) == (0, True), said


def test_what_cannot_be_is_one_sentence(tmp_path: Path, shop: Shop, run: Run) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump({"orders": {"from": "kopf", "fields": {"nummer": "nr"}}}))
    for words, sentence in (
        (("--mapping", str(file), "--shop", shop.url, "--currency", "TWD"), "no field “nummer”"),
        (("--mapping", str(file), "--shop", shop.url), "say it with --currency"),
        (("--shop", shop.url), "name the mapping's file"),
        (("--mapping", str(tmp_path / "none.yaml"), "--shop", shop.url), "No such file"),
    ):
        code, said = run("check", *words)
        assert (code, sentence in " ".join(said.split())) == (2, True), said


@pytest.mark.parametrize(
    ("field", "form", "zone"),
    [
        ("placed_at", "epoch", None),
        ("placed_at", "iso_z", None),
        ("promised_at", "epoch_ms", None),
        ("promised_at", "sql", "Asia/Taipei"),
    ],
)
def test_a_wrong_form_of_a_time_is_never_all_well(
    tmp_path: Path, shop: Shop, run: Run, field: str, form: str, zone: str | None
) -> None:
    """Nothing would be found by it, and everything be called in order."""
    at = datetime.now(UTC) - timedelta(days=9)
    shop.order(2, "paid", placed_at=at, promised_at=at)
    mapping = mapped()
    mapping["orders"]["fields"][field] |= {"form": form, "zone": zone}
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump({"shop": {"mapping": mapping, "currency": "TWD"}}))
    code, said = run("check", "--mapping", str(file), "--shop", shop.url, "--json")
    assert code == 2, said
    results = json.loads(said[said.index("[\n") :])  # behind what is logged
    assert all(f"is no time in the form {form}" in str(one["error"]) for one in results), said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"words": {"paid": ["P", "V"], "dispatched": ["V"]}},
            "“V” stands under dispatched and under paid",
        ),
        (None, "limits names “payed”, which is no state of an order; there are awaiting_payment"),
    ],
)
def test_a_state_that_no_order_can_be_in_is_refused(
    tmp_path: Path, shop: Shop, run: Run, change: dict[str, Any] | None, sentence: str
) -> None:
    mapping = mapped()
    mapping["orders"]["fields"]["state_since"] = mapping["orders"]["fields"]["placed_at"]
    if change is not None:
        mapping["orders"]["fields"]["state"] |= change
    stuck = {"name": "stuck", "kind": "stuck_orders", "limits": {"payed": 48}}
    whole = {"shop": {"mapping": mapping, "currency": "TWD"}, "checks": [stuck]}
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump(whole))
    code, said = run("check", "--mapping", str(file), "--shop", shop.url)
    assert (code, sentence in " ".join(said.split())) == (2, True), said
