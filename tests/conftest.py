"""What several test folders need: the embedded lakeFS server, and stores on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra.lakefs import process
from infra.lakefs.process import Server
from orchestration.store.answers import Patience
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.stores import LakeFSStores


@pytest.fixture(scope="session")
def lakefs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One embedded server for the whole session."""
    server = process.start(tmp_path_factory.mktemp("lakefs"))
    yield server
    server.stop()


@pytest.fixture
def make_stores(lakefs_server: Server, tmp_path: Path) -> Callable[..., LakeFSStores]:
    """Makes stores on repositories of this test alone; several share them, not the cache."""
    prefix = f"t{uuid4().hex[:8]}-"

    def make(endpoint: str = "", patience_seconds: float = 5.0) -> LakeFSStores:
        keys = lakefs_server.access_key, lakefs_server.secret_key
        where = Endpoint(endpoint or lakefs_server.endpoint, *keys)
        connection = Connection(where, patience=Patience(patience_seconds, 0.01))
        return LakeFSStores(connection, tmp_path / uuid4().hex, repository_prefix=prefix)

    return make


@pytest.fixture
def stores(make_stores: Callable[..., LakeFSStores]) -> LakeFSStores:
    """Stores on repositories of this test alone."""
    return make_stores()
