"""MariaDB server of one's own, for as long as a test run or a benchmark needs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql


def programs() -> tuple[str, str] | None:
    """The server and what prepares its folder; None: MariaDB is not installed."""
    server = shutil.which("mariadbd") or shutil.which("mysqld")
    install = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    return None if server is None or install is None else (server, install)


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """The socket of a fresh server, whose files stand in the folder."""
    found = programs()
    assert found is not None, "MariaDB is not installed"
    server, install = found
    data, socket = folder / "data", folder / "s.sock"
    who = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            *who,
        ],
        check=True,
        capture_output=True,
    )
    options = [f"--datadir={data}", f"--socket={socket}", "--skip-networking", "--skip-log-bin"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [server, "--no-defaults", *options, *who], stderr=log, stdout=log
        )
    try:
        _wait(process, folder / "log")
        yield socket
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while "ready for connections" not in log.read_text(errors="replace"):
        assert process.poll() is None, "mariadbd ended"
        assert time.monotonic() < end, "mariadbd did not answer"
        time.sleep(0.05)


def empty(socket: Path) -> str:
    """The address of an empty database."""
    connection = pymysql.connect(unix_socket=str(socket), user="root")
    with connection, connection.cursor() as cursor:
        cursor.execute("drop database if exists laden")
        cursor.execute("create database laden")
    return f"mysql+pymysql://root@localhost/laden?unix_socket={socket}"
