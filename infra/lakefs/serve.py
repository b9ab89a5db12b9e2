"""Runs the server: the folder's lock, its credentials, the socket, and an orderly end."""

import ipaddress
import logging
import math
import resource
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from infra.lakefs.api.app import App
from infra.lakefs.api.call import Context
from infra.lakefs.auth import Auth, Credentials, credentials
from infra.lakefs.errors import StoreError
from infra.lakefs.idle import Idle
from infra.lakefs.imports import Imports
from infra.lakefs.lock import FolderLock
from infra.lakefs.store import Store

_BACKLOG = 4096
_KEEP_ALIVE_SECONDS = 120
_SHUTDOWN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve.

    Attributes:
        host: Address to listen on; one that other machines can reach needs chosen credentials.
        port: 0 takes a free one.
        presign: Whether clients get URLs that need no credentials.
        access_log: Whether to write a line of JSON per request to stderr.
        import_roots: Folders that objects may be imported from.
        idle_exit_seconds: End in order when no request came for so long; None never ends.
    """

    host: str = "127.0.0.1"
    port: int = 0
    presign: bool = False
    access_log: bool = False
    import_roots: tuple[Path, ...] = ()
    idle_exit_seconds: float | None = None


def serve(root: Path, options: Options) -> None:
    """Serve a folder until a signal ends it.

    Raises:
        StoreError: The folder is in use, or the address may not be served.
    """
    root = root.resolve()
    lock = FolderLock(root)
    # uvicorn repeats the signal that ended it: by default that would skip the orderly end.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _exit)
    _log_to_stderr(access_log=options.access_log)
    _allow_many_connections()
    try:
        keys = credentials(root)
        _refuse_strangers(options.host, keys)
        listener = _listen(options.host, options.port)
        store = Store(root)
        lock.announce(_endpoint(listener), keys.access_key, keys.secret_key)
        _run(store, keys, listener, options)
    finally:
        lock.release()


class _Serving(uvicorn.Server):
    """uvicorn, and an orderly end when there was nothing to do for long enough."""

    def __init__(
        self, config: uvicorn.Config, idle: Idle, imports: Imports, idle_exit_seconds: float | None
    ) -> None:
        super().__init__(config)
        self._idle = idle
        self._imports = imports
        self._patience = math.inf if idle_exit_seconds is None else idle_exit_seconds

    async def on_tick(self, counter: int) -> bool:
        # uvicorn asks ten times a second whether to end.
        forsaken = self._idle.seconds() >= self._patience and not self._imports.any_running()
        return await super().on_tick(counter) or forsaken


def _run(store: Store, keys: Credentials, listener: socket.socket, options: Options) -> None:
    imports = Imports(store, tuple(path.resolve() for path in options.import_roots))
    idle = Idle()
    config = uvicorn.Config(
        App(Context(store, Auth(keys), imports, options.presign), idle),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        backlog=_BACKLOG,
    )
    try:
        _Serving(config, idle, imports, options.idle_exit_seconds).run(sockets=[listener])
    finally:
        imports.close()
        store.close()


def _exit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _refuse_strangers(host: str, keys: Credentials) -> None:
    if keys.generated and not _is_loopback(host):
        raise StoreError(
            f"{host} can be reached from other machines: choose credentials first, in the"
            " environment variables LAKEFS_INSTALLATION_ACCESS_KEY_ID and"
            " LAKEFS_INSTALLATION_SECRET_ACCESS_KEY."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise StoreError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(_BACKLOG)
    return listener


def _endpoint(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _log_to_stderr(*, access_log: bool) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    if access_log:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log = logging.getLogger("infra.lakefs.access")
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
