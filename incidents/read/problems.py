"""Problems: why an action was not done, in the plan's words where it has some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidents.read.reader import Reader
from incidents.shop_actions import action_outcomes
from plan.model import Words
from storage.models import ActionAttempt

EFFECT_FAILED = "effect_failed"

# What was asked, when, and how it failed; the address as the configuration declares it.
_ASKED_EN = (
    "{% if look.asked %}{{ look.asked|plain }}{% else %}the shop{% endif %} gave no usable answer"
    "{% if look.code %} ({{ word(look.code) }}){% endif %}"
    "{% if attempt.settled_at %} at {{ attempt.settled_at|time }}{% endif %}."
)
_ASKED_ZH = (
    "{% if attempt.settled_at %}{{ attempt.settled_at|time }} {% endif %}"
    "{% if look.asked %}{{ look.asked|plain }} {% else %}商店{% endif %}沒有可用的回應"
    "{% if look.code %}（{{ word(look.code) }}）{% endif %}。"
)
_NOTHING_EN = (
    "Nothing was sent, nothing has changed. Try again when the shop answers, or go another way."
)
_NOTHING_ZH = "沒有送出，系統沒有任何變更。請待商店恢復回應後再試，或改用其他方式。"

_WORDS = {
    "precondition_unseen": (
        _ASKED_EN + " Whether it is safe is not known. " + _NOTHING_EN,
        _ASKED_ZH + "無法確認是否安全。" + _NOTHING_ZH,
    ),
    "before_unseen": (
        _ASKED_EN + " Without the state before there is no way back. " + _NOTHING_EN,
        _ASKED_ZH + "沒有變更前的狀態，之後無法復原。" + _NOTHING_ZH,
    ),
    "order_unseen": (
        "the order could not be read just before sending, so nothing was sent.",
        "寄出前無法讀取訂單，因此沒有寄出。",
    ),
    "effect_gone": (
        "its effect no longer shows in the shop. It is to do again.",
        "商店已看不到效果，需要重做。",
    ),
    "not_sent": (
        "the shop could not be reached. Nothing has changed; it can be pressed again.",
        "連不上商店，系統沒有任何變更，可以再按一次。",
    ),
    "refused": (
        "the shop refused it. Nothing has changed.",
        "商店拒絕了這個要求，系統沒有任何變更。",
    ),
    "no_effect": (
        "the shop shows no effect. It can be pressed again.",
        "商店顯示沒有生效，可以再按一次。",
    ),
    "approval_refused": (
        "it was not approved. Nothing was sent.",
        "未獲核准，沒有送出。",
    ),
    "approval_expired": (
        "nobody approved it in time. Nothing was sent; it can be pressed again.",
        "無人在時限內核准，沒有送出，可以再按一次。",
    ),
    "approval_void": (
        "what it was about changed before it was approved. Nothing was sent.",
        "核准前情況已改變，沒有送出。",
    ),
    "no_door": (
        "shop.actions declares no such action, so nothing was sent. Add it to muster.yaml.",
        "商店設定中沒有這個動作，沒有送出；請管理員在 shop.actions 加上。",
    ),
    EFFECT_FAILED: (
        "the shop says that it failed. It can be tried again.",
        "商店回報失敗，可以再試一次。",
    ),
    "person_decides": (
        "the shop cannot be asked whether it happened. Look there, then say what you saw.",
        "無法查詢是否已生效，請到商店確認後回報。",
    ),
    "not_verified": (
        "the shop said yes, but its effect was not seen. Look there, then say what you saw.",
        "商店回覆成功，但尚未看到效果，請到商店確認後回報。",
    ),
}


def words_of(code: str) -> Words | None:
    """The fixed words of a problem code."""
    found = _WORDS.get(code.partition(":")[0])
    return None if found is None else Words(en=found[0], **{"zh-Hant": found[1]})


def problem_of(reader: Reader, problem: Mapping[str, Any] | None) -> Words | None:
    """The words under a step whose last try did not happen."""
    if not problem or not problem.get("code"):
        return None
    code = str(problem["code"])
    action = reader.plan.actions.get(str(problem.get("action")))
    head, _, index = code.partition(":")
    if head == EFFECT_FAILED and action is not None and action.verify is not None:
        return action.verify.failed or words_of(code)
    known = action.preconditions if action is not None else ()
    if head == "precondition" and index.isdigit() and int(index) < len(known):
        return known[int(index)].problem
    return words_of(code)


def problem_scope(reader: Reader, attempt: ActionAttempt) -> dict[str, Any]:
    """What the words of a problem see: the attempt, and the look that spoke against it."""
    return {
        **reader.scope,
        **reader.attempt_scope(attempt),
        "look": action_outcomes.look_against(attempt),
    }
