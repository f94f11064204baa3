"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

for body in ("[]", '{"servers": null}', '{"servers": ["primary", "standby"]}', '"ok"', '{"servers": {"primary": {}}}'):
    port = serve({"/health": answer("boom", "500 Oops"), "/servers": answer(body)})
    config(PORT=port)
    result = check()["store"]
    want(found(result) == ["system_crash"], f"servers → {body}: the outage is found (was: {result['error']})")
end()
