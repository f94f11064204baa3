"""Judging of cases: public bug reports, each judged from outside by the command line (`check.py`).

A case is its folder: what was reported and what is right (`case.md`), its input, and a judge that
exits with 0 for the right result and 1 where the fault is there. This is what the judges share.
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

HERE = pathlib.Path(sys.argv[0]).resolve().parent
MUSTER = [sys.executable, "-m", "bot.cli"]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="case-"))
PROBLEMS: list[str] = []


def want(holds: object, what: str) -> None:
    sys.stdout.write(("holds  " if holds else "FAILS  ") + what + "\n")
    sys.stdout.flush()
    if not holds:
        PROBLEMS.append(what)


def database(name: str = "shop.sql", to: str = "shop.db") -> pathlib.Path:
    """The case's shop, as SQLite."""
    path = WORK / to
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.executescript((HERE / name).read_text("utf-8"))
    return path


def config(name: str = "muster.yaml", **words: object) -> None:
    """The case's configuration, with {WORDS} put in."""
    text = (HERE / name).read_text("utf-8").replace("{DIR}", str(WORK))
    for key, value in words.items():
        text = text.replace("{" + key + "}", str(value))
    (WORK / "muster.yaml").write_text(text, "utf-8")


def muster(
    *arguments: str, env: dict[str, str] | None = None, timeout: float = 120
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*MUSTER, *arguments],
        cwd=WORK,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "COLUMNS": "160", **(env or {})},
    )


def check() -> dict[str, dict]:  # type: ignore[type-arg]
    """What each check says, by its name, as JSON."""
    done = muster("check", "--json", "--config", "muster.yaml")
    try:
        return {one["check"]: one for one in json.loads(done.stdout)}
    except ValueError:
        sys.stdout.write(done.stdout[-500:] + done.stderr[-1500:])
        raise SystemExit(1) from None


def found(result: dict) -> list[str]:  # type: ignore[type-arg]
    return [one["type"] for one in result["findings"]]


def keys(result: dict) -> list[str]:  # type: ignore[type-arg]
    return sorted(case["key"] for one in result["findings"] for case in one["cases"])


Answer = Callable[[Any], object]


def answer(body: str | bytes, status: str = "200 OK", kind: str = "application/json") -> Answer:
    """One HTTP answer, as a function that writes it."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}")
    head = "\r\n".join((*lines, "Connection: close", "", ""))

    def send(out: Any) -> None:
        out.write(head.encode() + body)

    return send


nothing = answer("nope", "404 Not Found", "text/plain")


def serve(answers: Mapping[str, Answer]) -> int:
    """A small HTTP server on a port of its own: {path: function(wfile)}; gives the port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode("latin-1").split(" ")
            while self.rfile.readline().strip():
                pass
            if len(line) < 2:
                return
            with contextlib.suppress(OSError):
                answers.get(line[1].split("?")[0], nothing)(self.wfile)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def end() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(1 if PROBLEMS else 0)


__all__ = [
    "HERE", "MUSTER", "PROBLEMS", "WORK", "answer", "check", "config", "database", "end", "found",
    "json", "keys", "muster", "nothing", "os", "pathlib", "serve", "shutil", "socket",
    "socketserver", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "want",
]  # fmt: skip
