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

port = serve({"/big": answer("<html>" + "a" * 400_000 + "<footer>Formosa Goods</footer></html>", kind="text/html"),
              "/big5": answer("<html><title>首頁</title></html>".encode("big5"), kind="text/html; charset=Big5"),
              "/utf16": answer("<html>首頁</html>".encode("utf-16"), kind="text/html; charset=utf-16")})
for path, word in (("/big", "Formosa Goods"), ("/big5", "首頁"), ("/utf16", "首頁")):
    config(PORT=port, PATH=path, WORD=word)
    result = check()["store"]
    want(not result["findings"], f"{path} holds “{word}”: no finding (was: {[f['facts']['error'] for f in result['findings']]})")
end()
