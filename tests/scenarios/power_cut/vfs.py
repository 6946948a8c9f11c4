"""A layer beneath SQLite: passes on every write and sync, and keeps what no sync has covered.  Knows no SQL.

It registers a copy of the default VFS whose files write, truncate and sync through here; everything else is SQLite's
own.  (https://www.sqlite.org/vfs.html; the layout of these structures is part of SQLite's stable interface.)
"""

import _sqlite3
import ctypes
import os
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p, cast
from pathlib import Path

from tests.scenarios.power_cut.disk import MAIN, NAMES, ROLLBACK, WAL, encode
from tests.scenarios.power_cut.moments import Blade

KINDS = {0x100: MAIN, 0x800: ROLLBACK, 0x80000: WAL}  # SQLITE_OPEN_MAIN_DB, _MAIN_JOURNAL, _WAL
OK = 0

Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
Read = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
Sync = CFUNCTYPE(c_int, c_void_p, c_int)
FileSize = CFUNCTYPE(c_int, c_void_p, POINTER(c_int64))


def pointers(*names: str) -> list[tuple[str, type]]:
    return [(name, c_void_p) for name in names]


class Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = [
        ("version", c_int),
        *pointers("close", "read", "write", "truncate", "sync", "file_size", "lock", "unlock", "check_reserved_lock"),
        *pointers("file_control", "sector_size", "device_characteristics"),
        *pointers("shm_map", "shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch"),
    ]


class OpenFile(ctypes.Structure):
    """sqlite3_file: the head that all have."""

    _fields_ = [("methods", POINTER(Methods))]


class Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = [
        ("version", c_int),
        ("file_bytes", c_int),
        ("max_pathname", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        *pointers("app_data", "open", "delete", "access", "full_pathname", "dl_open", "dl_error", "dl_sym", "dl_close"),
        *pointers("randomness", "sleep", "current_time", "last_error", "current_time_int64"),
        *pointers("set_system_call", "get_system_call", "next_system_call"),
    ]


class Journal:
    """What was written to one file since its last sync: the bytes that were there before, and the length."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)

    def add(self, offset: int, written: int, size_before: int, old: bytes) -> None:
        """This is about to be overwritten."""
        os.write(self._handle, encode(offset, written, size_before, old))

    def covered(self) -> None:
        """A sync has returned."""
        os.ftruncate(self._handle, 0)


class WatchedFiles:
    """The methods of the files of one kind: SQLite's own, but for three."""

    def __init__(self, own: Methods, kind: str, journal: Journal, blade: Blade) -> None:
        self._read, self._file_size = cast(own.read, Read), cast(own.file_size, FileSize)
        self._write, self._truncate = cast(own.write, Write), cast(own.truncate, Truncate)
        self._sync = cast(own.sync, Sync)
        self._name, self._journal, self._blade = NAMES[kind], journal, blade
        self._kept = Write(self.write), Truncate(self.truncate), Sync(self.sync)
        self.methods = Methods.from_buffer_copy(own)
        for name, function in zip(("write", "truncate", "sync"), self._kept, strict=True):
            setattr(self.methods, name, cast(function, c_void_p))

    def write(self, file: int, data: int, length: int, offset: int) -> int:
        self._blade.at(f"before a write to the {self._name}")
        size = self._size(file)
        self._journal.add(offset, length, size, self._content(file, offset, min(length, size - offset)))
        return int(self._write(file, data, length, offset))

    def truncate(self, file: int, length: int) -> int:
        self._blade.at(f"before a write to the {self._name}")
        size = self._size(file)
        self._journal.add(length, 0, size, self._content(file, length, size - length))
        return int(self._truncate(file, length))

    def sync(self, file: int, flags: int) -> int:
        self._blade.at(f"before a sync of the {self._name}")
        result = int(self._sync(file, flags))
        if result == OK:
            self._journal.covered()
        self._blade.at(f"after a sync of the {self._name}")
        return result

    def _size(self, file: int) -> int:
        size = c_int64()
        self._file_size(file, ctypes.byref(size))
        return size.value

    def _content(self, file: int, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        buffer = ctypes.create_string_buffer(length)
        assert self._read(file, ctypes.addressof(buffer), length, offset) == OK
        return buffer.raw


class Layer:
    """The VFS, by its ``name``; as long as it is registered, somebody must hold it."""

    def __init__(self, traces: Path, blade: Blade) -> None:
        self._library = library()
        own = self._library.sqlite3_vfs_find(None).contents
        self._own_open = cast(own.open, Open)
        self._blade = blade
        self._journals = {kind: Journal(traces / f"{kind}.unsynced") for kind in NAMES}
        self._files: dict[str, WatchedFiles] = {}
        self._open = Open(self.open)
        self._vfs = Vfs.from_buffer_copy(own)
        self.name = f"watched-{id(self)}"
        self._vfs.name, self._vfs.next = self.name.encode(), None
        self._vfs.open = cast(self._open, c_void_p)

    def register(self, *, default: bool = True) -> None:
        """From now on, this is how SQLite opens files; not by default: those that ask for it by name."""
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), default) == OK

    def unregister(self) -> None:
        """No more files; those that are open must be closed."""
        assert self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs)) == OK

    def open(self, vfs: int, name: int, file: int, flags: int, flags_out: int) -> int:
        result = int(self._own_open(vfs, name, file, flags, flags_out))
        kind = next((kind for flag, kind in KINDS.items() if flags & flag), None)
        if result == OK and kind is not None:
            head = cast(file, POINTER(OpenFile)).contents
            watched = self._files.get(kind) or self._watch(head.methods.contents, kind)
            head.methods = ctypes.pointer(watched.methods)
        return result

    def _watch(self, own: Methods, kind: str) -> WatchedFiles:
        self._files[kind] = WatchedFiles(own, kind, self._journals[kind], self._blade)
        return self._files[kind]


def library() -> ctypes.CDLL:
    """The SQLite that Python itself uses.

    Raises:
        RuntimeError: it is built in where it cannot be reached.

    """
    found = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    try:
        found.sqlite3_vfs_find.argtypes, found.sqlite3_vfs_find.restype = [c_char_p], POINTER(Vfs)
        found.sqlite3_vfs_register.argtypes, found.sqlite3_vfs_register.restype = [POINTER(Vfs), c_int], c_int
        found.sqlite3_vfs_unregister.argtypes, found.sqlite3_vfs_unregister.restype = [POINTER(Vfs)], c_int
    except AttributeError:
        raise RuntimeError("this Python has SQLite built in out of reach; use one that links libsqlite3") from None
    return found
