"""A wrong key or value in muster.yaml is one sentence that names the place and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bot.cli.main import cli
from bot.settings import load_secrets, load_settings, parse_settings
from bot.settings_errors import SettingsError


def minimal() -> dict[str, Any]:
    """The least that is a configuration."""
    return {
        "slack": {"channels": {"incidents": {"id": "C1"}}},
        "roles": {"oncall": {"people": ["U1"]}},
        "shop": {"name": "Laden", "currency": "EUR"},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    data = minimal()
    node: Any = data
    *parents, last = path.split(".")
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
    return data


def test_the_least_configuration_is_one() -> None:
    """Everything else has a default."""
    settings = parse_settings(minimal())
    assert settings.slack.mode == "socket"
    assert settings.database.url.startswith("sqlite")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("slack.chanels", {}, "slack.chanels is not a key here; did you mean “channels”?"),
        ("shop.currency", "euro", "shop.currency is “euro”"),
        ("slack.mode", "sockets", "slack.mode is “sockets”; use 'socket' or 'http'"),
        ("slack.connections", 11, "slack.connections is “11”"),
        ("slack.commands", {"incidnt": "/inc"}, "incidnt is no command of Muster's; there are"),
        ("slack.commands", {"order": "auftrag"}, "“auftrag” cannot be a command"),
        ("slack.commands", {"order": "/" + "x" * 32}, "cannot be a command; Slack takes"),
        ("slack.commands", {"order": "/incident"}, "“/incident” stands for two commands"),
        ("web.public_url", "http://muster.example", "it is no https address"),
        ("web.public_url", "https://muster.example/?a=1", "an address and a path alone"),
        ("escalation.remind_after", "soon", "escalation.remind_after must be a whole number"),
        ("time_zone", "Taipei", "“Taipei” is not a time zone; write one like Asia/Taipei"),
        ("quiet_hours.from", "25:00", "“25:00” is not a time of day; write it like 22:00"),
        ("slack.desk", "desk", "slack.desk names “desk”, which is not in slack.channels"),
        ("checks", [{"name": "a", "kind": "ping"}], "“ping” is not known; use one of"),
        ("checks", [{"name": "a"}], "lacks “kind”"),
        (
            "checks",
            [{"name": "a", "kind": "amount_mismatch"}],
            "checks.a reads the shop's orders: add shop.database_url",
        ),
        (
            "checks",
            [{"name": "a", "kind": "http_probe", "url": "http://x", "service": "s", "evry": 5}],
            "did you mean “every”?",
        ),
        (
            "checks",
            [
                {
                    "name": "a",
                    "kind": "payment_channel",
                    "channel": {"id": "c", "name": "C"},
                    "route_look": "routting",
                }
            ],
            "checks.a.route_look names “routting”, which is not in shop.looks.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(path: str, value: Any, sentence: str) -> None:
    """The place is named as it is written in the file, and what to do."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(changed(path, value))
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems
    assert all(problem.startswith("muster.yaml: ") for problem in caught.value.problems)


def test_a_private_channel_never_falls_back_to_a_public_one() -> None:
    """A fallback has the same or a narrower audience."""
    data = changed("slack.channels.private", {"id": "C2", "private": True, "fallback": "incidents"})
    with pytest.raises(SettingsError, match="same or a narrower audience"):
        parse_settings(data)


def test_what_is_not_yaml_names_its_line(tmp_path: Path) -> None:
    """The line, and no traceback."""
    path = tmp_path / "muster.yaml"
    path.write_text("slack:\n  channels: [\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"line 3 is not YAML"):
        load_settings(path)


def test_secrets_come_from_the_environment_alone() -> None:
    """Each missing one is named; what is shown of them is nothing."""
    settings = parse_settings(minimal())
    with pytest.raises(SettingsError) as caught:
        load_secrets({}, settings)
    assert len(caught.value.problems) == 3
    good = {
        "MUSTER_SLACK_BOT_TOKEN": "xoxb-1",
        "MUSTER_SLACK_APP_TOKEN": "xapp-1",
        "MUSTER_KEY": "A" * 43 + "=",
    }
    secrets = load_secrets(good, settings)
    assert "xoxb" not in repr(secrets)
    with pytest.raises(SettingsError, match="MUSTER_KEY is not 32 bytes"):
        load_secrets({**good, "MUSTER_KEY": "short"}, settings)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["run"],
        ["incidents", "list"],
        ["audit", "verify"],
        ["db", "upgrade"],
        ["shop", "verify"],
    ],
)
def test_a_command_without_configuration_says_what_to_do(
    arguments: list[str], tmp_path: Path
) -> None:
    """One sentence, no traceback."""
    runner = CliRunner()
    result = runner.invoke(cli, [*arguments, "--config", str(tmp_path / "none.yaml")])
    assert result.exit_code != 0
    assert "write the configuration there or name it with --config" in str(result.exception)


def test_the_wrong_check_name_lists_the_right_ones(tmp_path: Path) -> None:
    """`muster check NAME` with a name that is not there."""
    path = tmp_path / "muster.yaml"
    data = changed(
        "checks", [{"name": "front", "kind": "http_probe", "url": "http://x", "service": "s"}]
    )
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", "back", "--config", str(path)])
    assert "There is no check “back”; the configuration has: front." in str(result.exception)
