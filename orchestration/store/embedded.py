"""The one place that starts the embedded lakeFS server; elsewhere it is a server like any other."""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from infra.lakefs import gc, process
from infra.lakefs.errors import StoreError
from orchestration.errors import EmbeddedLakeFSFailed
from orchestration.store.connection import Endpoint

# So long that a person's next command finds it warm, short enough that none is left behind.
IDLE_SECONDS = 300.0


def endpoint_of(folder: Path, *, idle_exit_seconds: float | None = IDLE_SECONDS) -> Endpoint:
    """The server of a folder, started if none runs there; it outlives the caller.

    Args:
        folder: Where its data is.
        idle_exit_seconds: A server that is started here ends when nobody asked for so long; None
            stays until it is stopped.

    Raises:
        EmbeddedLakeFSFailed: it did not start.
    """
    try:
        server = process.start(folder, idle_exit_seconds=idle_exit_seconds)
    except (StoreError, OSError) as error:
        raise EmbeddedLakeFSFailed(folder, str(error)) from error
    return Endpoint(server.endpoint, server.access_key, server.secret_key)


def running(folder: Path) -> bool:
    """Whether a server serves a folder now."""
    return process.find(folder) is not None


def collect(folder: Path, *, dry_run: bool) -> dict[str, int]:
    """Remove what nothing needs from a folder that no server serves; what was removed.

    Raises:
        EmbeddedLakeFSFailed: a server has the folder, or it is no store of this version.
    """
    try:
        return asdict(gc.collect(folder, dry_run=dry_run))
    except StoreError as error:
        raise EmbeddedLakeFSFailed(folder, str(error)) from error


def stop(folder: Path) -> bool:
    """End the server of a folder in order; False where none runs."""
    server = process.find(folder)
    if server is not None:
        server.stop()
    return server is not None


def check(folder: Path) -> tuple[int, str]:
    """Exit status and JSON report of the server's own check of everything it stores."""
    command = [sys.executable, "-m", "infra.lakefs", "check", "--json", "--root", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(  # noqa: S603 - our own module with our own arguments
        command, capture_output=True, text=True, check=False, env=environment
    )
    return ran.returncode, (ran.stdout or ran.stderr).strip()
