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

port = serve({"/ok": answer("{}")})
free = socket.socket(); free.bind(("127.0.0.1", 0)); closed = free.getsockname()[1]; free.close()
for what, url in (("closed port", f"http://127.0.0.1:{closed}/"), ("no such name", "http://no-such-host.invalid/")):
    config(URL=url)
    facts = check()["store"]["findings"][0]["facts"]
    want(facts["error"] != "timeout", f"{what}: not called a timeout (was: {facts['error']}, {facts['latency_ms']} ms)")
    want(facts["latency_ms"] != 25000, f"{what}: no invented latency")
end()
