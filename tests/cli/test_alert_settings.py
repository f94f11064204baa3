"""What is wrong with a door for other systems is one sentence that names its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bot.cli.main import cli
from bot.name_resolution import opening_nothing
from bot.settings import Settings, parse_settings
from bot.settings_errors import SettingsError
from plan.loader import load_plan
from storage.upgrade import upgrade
from tests.cli.test_settings import minimal
from tests.conftest import KEY

SECRET = "0123456789abcdef01234567"


def door(**given: Any) -> dict[str, Any]:
    """The least that is a door, and more."""
    return {
        "auth": "bearer",
        "secret": SECRET,
        "key": "{id}",
        "incident_type": "system_crash",
        **given,
    }


def settings(**doors: dict[str, Any]) -> Settings:
    return parse_settings({**minimal(), "alerts": doors})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"auth": "none"}, "alerts.ids.auth is “none”; use 'hmac' or 'bearer'"),
        ({"secret": "short"}, "alerts.ids.secret: it must be at least 24 letters and digits"),
        ({"secret": "with a space in the middle of it"}, "without a space"),
        ({"old_secret": SECRET}, "alerts.ids.old_secret is the secret itself"),
        ({"key": "{id"}, "alerts.ids.key: “{id” has a brace that is not closed"),
        ({"key": "id}"}, "alerts.ids.key: “id}” closes a brace that is not open"),
        ({"key": "{a..b}"}, "alerts.ids.key: “a..b” is no path"),
        ({"subject": "service:{}"}, "alerts.ids.subject: a path is empty"),
        ({"each": "a[x"}, "alerts.ids.each: “a[x” is no path"),
        ({"keys": "x"}, "alerts.ids.keys is not a key here; did you mean “key”?"),
        ({"severity": 5}, "alerts.ids.severity is “5”; it should be less than or equal to 4"),
        ({"severity": {"from": "{s}", "words": {"high": 9}}}, "alerts.ids.severity is “9” by one"),
        ({"severity": {"from": "{s}", "word": {}}}, "alerts.ids.severity.word is not a key here"),
        ({"severity": {"from": "{s}"}}, "alerts.ids.severity.words is missing; add it."),
        ({"incident_type": "System crash"}, "alerts.ids.incident_type is “System crash”, which"),
        ({"facts": {"service": []}}, "alerts.ids.facts.service: it is a text, a number or a truth"),
        ({"facts": {"service": "{a"}}, "alerts.ids.facts.service: “{a” has a brace"),
        ({"resolved": {"from": "{s"}}, "alerts.ids.resolved.from: “{s” has a brace"),
        ({"ended": "{end}"}, "alerts.ids.ended is never read without resolved; add it."),
        ({"per_minute": 0}, "alerts.ids.per_minute is “0”"),
    ],
)
def test_a_wrong_door_is_told(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(ids=door(**given))
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems


def test_a_secret_of_the_environment_is_echoed_by_nothing() -> None:
    data = {**minimal(), "alerts": {"ids": door(secret="${env:DOOR}")}}
    with pytest.raises(SettingsError, match=r"alerts\.ids\.secret: the environment has no DOOR"):
        parse_settings(data, environ={})
    with pytest.raises(SettingsError) as caught:
        parse_settings(data, environ={"DOOR": "sh0rt"})
    assert "sh0rt" not in str(caught.value)
    assert SECRET not in repr(parse_settings(data, environ={"DOOR": SECRET}))


def test_two_doors_have_two_secrets_and_no_name_of_a_check() -> None:
    with pytest.raises(SettingsError, match=r"alerts\.two\.secret is that of one"):
        settings(one=door(), two=door())
    check = {"name": "ids", "kind": "http_probe", "url": "http://x/", "service": "x"}
    with pytest.raises(SettingsError, match=r"alerts\.ids: a check has this name already"):
        parse_settings({**minimal(), "checks": [check], "alerts": {"ids": door()}})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"incident_type": "crash"}, "alerts.ids opens “crash”, which is no incident type"),
        (
            {"incident_type": {"from": "{k}", "words": {"a": "system_crash", "b": "crash"}}},
            "alerts.ids opens “crash”",
        ),
        ({"refused": {"incident_type": "crash"}}, "alerts.ids opens “crash”"),
        ({"facts": {"sevice": "{s}"}}, "alerts.ids.facts.sevice is no fact of system_crash; there"),
        (
            {"facts": {"signals": "{s}"}},
            "alerts.ids.facts.signals is a list, which an alert",
        ),
    ],
)
def test_what_the_plan_does_not_have_is_refused_at_the_start(
    given: dict[str, Any], sentence: str
) -> None:
    (said,) = opening_nothing(load_plan().plan, settings(ids=door(**given)))
    assert said.startswith(sentence)


def test_the_doctor_says_which_doors_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, address, what it takes, what it opens and when it was last heard; no secret."""
    url = f"sqlite:///{tmp_path}/muster.db"
    upgrade(url, KEY)
    data = minimal()
    data["slack"]["base_url"] = "http://127.0.0.1:9/api/"
    data |= {"alerts": {"ids": door(secret="${env:DOOR}")}, "database": {"url": url}}
    file = tmp_path / "muster.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    monkeypatch.setattr("bot.logs.configure", lambda: None)
    monkeypatch.setenv("MUSTER_SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("MUSTER_SLACK_APP_TOKEN", "xapp-1")
    monkeypatch.setenv("MUSTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    monkeypatch.setenv("COLUMNS", "300")
    unset = CliRunner().invoke(cli, ["doctor", "--config", str(file)]).output
    assert "alerts.ids.secret: the environment has no DOOR; set it." in unset
    monkeypatch.setenv("DOOR", SECRET)
    said = CliRunner().invoke(cli, ["doctor", "--config", str(file)]).output
    line = next(one for one in said.splitlines() if "Door ids" in one)
    assert "POST http://127.0.0.1:8080/alerts/ids takes a bearer secret, its secret is set" in line
    assert "opens system_crash" in line
    assert "No alert has come yet." in line
    assert SECRET not in said
