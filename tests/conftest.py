"""What several test folders need: the embedded lakeFS server, and stores on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from infra.lakefs import process
from infra.lakefs.process import Server
from orchestration.store.answers import Patience
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.stores import LakeFSStores

# How long an example takes says how busy the machine is, not whether the claim holds.
settings.register_profile(
    "unhurried",
    parent=settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def lakefs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One embedded server for the whole session."""
    server = process.start(tmp_path_factory.mktemp("lakefs"))
    yield server
    server.stop()


MakeStores = Callable[..., LakeFSStores]


def _maker(server: Server, folder: Path) -> MakeStores:
    prefix = f"t{uuid4().hex[:8]}-"

    def make(endpoint: str = "", patience_seconds: float = 5.0) -> LakeFSStores:
        where = Endpoint(endpoint or server.endpoint, server.access_key, server.secret_key)
        connection = Connection(where, patience=Patience(patience_seconds, 0.01))
        return LakeFSStores(connection, folder / uuid4().hex, repository_prefix=prefix)

    return make


@pytest.fixture
def make_stores(lakefs_server: Server, tmp_path: Path) -> MakeStores:
    """Makes stores on repositories of this test alone; several share them, not the cache."""
    return _maker(lakefs_server, tmp_path)


@pytest.fixture
def stores(make_stores: MakeStores) -> LakeFSStores:
    """Stores on repositories of this test alone."""
    return make_stores()


@pytest.fixture(scope="module")
def module_stores(lakefs_server: Server, tmp_path_factory: pytest.TempPathFactory) -> LakeFSStores:
    """Stores on repositories of this test module, for tests that only read."""
    return _maker(lakefs_server, tmp_path_factory.mktemp("stores"))()
