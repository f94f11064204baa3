"""ClickHouse server of one's own: the in-process engine behind ClickHouse's own HTTP interface.

    python -m tests.clickhouse_server      (prints its port, ends with its standard input)

What the driver sends is a query with its settings, each request alone; what comes back is what the
engine says. So the address, the driver and the settings are those of a shop's real server.
"""

from __future__ import annotations

import base64
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb

_ENGINE = ":memory:"
NARROW = "narrow"  # an account that may read and say no settings
# What is the transport's own, and no setting of the query.
_TRANSPORT = {
    "query", "database", "query_id", "session_id", "session_timeout", "session_check", "compress",
    "decompress", "wait_end_of_query", "client_protocol_version", "buffer_size", "role",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "enable_http_compression", "quota_key", "default_format",
    "cancel_http_readonly_queries_on_client_close",
}  # fmt: skip


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        told = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sql = "\n".join(one for one in (told.get("query", ""), body.decode()) if one)
        agents.append(self.headers.get("User-Agent", ""))
        try:
            self._answer(200, _run(sql, told, self._user()))
        except Exception as error:
            self._answer(500, str(error).encode())

    def do_GET(self) -> None:
        self._answer(200, "\n".join(agents).encode())  # who has asked

    def _user(self) -> str:
        told = self.headers.get("Authorization", "").removeprefix("Basic ")
        return base64.b64decode(told).decode().partition(":")[0]

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


agents: list[str] = []
_one = threading.Lock()
_sessions: dict[tuple[object, ...], chdb.Connection] = {}


def _run(sql: str, told: dict[str, str], user: str) -> bytes:
    """One query with its settings: those who ask with the same ones share a session."""
    settings = {k: v for k, v in told.items() if k not in _TRANSPORT and k[:6] != "param_"}
    database = told.get("database", "")
    asked = (user, database, *sorted(settings.items()))
    with _one:
        handle = _sessions.get(asked)
        if handle is None:
            handle = chdb.connect(_ENGINE)
            if user == NARROW:  # as the profile of an account says it
                handle.query("SET readonly = 1")
            for name, value in settings.items():
                handle.query(f"SET {name} = '{value}'")
            if database:
                handle.query(f"USE `{database}`")
            _sessions[asked] = handle
        return bytes(handle.query(sql, "TabSeparated").bytes() or b"")


def main() -> None:
    keeps = chdb.connect(_ENGINE)  # the data is there as long as somebody is connected
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Asked)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)  # noqa: T201 - read by who started it
    sys.stdin.read()
    server.shutdown()
    for handle in (*_sessions.values(), keeps):
        handle.close()


if __name__ == "__main__":
    main()
