"""Headers with which a page of somebody else, in a browser of this machine, asks loopback."""

from __future__ import annotations

FOREIGN: list[dict[str, str]] = [
    {"Host": "rebound.example"},
    {"Host": "rebound.example:80"},
    {"Host": "127.0.0.1.rebound.example"},
    {"Host": "[::1"},
    {"Host": ""},
    {"Origin": "https://example.invalid"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
]
