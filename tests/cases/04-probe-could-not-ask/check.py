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

database()
answers = {"/t401": answer('{"error": {"message": "expired"}}', "401 Unauthorized"), "/t429": answer("{}", "429 Too Many")}
port = serve(answers)
for what, control, url in (("401", f"http://127.0.0.1:{port}", "/t401"), ("404", f"http://127.0.0.1:{port}", "/gone"), ("429", f"http://127.0.0.1:{port}", "/t429"),
                           ("plain http to another host", "http://shop.internal", "/x"), ("mistyped template", f"http://127.0.0.1:{port}", "/x/{{ params.chanel }}"), ("control door closed", "http://127.0.0.1:9", "/x")):
    config(CONTROL=control, LOOK=url)
    result = check()["pay"]
    want(not result["findings"], f"{what}: 40 of 40 payments go through, so no payment_channel_down (was: {found(result)}, {result['figures']})")
end()
