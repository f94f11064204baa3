"""A secret stands in muster.yaml by reference, and is shown by nothing that Muster says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from actions.connectors.http import ShopClient, open_http
from actions.requests import fill
from bot.settings import Settings, parse_settings
from bot.settings_errors import SettingsError
from tests.cli.test_settings import changed

SECRET = "s3cr3t-{{ 7*7 }}"
HEADER = "Bearer ${env:SHOP_TOKEN}"


def parsed(path: str, value: Any, **environ: str) -> Settings:
    return parse_settings(changed(path, value), environ=environ)


def test_it_stands_in_a_header_as_it_is_and_is_no_template() -> None:
    look = {"url": "https://shop.example/x", "headers": {"Authorization": HEADER}}
    settings = parsed("shop.looks", {"x": look}, SHOP_TOKEN=SECRET + "\n")
    declared = settings.shop.looks["x"]
    request = fill(declared, "GET", None, {}, None)
    assert request.headers == {"Authorization": f"Bearer {SECRET}"}
    for shown in (repr(settings), repr(declared), repr(request)):
        assert "s3cr3t" not in shown


def test_it_stands_in_an_address_and_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p4ss\r\n", "utf-8")
    url = f"postgresql://muster:${{file:{file}}}@db/shop"
    settings = parsed("shop.database_url", url)
    assert settings.shop.database_url == "postgresql://muster:p4ss@db/shop"
    assert "p4ss" not in repr(settings)
    own = parsed("database.url", url)
    assert own.database.url == "postgresql://muster:p4ss@db/shop"
    assert "p4ss" not in repr(own)


def test_it_stands_in_a_page(tmp_path: Path) -> None:
    settings = parsed("page", {"routing_key": "${env:KEY}"}, KEY="k3y")
    assert settings.page is not None
    assert settings.page.model_dump()["routing_key"] == "k3y"
    assert "k3y" not in repr(settings)


def test_a_password_of_any_letters_is_a_password() -> None:
    """As a part of an address it stands there as an address writes it; alone it is the address."""
    settings = parsed("database.url", "postgresql://m:${env:P}@db.example/muster", P="p@ss/%41")
    url = make_url(settings.database.url)
    assert (url.password, url.host) == ("p@ss/%41", "db.example")
    whole = parsed("shop.database_url", "${env:URL}", URL="sqlite:///a%20b.db")
    assert whole.shop.database_url == "sqlite:///a%20b.db"


def test_an_open_address_of_a_page_is_one_sentence() -> None:
    with pytest.raises(SettingsError) as error:
        parsed("page", {"routing_key": "k", "url": "http://pager.example/"})
    (said,) = error.value.problems
    assert "http://pager.example is not encrypted: write https://" in said


@pytest.mark.parametrize(
    ("value", "environ", "sentence"),
    [
        ("${env:NONE}", {}, "shop.database_url: the environment has no NONE; set it."),
        ("${env:NONE}", {"NONE": "\n"}, "shop.database_url: NONE is empty in the environment"),
        ("${file:/no/such}", {}, "shop.database_url: /no/such cannot be read (No such file or"),
        ("${file:}", {}, "shop.database_url:  cannot be read"),
        ("${file:/dev/null}", {}, "shop.database_url: /dev/null is empty; write the secret"),
    ],
)
def test_what_is_missing_is_one_sentence(
    value: str, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as error:
        parsed("shop.database_url", value, **environ)
    (said,) = error.value.problems
    assert said.startswith(f"muster.yaml: {sentence}"), said


def test_a_mistake_beside_it_does_not_show_it() -> None:
    for path, value in (
        ("shop.currency", "${env:S}"),
        ("shop.looks", {"x": {"url": "/x", "headers": {"A": "${env:S}"}, "method": "${env:S}"}}),
        ("slack.desk", "${env:S}"),
        ("checks", [{"name": "${env:S}", "kind": "ping"}]),
    ):
        with pytest.raises(SettingsError) as error:
            parsed(path, value, S="hunter2hunter2")
        assert "hunter2" not in str(error.value)
        assert "hunter2" not in repr(error.value.__cause__)


def test_the_environment_of_the_process_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_TEST_SECRET", "there")
    settings = parse_settings(changed("shop.database_url", "${env:MUSTER_TEST_SECRET}"))
    assert settings.shop.database_url == "there"


async def test_no_error_of_the_shop_shows_it() -> None:
    look = {"url": "https://127.0.0.1:1/x?key=${env:K}", "headers": {"A": "${env:K}"}}
    settings = parsed("shop.looks", {"x": look}, K="hunter2hunter2")
    async with open_http() as http:
        shop = ShopClient(http, base_url=None, looks=settings.shop.looks, actions={})
        with pytest.raises(Exception) as error:  # noqa: PT011 - any of them
            await shop.look("x", {})
        assert "hunter2" not in str(error.value)
        assert "hunter2" not in shop.address("x", {})
