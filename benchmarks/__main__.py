"""All benchmarks in one run, and the table of `docs/benchmarks.md`.

    python -m benchmarks                 # about an hour; writes the table
    python -m benchmarks --quick         # about 10 minutes; prints it
    python -m benchmarks --only start ack

Each benchmark is a process of its own, one after the other, so that none is in another's memory or
in its way. A missed goal is a row of the table. The exit code is 0 if every goal is met, 3 if one
was missed, 1 if something was lost, doubled or not measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import conditions, database_of, postgres_version, prepare
from benchmarks.report import Found, document, table

MISSED = 3
DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Part:
    """A benchmark, its arguments, and those of a short run."""

    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


PARTS = {
    "start": Part("start", quick=("--runs", "2", "--seconds", "10")),
    "probe": Part("probe", quick=("--runs", "1")),
    "blackbox": Part("blackbox", quick=("--seconds", "40")),
    "ack": Part("ack", quick=("--bursts", "2")),
    "ack_postgres": Part("ack", ("--postgres",), quick=("--bursts", "2")),
    "ack_real": Part("ack", ("--real",), quick=("--bursts", "2")),
    "declare": Part("declare", quick=("--incidents", "4", "--at-once", "10")),
    "declare_postgres": Part(
        "declare", ("--postgres",), quick=("--incidents", "4", "--at-once", "10")
    ),
    "settle": Part("settle", quick=("--runs", "1")),
    "bulk": Part("bulk", quick=("--runs", "1", "--phase", "15")),
    "backlog": Part("backlog", quick=("--quick",)),
    "backlog_postgres": Part("backlog", ("--postgres",), quick=("--quick",)),
    "sustained": Part("sustained", quick=("--minutes", "0.5")),
    "sustained_postgres": Part("sustained", ("--postgres",), quick=("--minutes", "0.5")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short runs; prints the table")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    found: Found = {name: measured(PARTS[name], options.quick) for name in options.only}
    with database_of(postgres=True) as url:
        given = conditions() | {"PostgreSQL": postgres_version(url)}
    rows = table(found)
    text = document(rows, given, quick=options.quick)
    if options.json:
        options.json.write_text(json.dumps({"conditions": given, "found": found}, indent=2))
    if options.quick or list(options.only) != list(PARTS):
        print(text)
    else:
        write(text)
    if any(row.broken for row in rows):
        sys.exit(1)
    sys.exit(0 if all(row.met for row in rows) else MISSED)


def measured(part: Part, quick: bool) -> dict[str, Any] | None:
    """What the benchmark found; None: it did not come to its end."""
    print(f"\n— {part.module} {' '.join(part.arguments)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        command = [sys.executable, "-m", f"benchmarks.{part.module}", *part.arguments]
        command += [*(part.quick if quick else ()), "--json", str(out)]
        process = subprocess.Popen(command)
        try:
            process.wait()
        finally:
            process.terminate()  # where we are told to end: it then stops what it has started
            process.wait()
        return json.loads(out.read_text("utf-8")) if out.exists() else None


def write(text: str) -> None:
    """Between the markers of the document; what stands around them is left as it is."""
    begin, end = "<!-- figures -->", "<!-- end of figures -->"
    before, _, rest = DOCUMENT.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")
    print(f"written to {DOCUMENT}")


if __name__ == "__main__":
    main()
