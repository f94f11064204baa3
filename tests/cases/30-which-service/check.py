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

port = serve({"/": answer("boom", "500 Oops")})
def changed(data):
    change(data)
    data["checks"] = [{"name": n, "kind": "http_probe", "every": 5, "url": f"http://127.0.0.1:{port}/", "service": n} for n in ("search", "newsletter", "storefront")]
with stack(WORK, shop_options=("--rate", "0"), change=changed, bot_options=("--control", "0")) as run:
    slack = Slack(run.slack_url)
    for _ in range(6):
        run.advance(5)
    time.sleep(4)
    cards = [texts(m) for m in slack.messages("U0MEI", "C0INCIDENTS") if "SEV" in m["text"]]
    want(len(cards) == 3, f"three incidents (was: {len(cards)})")
    for name in ("search", "newsletter", "storefront"):
        want(any(name in card for card in cards), f"a card names {name}")
end()
