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

for body in ("[]", '{"servers": null}', '{"servers": ["primary", "standby"]}', '"ok"', '{"servers": {"primary": {}}}'):
    port = serve({"/health": answer("boom", "500 Oops"), "/servers": answer(body)})
    config(PORT=port)
    result = check()["store"]
    want(found(result) == ["system_crash"], f"servers → {body}: the outage is found (was: {result['error']})")
end()
