"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

from sqlalchemy.engine import URL
import urllib.parse
database(to="full.db")
for name, decoy in (("shop #1.db", "shop "), ("shop?x.db", "shop"), ("shop%41.db", "shopA.db"), ("shop 2.db", None), ("商店.db", None)):
    for old in WORK.glob("shop*"):
        old.unlink()
    shutil.copy(WORK / "full.db", WORK / name)
    config(URL=URL.create("sqlite", database=str(WORK / name)).render_as_string())
    result = check()["stuck"]
    want(keys(result) == ["OK-1"], f"{name}: OK-1 is found (was: {result['error'] or keys(result)})")
    extra = sorted(p.name for p in WORK.glob("shop*") if p.name != name)
    want(not extra, f"{name}: nothing is created (was: {extra})")
    if decoy:
        database("empty.sql", to=decoy)
        result = check()["stuck"]
        want(not result["healthy"], f"{name}: not “in order” by another file (was: healthy {result['healthy']})")
end()
