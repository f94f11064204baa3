"""The product with something added: a copy of its source, and a service of the shop's own."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = "actions bot checks handlers incidents message_templates plan sandbox storage"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the product's packages, to which a test adds."""
    made = tmp_path / "source"
    for package in PACKAGES.split():
        shutil.copytree(
            ROOT / package, made / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "manifest.yml", made)
    return made


def environment_of(source: Path) -> dict[str, str]:
    """In which a program runs from the copy, and not from where the tests run."""
    return {"PYTHONPATH": str(source), "PYTHONSAFEPATH": "1"}


@dataclass
class Service:
    """An HTTP service: what was sent to it, and what it answers to a GET."""

    url: str
    got: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)
    shows: Any = None


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(size)
            body = json.loads(raw) if raw else None
            if self.command != "GET":
                made.got.append((self.command, self.path, body, dict(self.headers)))
                made.shows = body
            text = json.dumps(made.shows or {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names that the library asks for

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
