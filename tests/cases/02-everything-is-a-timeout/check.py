"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

port = serve({"/ok": answer("{}")})
free = socket.socket(); free.bind(("127.0.0.1", 0)); closed = free.getsockname()[1]; free.close()
for what, url in (("closed port", f"http://127.0.0.1:{closed}/"), ("no such name", "http://no-such-host.invalid/")):
    config(URL=url)
    facts = check()["store"]["findings"][0]["facts"]
    want(facts["error"] != "timeout", f"{what}: not called a timeout (was: {facts['error']}, {facts['latency_ms']} ms)")
    want(facts["latency_ms"] != 25000, f"{what}: no invented latency")
end()
