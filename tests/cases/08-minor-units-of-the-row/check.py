"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

database(); config()
cases = {c["key"]: c for f in check()["amounts"]["findings"] for c in f["cases"]}
want(cases.get("JP-1", {}).get("facts", {}).get("delta") == {"minor": -100, "currency": "JPY"}, f"JP-1: ¥100 too little (was: {cases.get('JP-1', {}).get('facts', {}).get('delta')})")
want(cases.get("KW-1", {}).get("facts", {}).get("delta") == {"minor": 4, "currency": "KWD"}, f"KW-1: 0.004 KWD too much (was: {cases.get('KW-1', {}).get('facts', {}).get('delta')})")
end()
