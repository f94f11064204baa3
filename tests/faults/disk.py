"""A disk that is full or gone, under SQLite's own feet.

SQLite lets its system calls be replaced, for tests like these (xSetSystemCall of the unix VFS). So
the library itself meets ENOSPC or EIO and answers as it would on such a disk; the product knows
nothing of it. Only files below the given path are concerned.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_POINTER = ctypes.c_void_p
_BEFORE_SET = ("open", "delete", "access", "full", "dlopen", "dlerror", "dlsym", "dlclose")
_AFTER = ("randomness", "sleep", "time", "error", "time64")


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3 (sqlite3.h)."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest", ctypes.c_int),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("data", _POINTER),
        *((name, _POINTER) for name in (*_BEFORE_SET, *_AFTER)),
        ("set_call", ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER)),
        ("get_call", ctypes.CFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)),
    ]


_READ = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_int64, use_errno=True
)
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, use_errno=True)
_WRITES, _READS = (b"pwrite", b"pwrite64"), (b"pread", b"pread64")


def _vfs() -> Any:
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    return library.sqlite3_vfs_find(None).contents


def _below(folder: str, descriptor: int) -> bool:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(folder)
    except OSError:
        return False


def _failing(kind: Any, original: int, hit: Callable[..., bool], code: int) -> Any:
    call = kind(original)

    def instead(*arguments: Any) -> int:
        if hit(arguments[0]):
            ctypes.set_errno(code)
            return -1
        return int(call(*arguments))

    return kind(instead)


@contextmanager
def bad_disk(path: Path, *, gone: bool, when: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """For the length of the block nothing can be written at `path`; `gone`: nor read or opened.

    `when`: asked at each call, for a disk that comes and goes within the block.
    """
    vfs, folder = _vfs(), str(path)
    encoded = os.fsencode(folder)

    def is_ours(descriptor: int) -> bool:
        return when() and _below(folder, descriptor)

    wanted = [(name, _READ, is_ours, errno.EIO if gone else errno.ENOSPC) for name in _WRITES]
    if gone:
        wanted += [(name, _READ, is_ours, errno.EIO) for name in _READS]
        wanted.append(
            (b"open", _OPEN, lambda name: when() and name.startswith(encoded), errno.ENOENT)  # type: ignore[list-item]
        )
    kept = []
    address = ctypes.addressof(vfs)
    for name, kind, hit, code in wanted:
        original = vfs.get_call(address, name)
        if original:
            replacement = _failing(kind, original, hit, code)
            kept.append((name, original, replacement))
            vfs.set_call(address, name, ctypes.cast(replacement, _POINTER))
    try:
        yield
    finally:
        for name, original, _ in kept:
            vfs.set_call(address, name, original)
