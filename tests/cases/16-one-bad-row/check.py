"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

for bad in ("0000-00-00 00:00:00", "", "not a date"):
    database()
    with sqlite3.connect(WORK / "shop.db") as c:
        c.execute("update orders set since = ? where number = 'E-1'", (bad,))
    config()
    result = check()["stuck"]
    want("E-2" in keys(result), f"“{bad}” in E-1: E-2 is found all the same (was: {result['error'] or keys(result)})")
database("null.sql")
config()
result = check()["stuck"]
want("None" not in keys(result), f"an order without a number is not called None (was: {keys(result)})")
want(all((c["amount"] or {}).get("currency") != "None" for f in result["findings"] for c in f["cases"]), "a missing currency is the shop's, not “None”")
end()
