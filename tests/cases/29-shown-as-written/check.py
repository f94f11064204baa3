"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

database(); config()
done = muster("check", "--config", "muster.yaml")
for word in ("EU[red]-1", "A[/]2", "shop [eu/west]", "B[/b]-3"):
    want(word in done.stdout, f"{word} is shown as written")
want("Traceback" not in done.stderr, f"no traceback (was: {done.stderr.strip().splitlines()[-1:]})")
end()
