"""Servers that misbehave on purpose."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.lakefs import process
from infra.lakefs.process import Server
from orchestration.store.answers import Patience
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.stores import LakeFSStores

LOSSY_SCRIPT = Path(__file__).with_name("lossy_lakefs.py")


@dataclass
class Fault:
    """What happens to the next requests whose `METHOD path` matches.

    Without a status the connection is cut: after the server did the work where `carried_out`.
    """

    pattern: str
    times: int = 1
    status: int | None = None
    message: str = ""
    carried_out: bool = False


class Proxy:
    """Stands before a lakeFS server, and gets in the way as told."""

    def __init__(self, upstream: str) -> None:
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def fault_for(self, request: str) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.times and re.search(fault.pattern, request):
                    fault.times -= 1
                    return fault
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    proxy: Proxy

    def handle_any(self) -> None:
        body = self._body()
        fault = self.proxy.fault_for(f"{self.command} {self.path}")
        if fault and fault.status:
            self._answer(fault.status, [], json.dumps({"message": fault.message}).encode())
            return
        answer = self._forward(body) if not fault or fault.carried_out else None
        if fault or answer is None:
            self.close_connection = True
            return
        self._answer(*answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.proxy.upstream, timeout=30)
        dropped = {"host", "transfer-encoding", "content-length", "connection"}
        headers = {k: v for k, v in self.headers.items() if k.lower() not in dropped}
        upstream.request(self.command, self.path, body or None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in dropped]
        upstream.close()
        return answer.status, kept, content

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(lakefs_server: Server) -> Iterator[Proxy]:
    standing = Proxy(lakefs_server.endpoint)
    yield standing
    standing.close()


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture(scope="session")
def make_lossy_stores(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], LakeFSStores]]:
    """Stores on a server whose merge loses objects; see lossy_lakefs.py for the two ways."""
    started: dict[str, subprocess.Popen[bytes]] = {}

    def make(sameness: str) -> LakeFSStores:
        root = tmp_path_factory.getbasetemp() / f"lossy-{sameness}"
        if sameness not in started:
            root.mkdir()
            command = [sys.executable, str(LOSSY_SCRIPT), sameness, str(root)]
            started[sameness] = subprocess.Popen(command)
        server = _awaited(root)
        endpoint = Endpoint(server.endpoint, server.access_key, server.secret_key)
        connection = Connection(endpoint, patience=Patience(5))
        prefix = f"t{time.monotonic_ns()}-"
        return LakeFSStores(connection, tmp_path_factory.mktemp("cache"), repository_prefix=prefix)

    yield make
    for child in started.values():
        child.terminate()
        child.wait(15)


def _awaited(root: Path) -> Server:
    deadline = time.monotonic() + 30
    while (server := process.find(root)) is None:
        assert time.monotonic() < deadline, "the lossy server did not start"
        time.sleep(0.02)
    return server
