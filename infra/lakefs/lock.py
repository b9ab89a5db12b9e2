"""One server per folder: who has it, and where it listens."""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from infra.lakefs.errors import StoreError

FILE = "server.json"
_LOCK = "server.lock"
_TRIES, _TRY_SECONDS = 5, 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that serves a folder, and the keys it takes."""

    pid: int
    endpoint: str
    access_key: str
    secret_key: str


class FolderLock:
    """Held as long as the process lives; the system lets go of it when the process dies."""

    def __init__(self, root: Path) -> None:
        """Take the lock.

        Raises:
            StoreError: Another process has it.
        """
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._file = _open(root)
        if not _lock(self._file):
            self._file.close()
            raise StoreError(_taken(root))
        (root / FILE).unlink(missing_ok=True)

    def announce(self, endpoint: str, access_key: str, secret_key: str) -> None:
        """Write down where the server listens and how to get in, mode 0600."""
        here = Holder(os.getpid(), endpoint, access_key, secret_key)
        new = self._root / f"{FILE}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(here), file)
        new.rename(self._root / FILE)

    def release(self) -> None:
        """Let another process have the folder."""
        (self._root / FILE).unlink(missing_ok=True)
        self._file.close()


def holder(root: Path) -> Holder | None:
    """The live server of a folder that has said where it listens, or None."""
    if not is_held(root):
        return None
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Holder(**json.loads((root / FILE).read_text()))
    return None


def is_held(root: Path) -> bool:
    """Whether a live process has the folder."""
    if not (root / _LOCK).exists():
        return False
    with _open(root) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock(file: IO[str]) -> bool:
    """Take the lock; whoever only looks (`is_held`) has it for a moment."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TRY_SECONDS)
        else:
            return True
    return False


def _open(root: Path) -> IO[str]:
    return os.fdopen(os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")


def _taken(root: Path) -> str:
    try:
        found = Holder(**json.loads((root / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return f"{root} is in use by another process that has not said its address yet."
    return (
        f"{root} is served by process {found.pid} at {found.endpoint}."
        " Use that server, or stop it first."
    )
