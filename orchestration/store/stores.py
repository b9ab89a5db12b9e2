"""All datasets' stores on one lakeFS server: one repository each."""

import threading
from pathlib import Path

from orchestration.store.cache import Cache
from orchestration.store.connection import Connection
from orchestration.store.dataset import LakeFSStore
from orchestration.store.repository import Repository


class LakeFSStores:
    """The implementation of assets.ports.Stores.

    Args:
        connection: The server.
        cache: Folder of the local cache, shared by all datasets.
        repository_prefix: Put before every repository's name, where a server is shared.
        storage_namespace: Where repositories' data goes, for example s3://bucket/hallmark; empty
            takes what the server proposes.
    """

    def __init__(
        self,
        connection: Connection,
        cache: Path,
        *,
        repository_prefix: str = "",
        storage_namespace: str = "",
    ) -> None:
        self.connection = connection
        self._cache = Cache(cache)
        self._prefix = repository_prefix
        self._namespace = storage_namespace
        self._known: dict[str, LakeFSStore] = {}
        self._lock = threading.Lock()

    def of(self, dataset: str) -> LakeFSStore:
        """The store of one dataset, its repository made if there is none yet."""
        with self._lock:
            if dataset not in self._known:
                repository = self.repository(dataset)
                repository.ensure(f"{self._base()}{repository.name}")
                self._known[dataset] = LakeFSStore(repository, self._cache)
            return self._known[dataset]

    def repository(self, dataset: str) -> Repository:
        """A dataset's repository on the wire, whether it exists or not."""
        name = f"{self._prefix}{dataset.replace('_', '-')}"
        return Repository(self.connection, dataset, name)

    def _base(self) -> str:
        facts = self.connection.facts
        base = self._namespace or facts.namespace_prefix or f"{facts.blockstore}://"
        return base if base.endswith("/") else f"{base}/"
