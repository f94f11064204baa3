"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

def drip(head):
    def send(out):
        out.write(head); out.flush()
        for _ in range(600):
            out.write(b"X-A: b\r\n" if head.endswith(b"OK\r\n") else b"x"); out.flush(); time.sleep(1)
    return send
port = serve({"/body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), "/head": drip(b"HTTP/1.1 200 OK\r\n"), "/hang": lambda out: time.sleep(600)})
for path, limits in (("/body", ""), ("/head", ""), ("/hang", ", timeout: 45"), ("/hang", ", timeout: 10, deadline: 2")):
    config(PORT=port, PATH=path, LIMITS=limits)
    done = muster("check", "--json", "--config", "muster.yaml")
    refused = done.returncode == 2 and "deadline" in done.stderr and not done.stdout.strip()
    result = json.loads(done.stdout)[0] if done.stdout.strip() else None
    want(refused or (result and result["findings"] and result["findings"][0]["facts"]["error"] == "timeout"), f"{path}{limits}: a finding “timeout”, or refused with a sentence (was: {result and result['error']})")
end()
