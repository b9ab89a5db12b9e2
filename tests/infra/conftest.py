"""One embedded lakeFS server for the tests of this folder."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from infra.lakefs.process import Server, start


@dataclass(frozen=True)
class Repo:
    """A repository over plain HTTP: what a test says is what goes out."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return f"{self.server.endpoint}/api/v1/repositories/{self.name}"

    def call(self, method: str, path: str, **options: object) -> requests.Response:
        options.setdefault("auth", (self.server.access_key, self.server.secret_key))
        return requests.request(method, self.url + path, timeout=60, **options)  # type: ignore[arg-type]

    def put(self, path: str, data: bytes, branch: str = "main") -> requests.Response:
        return self.call("POST", f"/branches/{branch}/objects", params={"path": path}, data=data)

    def get(self, path: str, ref: str = "main") -> requests.Response:
        return self.call("GET", f"/refs/{ref}/objects", params={"path": path})

    def ls(self, ref: str = "main") -> list[str]:
        reply = self.call("GET", f"/refs/{ref}/objects/ls", params={"amount": "1000"})
        return [one["path"] for one in reply.json()["results"]]

    def commit(self, message: str = "m", branch: str = "main") -> str:
        reply = self.call("POST", f"/branches/{branch}/commits", json={"message": message})
        reply.raise_for_status()
        return str(reply.json()["id"])

    def branch(self, name: str, source: str = "main") -> None:
        self.call("POST", "/branches", json={"name": name, "source": source}).raise_for_status()


def make_repo(server: Server, name: str) -> Repo:
    requests.post(
        f"{server.endpoint}/api/v1/repositories",
        json={"name": name, "storage_namespace": f"local://{name}"},
        auth=(server.access_key, server.secret_key),
        timeout=60,
    ).raise_for_status()
    return Repo(server, name)


@pytest.fixture(scope="session")
def lakefs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("lakefs"), presign=True)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def repo(lakefs: Server, _numbers: Iterator[int]) -> Repo:
    return make_repo(lakefs, f"repo-{next(_numbers)}")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[], Repo]]:
    """Starts (again) a server of the test's own; the repository `own` is made the first time."""
    running: list[Server] = []

    def begin() -> Repo:
        fresh = not (tmp_path / "lakefs.sqlite").exists()
        running.append(start(tmp_path))
        return make_repo(running[-1], "own") if fresh else Repo(running[-1], "own")

    yield begin
    for server in running:
        server.stop()
