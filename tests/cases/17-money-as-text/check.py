"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

database(); config()
result = check()["amounts"]
want(result["error"] or keys(result) == ["T-1", "T-2", "T-3"], f"text amounts: found or refused (was: healthy {result['healthy']}, {keys(result)})")
database("decimals.sql"); config("decimals.yaml")
result = check()["amounts"]
verify = muster("shop", "verify", "--config", "muster.yaml")
want(result["error"] or keys(result) == ["D-1"] or verify.returncode != 0, f"decimals mapped as minor units: found or refused (was: healthy {result['healthy']}, verify {verify.returncode})")
end()
