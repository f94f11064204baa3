"""Strict YAML: what muster.yaml says twice or otherwise than it looks is refused with its line."""

from __future__ import annotations

import pytest

from bot import strict_yaml
from bot.strict_yaml import NotStrict

REFUSED = {
    "checks: []\nroles: {}\nchecks: []": "line 3: “checks” stands twice (also in line 1)",
    "check: {every: 30, every: 3600}": "line 1: “every” stands twice",
    "limits: {paid: 48:30}": "“48:30” is another number to YAML; quote it.",
    "words: [yes]": "“yes” is true or false to YAML; quote it.",
    "words: [010]": "“010” is another number to YAML; quote it.",
    "every: 0100": "“0100” is another number",
    "limits: {on: 24}": "“on” is true or false",
    "service: no": "“no” is true or false",
    "from: 22:00": "“22:00” is another number",
}


@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(NotStrict) as error:
        strict_yaml.read(text)
    assert REFUSED[text] in "; ".join(error.value.faults)


def test_what_looks_like_what_it_is_stays() -> None:
    text = """
        base: &base {every: 30, private: true}
        more: {<<: *base, every: 60}
        numbers: [0, 10, -3, 0.5, 1_000, 3e2, 0x1F, 1.]
        texts: ["010", "yes", '48:30', 2026-x, 1.2.3]
    """
    found = strict_yaml.read(text)
    assert found["more"] == {"every": 60, "private": True}
    assert found["numbers"][:5] == [0, 10, -3, 0.5, 1000]
    assert found["texts"] == ["010", "yes", "48:30", "2026-x", "1.2.3"]
