"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

def serve(answers):
    """A small HTTP server on a port of its own: {path: function(wfile)}; gives the port."""
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            line = self.rfile.readline().decode("latin-1").split(" ")
            while self.rfile.readline().strip():
                pass
            if len(line) < 2:
                return
            try:
                answers.get(line[1].split("?")[0], nothing)(self.wfile)
            except OSError:
                pass
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]

def answer(body, status="200 OK", kind="application/json"):
    body = body if isinstance(body, bytes) else body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    def send(out):
        out.write(head.encode() + body)
    return send

nothing = answer("nope", "404 Not Found", "text/plain")

from bot.cli.stack import stack
from sandbox.drills.hands import Slack

def texts(message):
    found = [message.get("text", "")]
    def walk(part):
        if isinstance(part, dict):
            if isinstance(part.get("text"), str):
                found.append(part["text"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)
    walk(message.get("blocks") or [])
    return " | ".join(found)

def change(data):
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}

port = serve({"/": answer("boom", "500 Oops")})
def changed(data):
    change(data)
    data["checks"] = [{"name": n, "kind": "http_probe", "every": 5, "url": f"http://127.0.0.1:{port}/", "service": n} for n in ("search", "newsletter", "storefront")]
with stack(WORK, shop_options=("--rate", "0"), change=changed, bot_options=("--control", "0")) as run:
    slack = Slack(run.slack_url)
    for _ in range(6):
        run.advance(5)
    time.sleep(4)
    cards = [texts(m) for m in slack.messages("U0MEI", "C0INCIDENTS") if "SEV" in m["text"]]
    want(len(cards) == 3, f"three incidents (was: {len(cards)})")
    for name in ("search", "newsletter", "storefront"):
        want(any(name in card for card in cards), f"a card names {name}")
end()
