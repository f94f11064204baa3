"""The delivery classes of the table: how each is brought about, and how a person sees it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.delivery.content import Content, Request
from storage import outbox
from storage.models import Incident
from tests.delivery.conftest import Drawings, Postbox

THREAD = ["card", "runbook", "log", "log"]
MODAL = {
    "type": "modal",
    "callback_id": "checked",
    "title": {"type": "plain_text", "text": "Checked"},
}


class ModalDrawings(Drawings):
    """Draws a modal where a view is asked for."""

    def __call__(self, session: Session, request: Request) -> Content:
        drawn = super().__call__(session, request)
        return replace(drawn, view={**MODAL, "blocks": list(drawn.blocks)})


class Way(ABC):
    """One delivery class. `method`: the call by which people come to see it."""

    method = "chat.postMessage"
    match: dict[str, str] = {}
    at_most_once = False

    async def prepare(self, postbox: Postbox) -> None:  # noqa: B027 - most need none
        """What stands before."""

    @abstractmethod
    async def act(self, postbox: Postbox) -> None:
        """The commit that asks for the delivery."""

    async def meanwhile(self, postbox: Postbox) -> None:  # noqa: B027 - most need none
        """What changes while the fault holds."""

    @abstractmethod
    async def seen(self, postbox: Postbox) -> list[str]:
        """What people see of it, as often as it stands."""

    wanted: list[str] = []
    template = "card"  # of the message that the fault hits


class RootPost(Way):
    match = {"contains": "INC-412/card v"}
    wanted = THREAD

    async def act(self, postbox: Postbox) -> None:
        await postbox.post("card", priority=1)
        for name in ("runbook", "log/1", "log/2"):
            await postbox.post(name)

    async def meanwhile(self, postbox: Postbox) -> None:
        await postbox.refresh("card")

    async def seen(self, postbox: Postbox) -> list[str]:
        return await postbox.texts()


class Reply(RootPost):
    match = {"contains": "INC-412/log/1 v"}
    template = "log"


class Update(Way):
    """The newest state stands, on the one card."""

    method = "chat.update"

    async def prepare(self, postbox: Postbox) -> None:
        await postbox.post("card", priority=1)
        await postbox.run()

    async def act(self, postbox: Postbox) -> None:
        await postbox.refresh("card")

    async def meanwhile(self, postbox: Postbox) -> None:
        await postbox.refresh("card")

    async def seen(self, postbox: Postbox) -> list[str]:
        version = (await postbox.incident()).version
        stands = [m["text"].split()[2] for m in await postbox.seen()]
        return ["current" if shown == f"v{version}" else shown for shown in stands]

    wanted = ["current"]


class Direct(Way):
    match = {"contains": "remind/1"}
    template = "remind"
    wanted = ["remind/1", "remind/2"]

    async def act(self, postbox: Postbox) -> None:
        for number in (1, 2):
            await postbox.commit(lambda s, i, now, n=number: _remind(s, i, now, n))  # type: ignore[misc]

    async def seen(self, postbox: Postbox) -> list[str]:
        stands = [m["text"].split()[1] for m in await postbox.seen("D0MEI")]
        return [key.removeprefix("INC-412/dm/") for key in stands]


class File(Way):
    method = "files.completeUploadExternal"
    template = "review"
    wanted = ["review.md"]

    async def prepare(self, postbox: Postbox) -> None:
        await postbox.post("card", priority=1)
        await postbox.run()

    async def act(self, postbox: Postbox) -> None:
        await postbox.commit(_review)

    async def seen(self, postbox: Postbox) -> list[str]:
        card = await postbox.row("card")
        thread = await postbox.seen(thread=card["ts"])
        return [file["name"] for message in thread for file in message.get("files") or ()]


class Once(Way):
    at_most_once = True
    template = "answer"
    wanted = ["answer"]

    async def seen(self, postbox: Postbox) -> list[str]:
        texts = [m["text"].split()[0] for m in await postbox.seen()]
        return [text for text in texts if text == "answer"]


class Ephemeral(Once):
    method = "chat.postEphemeral"

    async def act(self, postbox: Postbox) -> None:
        await postbox.commit(_answer)


class Respond(Once):
    method = "response_url"

    async def act(self, postbox: Postbox) -> None:
        key = postbox.sandbox.world.responses.issue("U0MEI", "C0INCIDENTS")
        url = f"{postbox.sandbox.url}/response/{key}"
        await postbox.commit(lambda s, i, now: _respond(s, now, url))


class View(Way):
    """An open "checking" view becomes its result, whatever happens: said again, it is the same."""

    method = "views.update"
    template = "checked"
    wanted = ["checked"]

    async def prepare(self, postbox: Postbox) -> None:
        if type(postbox.drawings) is Drawings:
            postbox.drawings = ModalDrawings()
            postbox.start()
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "checking"}}]
        trigger = postbox.sandbox.world.triggers.issue("U0MEI")
        opened = await postbox.client.views_open(
            trigger_id=trigger, view={**MODAL, "blocks": blocks}
        )
        self.view_id = str(opened["view"]["id"])
        self.opened = await self._shown(postbox)

    @staticmethod
    async def _shown(postbox: Postbox) -> str:
        views = (await postbox.people.get("/hand/views", params={"as": "U0MEI"})).json()["views"]
        return json.dumps([views[-1]["title"], views[-1]["blocks"]])

    async def act(self, postbox: Postbox) -> None:
        await postbox.commit(lambda s, i, now: _view(s, now, self.view_id))

    async def seen(self, postbox: Postbox) -> list[str]:
        return ["checked"] if await self._shown(postbox) != self.opened else ["checking"]


class Home(Way):
    """App Home is published as a whole: repeating it shows the same."""

    method = "views.publish"
    template = "home"
    wanted = ["home"]

    async def act(self, postbox: Postbox) -> None:
        await postbox.commit(lambda s, i, now: outbox.home(s, person="U0MEI", now=now))

    async def seen(self, postbox: Postbox) -> list[str]:
        home = (await postbox.people.get("/hand/home", params={"as": "U0MEI"})).json()
        return ["home"] if (home.get("view") or {}).get("blocks") else []


WAYS: dict[str, type[Way]] = {
    "post": RootPost,
    "reply": Reply,
    "update": Update,
    "direct": Direct,
    "file": File,
    "ephemeral": Ephemeral,
    "view": View,
    "respond": Respond,
}


def _remind(session: Session, incident: Incident, now: datetime, number: int) -> Any:
    return outbox.direct(
        session,
        key=f"INC-412/dm/remind/{number}",
        template="remind",
        person="U0MEI",
        incident=incident,
        now=now,
    )


def _review(session: Session, incident: Incident, now: datetime) -> Any:
    return outbox.file(
        session,
        key="INC-412/review",
        template="review",
        incident=incident,
        audience="incidents",
        thread_key="INC-412/card",
        now=now,
    )


def _answer(session: Session, incident: Incident, now: datetime) -> Any:
    return outbox.ephemeral(
        session,
        key="INC-412/answer/1",
        template="answer",
        person="U0MEI",
        channel="C0INCIDENTS",
        incident=incident,
        now=now,
    )


def _respond(session: Session, now: datetime, url: str) -> Any:
    return outbox.respond(
        session,
        key="INC-412/respond/1",
        response_url=url,
        template="answer",
        person="U0MEI",
        now=now,
    )


def _view(session: Session, now: datetime, view_id: str) -> Any:
    return outbox.view(
        session,
        key="INC-412/view/1",
        template="checked",
        person="U0MEI",
        view_id=view_id,
        now=now,
    )
