"""Files written whole or not at all, and what happens when there is no room for them."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from threading import get_ident

from assets.ingestion.errors import ArrivalChanged, DiskFull

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `path` when the block ends without an error.

    Raises:
        DiskFull: there is no room; what was written is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.partial")
    try:
        with room_below(path.parent):
            yield partial
            partial.replace(path)
    finally:
        remove(partial)


@contextmanager
def room_below(folder: Path, needed_bytes: int | None = None) -> Iterator[None]:
    """Say so plainly when what is written below a folder finds no room.

    Raises:
        DiskFull: before the block where `needed_bytes` are not free, or out of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed_bytes is not None and free < needed_bytes:
        raise DiskFull(folder, free, needed_bytes)
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        raise DiskFull(folder, shutil.disk_usage(folder).free, needed_bytes) from error


def copy_verified(source: Path, target: Path, sha256: str) -> None:
    """Copy a file byte for byte; what is read from the copy cannot change any more.

    Raises:
        ArrivalChanged: the file does not have this digest, or is gone.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        raise ArrivalChanged(source, sha256, None) from None
    with target.open("rb") as copy:
        actual = file_digest(copy, "sha256").hexdigest()
    if actual != sha256:
        raise ArrivalChanged(source, sha256, actual)


def remove(path: Path) -> None:
    """Delete a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_full(error: Exception) -> bool:
    if isinstance(error, DiskFull):
        return False
    # polars tells of a full disk in words only.
    return getattr(error, "errno", None) in NO_ROOM or "(os error 28)" in str(error)
