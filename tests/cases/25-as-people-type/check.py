"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from judging import *  # noqa: F403

from bot.cli.stack import stack
from sandbox.drills.hands import Slack, elements

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

def changed(data):
    change(data)
    data["checks"] = []
with stack(WORK, shop_options=("--rate", "0"), change=changed) as run:
    slack = Slack(run.slack_url)
    def answered(who, channel, command, text):
        before = {m["ts"] for m in slack.messages(who, channel)}
        slack.command(who, channel, command, text)
        end = time.monotonic() + 6
        while time.monotonic() < end:
            new = [texts(m) for m in slack.messages(who, channel) if m["ts"] not in before]
            if new:
                return new[-1]
            time.sleep(0.1)
        return ""
    answered("U0MEI", "C0INCIDENTS", "/incident", "3.3 card payments fail")
    # A line that would be SEV1 asks first by now: it is meant so.
    asked = slack.messages("U0MEI", "C0INCIDENTS")[-1]
    ring = next(e for e in elements(asked) if str(e["action_id"]).split("#")[0] == "line.ring")
    slack.click("U0MEI", asked, "C0INCIDENTS", ring); time.sleep(3)
    for text in ("show\u30001", "show\u00a01", "show\t1", "show #1", "show INC-1.", "show \u201c1\u201d", "show INC\u20111", "show `INC-1`", "show INC 1"):
        said = answered("U0MEI", "C0INCIDENTS", "/incident", text)
        want("Card payments" in said, f"/incident {text!r} shows INC-1 (was: {said[:60]!r})")
    for text in ("3.3\u3000刷卡失敗", "\uff13\uff0e\uff13 刷卡失敗", "report\u30003.3\u3000刷卡失敗"):
        said = answered("U0MEI", "C0INCIDENTS", "/incident", text)
        want("INC-1" in said, f"/incident {text!r} adds to INC-1 (was: {said[:60]!r})")
    for text in ("note\u30001\u3000備註", "note 1\nsecond line", "note INC-1: colon"):
        said = answered("U0MEI", "C0INCIDENTS", "/incident", text)
        want("Noted in INC-1" in said, f"/incident {text!r} is noted (was: {said[:60]!r})")
    number = sqlite3.connect(run.shop.says["database"].removeprefix("sqlite:///").split("?")[0]).execute("select number from orders order by id desc").fetchone()[0]
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number)
    for text in (f"#{number}", number.replace("-", "\u2011"), number.replace("-", "\u2013"), wide, f"\u201c{number}\u201d", f"<https://shop.example/o/{number}|{number}>"):
        said = answered("U0LIN", "C0CSDESK", "/order", text)
        want("目前狀態" in said or "處理中" in said, f"/order {text!r} finds {number} (was: {said[:60]!r})")
end()
