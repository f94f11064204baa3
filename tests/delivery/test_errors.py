"""Each of Slack's codes has one remedy."""

from __future__ import annotations

import pytest

from bot.delivery.audiences import Audience, Audiences
from bot.delivery.errors import _BY_REMEDY, REMEDIES, Remedy, SlackRefused


def test_no_code_has_two_remedies() -> None:
    codes = [code for codes in _BY_REMEDY.values() for code in codes]
    assert len(codes) == len(set(codes)) == len(REMEDIES)


def test_every_remedy_has_a_code() -> None:
    assert set(_BY_REMEDY) == set(Remedy)


def test_an_unknown_code_is_tried_again() -> None:
    refused = SlackRefused("chat.postMessage", "brand_new_code")
    assert (refused.known, refused.remedy) == (False, Remedy.RETRY)


def test_a_missing_scope_says_which() -> None:
    refused = SlackRefused("chat.postMessage", "missing_scope", {"needed": "chat:write"})
    assert str(refused) == "chat.postMessage: missing_scope (needs chat:write)"


def _audiences(**fallbacks: str | None) -> dict[str, Audience]:
    private = {"cs_private", "board"}
    return {
        key: Audience(key, f"C{key}", private=key in private, fallback=fallback)
        for key, fallback in fallbacks.items()
    }


def test_the_chain_follows_the_fallbacks_once() -> None:
    audiences = Audiences(_audiences(incidents="cs", cs="incidents"))
    assert [a.key for a in audiences.chain("incidents")] == ["incidents", "cs"]
    assert audiences.chain("nowhere") == ()


def test_a_private_channel_never_falls_back_to_a_public_one() -> None:
    with pytest.raises(ValueError, match="cannot fall back"):
        Audiences(_audiences(cs_private="incidents", incidents=None))
    Audiences(_audiences(cs_private="board", board=None))


def test_a_fallback_that_is_not_configured_is_named() -> None:
    with pytest.raises(ValueError, match="names “nowhere”"):
        Audiences(_audiences(incidents="nowhere"))
