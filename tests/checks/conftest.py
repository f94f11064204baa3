"""A MariaDB server of the tests' own, for shops that keep their orders there."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest


@pytest.fixture(scope="session")
def mariadb_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a fresh server; the test counts as not run where MariaDB is not installed."""
    server = shutil.which("mariadbd") or shutil.which("mysqld")
    install = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    if server is None or install is None:
        if os.environ.get("MUSTER_REQUIRE_ALL"):
            pytest.fail("MariaDB is not installed, and MUSTER_REQUIRE_ALL is set")
        pytest.skip("not run: MariaDB is not installed")
    folder = tmp_path_factory.mktemp("mariadb")
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


@pytest.fixture
def mariadb_url(mariadb_socket: Path) -> str:
    """An empty database."""
    connection = pymysql.connect(unix_socket=str(mariadb_socket), user="root")
    with connection, connection.cursor() as cursor:
        cursor.execute("drop database if exists laden")
        cursor.execute("create database laden")
    return f"mysql+pymysql://root@localhost/laden?unix_socket={mariadb_socket}"
