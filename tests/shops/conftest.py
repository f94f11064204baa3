"""A MariaDB server for the shops that keep their orders there."""

from __future__ import annotations

from tests.checks.conftest import mariadb_socket, mariadb_url

__all__ = ["mariadb_socket", "mariadb_url"]
