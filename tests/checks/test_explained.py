"""`--explain` says of every check what it asks, also of those that are code; how a URL is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from bot.cli.main import main
from tests.checks.foreign_shop import MAPPING, ForeignShop

Run = Callable[..., tuple[int, str]]
KINDS: dict[str, dict[str, Any]] = {
    "stuck": {"kind": "stuck_orders", "limits": {"paid": 48}},
    "amounts": {"kind": "amount_mismatch"},
    "card": {"kind": "payment_channel", "channel": {"id": "karte", "name": "Karte"}},
    "page": {
        "kind": "http_probe", "service": "shop", "contains": "ok",
        "url": "http://127.0.0.1:9/health?token=secret", "timeout": 0.5,
    },
    "down": {"kind": "quorum", "service": "shop", "at_least": 1, "signals": ["page"]},
}  # fmt: skip
SAYS = {
    "stuck": "FROM bestellungen AS o WHERE o.zustand IN",
    "amounts": "FROM zahlungen AS p",
    "card": "FROM zahlungen AS p WHERE p.weg IN",
    "page": "GET http://127.0.0.1:9/health?…, 0.5 s at most",
    "down": "at the same moment: check page; 1 must fail",
}


@pytest.fixture
def shop(tmp_path: Path) -> ForeignShop:
    found = ForeignShop(f"sqlite:///{tmp_path / 'laden.db'}")
    found.create()
    found.order("bezahlt")
    found.close()
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


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_says_what_it_asks(
    tmp_path: Path, shop: ForeignShop, run: Run, name: str
) -> None:
    checks = [{"name": one, **settings} for one, settings in KINDS.items()]
    mapping = {"shop": {"currency": "EUR", "mapping": MAPPING}, "checks": checks}
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump(mapping))
    code, said = run("check", "--mapping", str(file), "--shop", shop.url, name, "--explain")
    assert code == 0, said
    assert f"{KINDS[name]['kind']}, which is code: it runs once, and asks" in said
    assert SAYS[name] in said
    assert "secret" not in said


def test_one_that_cannot_look_keeps_no_other_from_it(
    tmp_path: Path, shop: ForeignShop, run: Run
) -> None:
    """What is wrong with one is said where it stands, and the next is explained."""
    mapping = json.loads(json.dumps(MAPPING))
    mapping["payments"]["fields"]["amount"] = "betragg"
    file = tmp_path / "shop.yaml"
    own = {"name": "own", "kind": "query", "incident_type": "order_state_stuck", "subject": "own"}
    own |= {"find": "select o.number from orders o where o.state = 'paid'"}
    checks = [{"name": "amounts", **KINDS["amounts"]}, own]
    whole = {"shop": {"currency": "EUR", "mapping": mapping}, "checks": checks}
    file.write_text(yaml.safe_dump(whole))
    code, said = run("check", "--mapping", str(file), "--shop", shop.url, "--explain")
    assert code == 2
    assert "zahlungen has no column “betragg”; the nearest is “betrag”" in said
    assert "own\nSELECT" in said


def test_the_address_with_its_password_is_asked_for_where_it_is_not_printed(
    tmp_path: Path, shop: ForeignShop, run: Run
) -> None:
    hidden = "postgresql://muster:***@127.0.0.1:9/shop"
    file = tmp_path / "shop.yaml"
    whole = {"database_url": hidden, "currency": "EUR", "mapping": MAPPING}
    file.write_text(yaml.safe_dump({"shop": whole}))
    for command in (("check",), ("shop", "verify")):
        code, said = run(*command, "--mapping", str(file))
        assert code == 2, said
        assert "write ${env:SHOP_PASSWORD} in its place" in " ".join(said.split())
    assert run("check", "--mapping", str(file), "--shop", shop.url)[0] in (0, 1)


def test_inspect_says_how_to_give_it(pg_url: str, shop: ForeignShop, run: Run) -> None:
    """Beside the line that hides it; where nothing is hidden nothing is said."""
    given = make_url(pg_url).set(password="secret").render_as_string(hide_password=False)
    code, said = run("shop", "inspect", given)
    assert code == 0, said
    lines = said.splitlines()
    at = next(n for n, one in enumerate(lines) if one.startswith("  database_url:"))
    assert lines[at + 1].startswith("  # its password is not printed: look with --shop URL")
    assert "secret" not in said
    assert isinstance(yaml.safe_load(said), dict)  # it is the mapping all the same
    assert "is not printed" not in run("shop", "inspect", shop.url)[1]
