"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

database(); config()
result = check()["amounts"]
want("W-77" not in keys(result), f"W-77 (refunded in part) is in order (was: found {keys(result)})")
want("W-78" in keys(result), "W-78 (paid 70 of 100) is found")
want("W-79" in keys(result), "W-79 (captured 100, refunded 130) is found")
end()
