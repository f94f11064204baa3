"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

import pathlib as _p
for name, what in (("two-blocks", "two blocks of checks"), ("twice", "every twice"), ("sexagesimal", "48:30 hours"), ("octal", "010 and yes as status words"), ("every", "every: 0100")):
    config(f"{name}.yaml")
    done = muster("check", "--json", "--config", "muster.yaml")
    want(done.returncode == 2 and "muster.yaml" in done.stderr and not done.stdout.strip(), f"{what}: refused with a sentence (was: exit {done.returncode}, {done.stdout[:60]!r})")
end()
