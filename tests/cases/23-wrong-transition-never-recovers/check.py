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
    fields = {"key": "id", "number": "number", "state": "status", "state_since": "since", "placed_at": "created", "total": "total", "currency": "cur"}
    data["shop"]["mapping"] = {"orders": {"from": "orders", "unit": "minor", "form": "iso_z", "fields": fields},
        "state_changes": {"from": "h", "form": "iso_z", "fields": {"order_key": "order_id", "from_state": "f", "to_state": "t", "at": "at"}}}
    data["checks"] = [{"name": "states", "kind": "stuck_orders", "every": 10, "recover_after": 2, "limits": {"dispatched": 480},
        "transitions": {"awaiting_payment": ["paid"], "paid": ["dispatched"], "dispatched": ["delivered"]}}]
with stack(WORK, shop_options=("--rate", "0"), change=changed, bot_options=("--control", "0")) as run:
    slack = Slack(run.slack_url)
    for _ in range(3):
        run.advance(10)
    time.sleep(2)
    cards = [m for m in slack.messages("U0MEI", "C0INCIDENTS") if "INC-1" in texts(m)]
    want(bool(cards), "the wrong transition opens an incident")
    with sqlite3.connect(path) as c:
        c.execute("update orders set status = 'dispatched', since = strftime('%Y-%m-%dT%H:%M:%SZ','now')")
    for _ in range(8):
        run.advance(10)
    time.sleep(3)
    states = sqlite3.connect(f"file:{WORK}/muster.db?mode=ro", uri=True).execute("select subject, failing from check_states where subject <> ''").fetchall()
    want(all(not failing for _, failing in states), f"after it is mended nothing fails any more (was: {states})")
    status = sqlite3.connect(f"file:{WORK}/muster.db?mode=ro", uri=True).execute("select status from incidents").fetchall()
    want(status and status[0][0] != "open", f"the incident is mitigated by recovery (was: {status})")
end()
