"""Files that outlive a power cut at any moment: what is there is whole, old or new.  Knows no content."""

from __future__ import annotations

import os
from pathlib import Path

UNFINISHED = ".new"


def keep(path: Path, content: bytes) -> None:
    """Put it in the place of what is there; nobody but this user may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + UNFINISHED)
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    rename(new, path)


def rename(path: Path, to: Path) -> None:
    """From here on it is this one."""
    path.replace(to)
    sync(to.parent)


def drop(path: Path) -> None:
    """It is gone, and stays so."""
    path.unlink(missing_ok=True)
    sync(path.parent)


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
