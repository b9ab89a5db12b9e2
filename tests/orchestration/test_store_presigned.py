"""On object stores, bytes travel by pre-signed URLs; the embedded server can do that too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lakefs import process
from infra.lakefs.process import Server
from orchestration.store import objects
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.dataset import LakeFSStore
from orchestration.store.stores import LakeFSStores


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = process.start(tmp_path_factory.mktemp("presigning"), presign=True)
    yield server
    server.stop()


def store_of(server: Server, cache: Path) -> LakeFSStore:
    connection = Connection(Endpoint(server.endpoint, server.access_key, server.secret_key))
    assert connection.facts.pre_sign
    return LakeFSStores(connection, cache).of("digits_small")


def test_objects_round_trip_by_pre_signed_urls(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PART", 1000)
    contents = {"a b/ü.json": b"{}", "empty": b"", "large": bytes(range(256)) * 20}
    store = store_of(server, tmp_path / "one")
    branch = store.branch("r")
    store.write(branch.name, contents, message="m")
    merge = store.publish(branch, "r", message="m", metadata={})
    other = store_of(server, tmp_path / "two")
    assert {path: other.read(merge.id, path) for path in contents} == contents
