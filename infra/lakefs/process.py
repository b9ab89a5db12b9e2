"""The front door for other layers: start the embedded server, or find the one that runs."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.lakefs import lock
from infra.lakefs.errors import StoreError

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server, and the keys that clients need."""

    root: Path
    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    pid: int
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    def stop(self) -> None:
        """End it in order; what was acknowledged is on disk already."""
        if self._serves():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        self.wait()

    def wait(self) -> None:
        """Wait until its process is gone, however it ends."""
        if self._child:
            self._child.wait(_STOP_SECONDS)
        deadline = time.monotonic() + _STOP_SECONDS
        # It lets go of the folder a moment before SQLite folds the last of its log away.
        while (self._serves() or not _gone(self.pid)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _serves(self) -> bool:
        holder = lock.holder(self.root)
        return holder is not None and holder.pid == self.pid


def _gone(pid: int) -> bool:
    """Whether a process has ended; one of ours that has is let go of."""
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def find(root: Path) -> Server | None:
    """The live server of a folder, or None."""
    root = root.resolve()
    holder = lock.holder(root)
    if holder is None:
        return None
    return Server(root, holder.endpoint, holder.access_key, holder.secret_key, holder.pid)


def start(
    root: Path,
    *,
    port: int = 0,
    presign: bool = False,
    log: Path | None = None,
    idle_exit_seconds: float | None = None,
) -> Server:
    """The live server of a folder, started if there is none; it outlives the caller.

    Args:
        root: The folder; made if it is missing.
        port: Where a new server listens; 0 takes a free port.
        presign: Whether a new server offers pre-signed URLs.
        log: File that a new server appends its messages to.
        idle_exit_seconds: A new server ends when no request came for so long.

    Raises:
        StoreError: It did not come up; the message has its last words.
    """
    root = root.resolve()
    running = find(root)
    if running:
        return running
    root.mkdir(parents=True, exist_ok=True)
    log = log or root / "server.log"
    command = [sys.executable, "-m", "infra.lakefs", "serve", "--root", str(root)]
    command += ["--port", str(port), *(["--presign"] if presign else [])]
    command += [] if idle_exit_seconds is None else ["--idle-exit", str(idle_exit_seconds)]
    with open(log, "ab", opener=_private) as output:
        begin = output.tell()
        child = subprocess.Popen(  # noqa: S603 - our own module with our own arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _search_path()},
        )
    return _await(root, child, log, begin)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _search_path() -> str:
    """The child finds this package where its parent did, installed or not."""
    here = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))


def _await(root: Path, child: subprocess.Popen[bytes], log: Path, begin: int) -> Server:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        gone = child.poll() is not None
        running = find(root)
        if running and running.pid == child.pid:
            return replace(running, _child=child)
        # Somebody else may have been faster, and be about to say where.
        if gone and running:
            return running
        if gone and not lock.is_held(root):
            break
        time.sleep(_POLL_SECONDS)
    child.kill()
    words = log.read_bytes()[begin:].decode(errors="replace").strip()
    raise StoreError(f"the embedded lakeFS server for {root} did not start: {words or 'no word'}")
