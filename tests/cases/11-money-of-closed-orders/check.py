"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

database(); config()
result = check()["amounts"]
want(keys(result) == ["X-1", "X-2", "X-3"], f"X-1, X-2, X-3 are found (was: {keys(result)})")
end()
