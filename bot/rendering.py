"""Rendering: draws what delivery is about to send, read models of the domain, words of the
templates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.delivery.content import Attachment, Content, Request
from bot.delivery.permalinks import permalink_of
from handlers import binding, sent_forms
from handlers.cases import csv_text
from incidents import cases, read
from incidents.case_totals import read_cases
from incidents.lifecycle import isolation
from incidents.organisation import House
from incidents.payload_codec import unpack
from incidents.read.week import start_of
from message_templates.engine import Message, Templates
from message_templates.review import review_html, review_json, review_markdown
from message_templates.state import Links
from storage import identity
from storage.models import Incident

View = tuple[Any, dict[str, Any]]
Build = Callable[[Session, Request], View]

FILES = "review_files"
CSV = "cases_csv"
SENT_BACK = "sent_back"
_PAGE = "page"
_MOVED = "moved"
_ITS_OWN = frozenset({"card", "runbook"})


def _links(session: Session, request: Request) -> Links:
    """Where each incident's thread is found; its own root and runbook do not lead to themselves."""
    own = None
    if request.template in _ITS_OWN and request.person is None and request.incident_id is not None:
        own = session.get_one(Incident, request.incident_id).reference

    @cache
    def find(reference: str) -> str | None:
        return None if reference == own else permalink_of(session, reference)

    return find


class Drawing:
    """The renderer that delivery is handed. Called inside a read, in a thread."""

    def __init__(
        self,
        house: House,
        templates: Templates,
        clock: Clock,
        zone_of: Callable[[str], ZoneInfo],
        zone: ZoneInfo,
    ) -> None:
        self._house = house
        self._templates = templates
        self._clock = clock
        self._zone_of = zone_of
        self._zone = zone
        self._builders: Mapping[str, Build] = {
            "card": self._card,
            "runbook": self._runbook,
            "log": self._log,
            "answer": self._answer,
            "desk": self._desk,
            "resolved": self._resolved,
            "review": self._review,
            "home": self._home,
            "week": self._week,
            "incident_list": self._packed,
            "result": self._packed,
            "resolve": self._resolve,
            "cases": self._cases,
            "revealed": self._revealed,
            "picture": self._picture,
            "blind": self._packed,
            "record": self._packed,
            "isolated": self._isolated,
            "isolated_ask": self._packed,
            "newer_threads": self._packed,
        }

    def __call__(self, session: Session, request: Request) -> Content:
        """Raises whatever a view or a template does wrong; delivery then sends the plain form."""
        moved = isolation.isolated(session, request.key)
        if moved is not None:
            request = replace(request, template=_MOVED)
            message = self._render(session, request, None, moved)
            return Content(message.text, message.blocks, message.metadata_extra, hides=True)
        if request.template == FILES:
            return self._review_files(session, request)
        if request.template == CSV:
            return self._cases_csv(session, request)
        if request.template == _PAGE:
            return self._page(session, request)
        if request.template == SENT_BACK:
            return self._sent_back(session, request)
        view, params = self._builders.get(request.template, self._notice)(session, request)
        message = self._render(session, request, view, params)
        return Content(message.text, message.blocks, message.metadata_extra, message.view)

    def _render(
        self, session: Session, request: Request, view: Any, params: Mapping[str, Any]
    ) -> Message:
        zone = self._zone_of(request.person) if request.person else self._zone
        return self._templates.render(
            request.template,
            view,
            language=request.language,
            zone=zone,
            params=params,
            links=_links(session, request),
        )

    def _incident(self, request: Request) -> int:
        if request.incident_id is None:
            raise LookupError(f"{request.key} names no incident")
        return request.incident_id

    def _card(self, session: Session, request: Request) -> View:
        now = self._clock.now()
        return read.card(session, self._house, self._incident(request), now), dict(request.params)

    def _runbook(self, session: Session, request: Request) -> View:
        run = request.params.get("run")
        found = read.runbook(session, self._house, self._incident(request), self._clock.now(), run)
        return found, {}

    def _log(self, session: Session, request: Request) -> View:
        now, entry = self._clock.now(), int(request.params["entry"])
        whole = bool(request.params.get(isolation.WHOLE))
        number = self._incident(request)
        return read.log_entry(session, self._house, number, entry, now, whole=whole), {}

    def _notice(self, session: Session, request: Request) -> View:
        return read.notice(
            session, self._house, self._incident(request), request.params, self._clock.now()
        )

    def _picture(self, session: Session, request: Request) -> View:
        now = self._clock.now()
        return read.picture(session, self._house, self._incident(request), now), {}

    def _desk(self, session: Session, request: Request) -> View:
        return read.desk(session, self._house, self._incident(request), self._clock.now())

    def _resolved(self, session: Session, request: Request) -> View:
        return read.resolved(
            session, self._house, self._incident(request), request.params, self._clock.now()
        )

    def _review(self, session: Session, request: Request) -> View:
        now = self._clock.now()
        return read.review(session, self._house, self._incident(request), now), {}

    def _home(self, session: Session, request: Request) -> View:
        person = str(request.person)
        found = identity.read(session)
        params = {} if found is None else {"metadata": {binding.RECORD: found.record}}
        return read.home(session, self._house, person, self._clock.now()), params

    def _week(self, session: Session, request: Request) -> View:
        person = str(request.person)
        zone, key = self._zone_of(person), request.params.get("week")
        start = start_of(str(key), zone) if key else None
        view = read.week(session, self._house, person, self._clock.now(), zone, start=start)
        return view, {}

    def _answer(self, session: Session, request: Request) -> View:
        if "params" in request.params:
            return None, {**unpack(dict(request.params)), **_kept(request)}
        code, params = read.late_answer(
            session, self._house, self._incident(request), request.params, self._clock.now()
        )
        return None, {"code": code, "params": params}

    def _sent_back(self, session: Session, request: Request) -> Content:
        """The form as it was sent, with the refusal above its fields; without a form, the refusal
        with what was typed."""
        sent = sent_forms.SentForm.of(unpack(dict(request.params)), request.secret or {})
        drawn = sent_forms.again(session, self._house, sent, self._clock.now())
        if drawn is None:
            template, view, params = "result", None, sent.as_result()
        else:
            template, view, params = drawn
        message = self._render(session, replace(request, template=template), view, params)
        filled = sent_forms.fill(message.view or {}, sent.state)
        # Where the form cannot stand, the modal has its words: why it was refused.
        said = {**sent.as_result(), "line": None}
        answer = self._render(session, replace(request, template="answer"), None, said)
        return Content(answer.text, message.blocks, message.metadata_extra, filled)

    def _resolve(self, session: Session, request: Request) -> View:
        memory = dict(request.params["memory"])
        return sent_forms.resolving(
            session, self._house, memory, request.secret or {}, self._clock.now()
        )

    def _cases(self, session: Session, request: Request) -> View:
        """A page of the cases, of the incident and filter that the modal remembers."""
        memory = dict(request.params["memory"])
        page = read.cases_page(
            session,
            self._house,
            self._incident(request),
            self._clock.now(),
            wanted=str(memory["filter"]),
            page=int(memory["page"]),
        )
        return page, {"metadata": {**memory, "filter": page.filter, "page": page.page}}

    def _revealed(self, session: Session, request: Request) -> View:
        return None, {**unpack(dict(request.params)), "texts": unpack(request.secret or [])}

    def _isolated(self, session: Session, request: Request) -> View:
        """The words stand in the encrypted part, and in no other."""
        text = (request.secret or {}).get("text", "")
        return None, {**unpack(dict(request.params)), "text": text}

    def _packed(self, session: Session, request: Request) -> View:
        return None, unpack(dict(request.params))

    def _review_files(self, session: Session, request: Request) -> Content:
        now = self._clock.now()
        view = read.review(session, self._house, self._incident(request), now)
        language, zone = request.language, self._zone
        data = json.dumps(
            review_json(self._templates, view, zone=self._zone), ensure_ascii=False, indent=2
        )
        files = {
            "md": review_markdown(self._templates, view, language=language, zone=zone),
            "html": review_html(self._templates, view, language=language, zone=zone),
            "json": data,
        }
        return Content(
            text=view.reference,
            files=[
                Attachment(f"{view.reference}-review.{kind}", view.reference, text.encode())
                for kind, text in files.items()
            ],
        )

    def _cases_csv(self, session: Session, request: Request) -> Content:
        incident = session.get_one(Incident, self._incident(request))
        wanted = str(request.params.get("filter", cases.ALL))
        lines = [
            line for line in read_cases(session, incident.id) if wanted in (cases.ALL, line.state)
        ]
        name = f"{incident.reference}-cases.csv"
        language = request.language

        def head(column: str) -> str:
            return self._templates.text(f"export.{column}", language=language)

        def word(code: str) -> str:
            return self._templates.word(code, language=language)

        text = csv_text(list(cases.rows(lines, head, word)))
        return Content(text=name, files=[Attachment(name, name, text.encode())])

    def _page(self, session: Session, request: Request) -> Content:
        """What wakes a person: the notification text of the card, nothing else."""
        incident = session.get_one(Incident, self._incident(request))
        view = read.card(session, self._house, incident.id, self._clock.now())
        text = self._templates.words(
            view.ring, view.scope, language=request.language, zone=self._zone
        )
        return Content(text=text)


def _kept(request: Request) -> dict[str, Any]:
    """What goes to its typist with an answer: the words themselves, or the line to be decided."""
    kept = request.secret if isinstance(request.secret, Mapping) else {}
    return {"typed": list(kept.get("typed", ())), "line": kept.get("line")}
