"""Start until ready (warm) and resident memory 60 s after it, of the real bot as a process.

`python -m benchmarks.start [--runs 5] [--seconds 60]` prints medians. Goals: 1.5 s, 120 MB.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import prepare, resident_mb, write_json
from bot.cli.stack import stack

# What nobody who builds on them can start faster than: measured in the same run.
_PACKAGES = (
    "sqlalchemy.orm, sqlalchemy.dialects.sqlite, slack_bolt.async_app, aiohttp.web, "
    "apscheduler.schedulers.asyncio, httpx, jinja2"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    starts: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        stack(Path(folder), shop_options=("--rate", "12"), with_bot=False) as running,
    ):
        running.start_bot().stop()  # warm: bytecode, schema
        packages: list[float] = []
        for _ in range(options.runs):
            packages.append(importing(_PACKAGES))
            began = time.monotonic()
            program = running.start_bot()
            starts.append(time.monotonic() - began)
            program.stop()
        program = running.start_bot()
        time.sleep(options.seconds)
        memory = resident_mb(program.process.pid)
    print(
        f"start until ready: median {statistics.median(starts):.2f} s "
        f"({min(starts):.2f}–{max(starts):.2f}, {len(starts)} runs), "
        f"a Python that imports its packages and ends: {statistics.median(packages):.2f} s; "
        f"resident {options.seconds:.0f} s after start: {memory:.0f} MB"
    )
    write_json(
        options.json,
        {
            "start_s": statistics.median(starts),
            "starts": starts,
            "packages_s": statistics.median(packages),
            "memory_mb": memory,
        },
    )


def importing(names: str) -> float:
    """Seconds that a new process takes to import them, without looking for garbage."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", f"import gc; gc.disable(); import {names}"], check=True)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
