"""Errors: what Slack may answer, drawn once, and the remedy for each code.

SlackError             base
├── NotDelivered       nothing was sent: no connection, or a budget of ours is used up
│   └── Held           try again at `until` (budget, or Slack's Retry-After)
├── Unclear            sent, and whether it had an effect is not known
└── SlackRefused       Slack answered with an error code; `remedy` says what to do

The codes are those of Slack's reference pages of the methods in use. A code that stands in no row
is tried again a few times and then parked, where an operator sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any


class Remedy(Enum):
    """What delivery does about a code."""

    JOIN = auto()  # join the channel, then send again
    FALLBACK = auto()  # the channel is no more: the configured one of the same or narrower audience
    POST_ANEW = auto()  # the message is gone: post it again
    ROOT_ANEW = auto()  # the root of the thread is gone: post the card again, then this
    PLAIN = auto()  # Slack refuses the form: the same words as plain text
    DIRECT = auto()  # not a member there: tell the person directly (a narrower audience)
    DROP = auto()  # sent at most once, and its moment is over: the person can press again
    DONE = auto()  # what was asked for is so already
    STOP = auto()  # the token is no good: send nothing more and say so loudly
    RETRY = auto()  # wait and try again
    UNCLEAR = auto()  # it may have had an effect: look before repeating
    PARK = auto()  # no remedy without a person: shown to an operator


_BY_REMEDY: Mapping[Remedy, tuple[str, ...]] = {
    Remedy.JOIN: ("not_in_channel",),
    Remedy.FALLBACK: (
        "channel_not_found",
        "is_archived",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "method_not_supported_for_channel_type",
    ),
    Remedy.POST_ANEW: (
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_inactive",
    ),
    Remedy.ROOT_ANEW: (
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action_thread_locked",
    ),
    Remedy.PLAIN: (
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
        "attachment_payload_limit_exceeded",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "metadata_must_be_sent_from_app",
        "markdown_text_conflict",
        "no_text",
    ),
    Remedy.DIRECT: ("user_not_in_channel",),
    Remedy.DROP: (
        "expired_url",
        "used_url",
        "expired_trigger_id",
        "exchanged_trigger_id",
        "trigger_exchanged",
        "hash_conflict",
        "invalid_url",
        "not_found",  # views.update: the view was closed
        "view_not_found",
        "no_such_view",
    ),
    Remedy.DONE: (
        "already_in_channel",
        "already_pinned",
        "already_reacted",
        "no_reaction",
        "not_pinned",
    ),
    Remedy.STOP: (
        "account_inactive",
        "app_uninstalled",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    ),
    Remedy.RETRY: (
        "message_limit_exceeded",
        "rate_limited",
        "ratelimited",
        "team_added_to_org",
    ),
    Remedy.UNCLEAR: (
        "fatal_error",  # Slack: "some aspect of the operation may have succeeded"
        "internal_error",
        "request_timeout",
        "service_unavailable",
    ),
    Remedy.PARK: (
        "access_denied",
        "cannot_dm_bot",
        "ekm_access_denied",
        "file_not_found",
        "file_upload_size_restricted",
        "file_uploads_disabled",
        "invalid_arguments",
        "messages_tab_disabled",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
        "users_not_found",
    ),
}

MAY_NOT_BE_EDITED = frozenset({"cant_update_message", "edit_window_closed", "is_inactive"})
"""It stands, and the workspace lets nobody change it: posting it anew helps once at most."""

REMEDIES: Mapping[str, Remedy] = {
    code: remedy for remedy, codes in _BY_REMEDY.items() for code in codes
}


ANSWERED = frozenset({"ok", "rate_limited", "refused"})
"""The outcomes after which it is known that Slack is there."""


class SlackError(Exception):
    """A call that did not end well. `outcome`: how it is counted."""

    outcome = "failed"


class NotDelivered(SlackError):
    """Nothing was sent, for certain. `code` says why (no_connection …)."""

    outcome = "not_sent"

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Held(NotDelivered):
    """Not now: the budget is used up, or Slack named a time to wait until."""

    outcome = "rate_limited"

    def __init__(self, code: str, until: datetime) -> None:
        super().__init__(code)
        self.until = until


class Unclear(SlackError):
    """The request went out and no usable answer came."""

    outcome = "unclear"

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SlackRefused(SlackError):
    """Slack answered `ok: false`. `known`: the code stands in the table."""

    outcome = "refused"

    def __init__(self, method: str, code: str, data: Mapping[str, Any] | None = None) -> None:
        needed = (data or {}).get("needed")
        super().__init__(f"{method}: {code}" + (f" (needs {needed})" if needed else ""))
        self.method = method
        self.code = code
        self.known = code in REMEDIES
        self.remedy = REMEDIES.get(code, Remedy.RETRY)
