"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

text = (HERE / "shop.sql").read_text("utf-8")
for word in ("created", "unknown", "error"):
    (WORK / "shop.db").unlink(missing_ok=True)
    with sqlite3.connect(WORK / "shop.db") as c:
        c.executescript(text.replace("{WORD}", word))
    config()
    result = check()["pay"]
    want(result["findings"] or (word == "error" and result["error"]), f"30 of 30 payments are “{word}” for 3 minutes: found (was: healthy {result['healthy']}, {result['figures']})")
end()
