"""Read models: gathered in one read of the database, rendered by whoever shows them."""

from incidents.read.card import card, controls_of
from incidents.read.cases_page import cases_page
from incidents.read.home import home
from incidents.read.lists import check_durations, incident_list
from incidents.read.log import log_entry
from incidents.read.notices import desk, late_answer, notice, resolved
from incidents.read.picture import picture
from incidents.read.resolve import resolve_view
from incidents.read.review import review
from incidents.read.runbook_view import runbook_view as runbook
from incidents.read.selection import between, listing, select_by
from incidents.read.week import week

__all__ = [
    "between",
    "card",
    "cases_page",
    "check_durations",
    "controls_of",
    "desk",
    "home",
    "incident_list",
    "late_answer",
    "listing",
    "log_entry",
    "notice",
    "picture",
    "resolve_view",
    "resolved",
    "review",
    "runbook",
    "select_by",
    "week",
]
