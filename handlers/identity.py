"""Identity of the bot in its workspace, by which it is seen whose a payload is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Identity:
    """Who we are (auth.test, bots.info); filled in when Slack has answered once."""

    team_id: str | None = None
    bot_id: str | None = None
    bot_user_id: str | None = None
    app_id: str | None = None
    enterprise_id: str | None = None  # of an app that is installed for a whole organisation
    awaited: bool = False  # Slack is being asked: until it says who we are, nothing is judged

    @property
    def unknown(self) -> bool:
        return self.awaited and self.team_id is None

    def is_ours(self, body: Mapping[str, Any]) -> bool:
        """Whether it comes from our workspace and is meant for our app, as far as Slack told.

        Slack signs with the app's own secret and leaves `api_app_id` out of some shortcuts; what
        names another app is not ours, whoever signed it.
        """
        app = body.get("api_app_id")
        if app is not None and self.app_id and app != self.app_id:
            return False
        if self.team_id is None or _id(body, "team", "team_id") == self.team_id:
            return True
        organisation = _id(body, "enterprise", "enterprise_id")
        return self.enterprise_id is not None and organisation == self.enterprise_id

    def may_be_colleague(self, body: Mapping[str, Any]) -> bool:
        """False where the payload itself says that who sent it belongs to another workspace."""
        user, event = body.get("user"), body.get("event")
        teams = (
            user.get("team_id") if isinstance(user, Mapping) else None,
            event.get("user_team") if isinstance(event, Mapping) else None,
        )
        return all(team is None or self.is_home(team) for team in teams)

    def is_home(self, team: Any) -> bool:
        """Whether a workspace may be ours; in an organisation users.info has to say it."""
        return self.team_id is None or self.enterprise_id is not None or team == self.team_id


def _id(body: Mapping[str, Any], part: str, own: str) -> Any:
    found = body.get(part)
    return found.get("id") if isinstance(found, Mapping) else body.get(own)
