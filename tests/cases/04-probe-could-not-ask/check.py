"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

database()
answers = {"/t401": answer('{"error": {"message": "expired"}}', "401 Unauthorized"), "/t429": answer("{}", "429 Too Many")}
port = serve(answers)
for what, control, url in (("401", f"http://127.0.0.1:{port}", "/t401"), ("404", f"http://127.0.0.1:{port}", "/gone"), ("429", f"http://127.0.0.1:{port}", "/t429"),
                           ("plain http to another host", "http://shop.internal", "/x"), ("mistyped template", f"http://127.0.0.1:{port}", "/x/{{ params.chanel }}"), ("control door closed", "http://127.0.0.1:9", "/x")):
    config(CONTROL=control, LOOK=url)
    result = check()["pay"]
    want(not result["findings"], f"{what}: 40 of 40 payments go through, so no payment_channel_down (was: {found(result)}, {result['figures']})")
end()
