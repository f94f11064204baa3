"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

from bot.cli.stack import stack
from sandbox.drills.hands import Slack

def texts(message):
    found = [message.get("text", "")]
    def walk(part):
        if isinstance(part, dict):
            if isinstance(part.get("text"), str):
                found.append(part["text"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)
    walk(message.get("blocks") or [])
    return " | ".join(found)

def change(data):
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}

path = database()
def changed(data):
    change(data)
    data["shop"]["database_url"] = f"sqlite:///{path}"
    data["shop"]["currency"] = "USD"
    data["shop"]["mapping"] = {"orders": {"from": "orders", "unit": "minor", "form": "iso_z", "fields": {"key": "id", "number": "number", "state": "status", "state_since": "since", "placed_at": "created", "total": "total", "currency": "cur"}}}
    data["checks"] = [{"name": "stuck", "kind": "stuck_orders", "every": 30, "limits": {"paid": 48}}]
def elements(part):
    if isinstance(part, dict):
        if part.get("action_id"):
            yield part
        for value in part.values():
            yield from elements(value)
    elif isinstance(part, list):
        for value in part:
            yield from elements(value)
with stack(WORK, shop_options=("--rate", "0"), change=changed, bot_options=("--control", "0")) as run:
    slack = Slack(run.slack_url)
    for _ in range(3):
        run.advance(30)
    time.sleep(3)
    card = next(m for m in slack.messages("U0MEI", "C0INCIDENTS") if "SEV" in m["text"])
    slack.click("U0MEI", card, "C0INCIDENTS", next(e for e in elements(card["blocks"]) if e["action_id"].startswith("cases.open")))
    time.sleep(2)
    shown = json.dumps(slack.view("U0MEI")["blocks"], ensure_ascii=False)
    for number in ("FG_10482_a", "TW:88", "A*7*", "a:b:c", "_FG_9"):
        want(number in shown, f"{number} is shown as it is")
end()
