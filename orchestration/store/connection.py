"""A connection to one lakeFS server: a client per thread, facts asked once, parallel requests."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import lakefs
import urllib3

from orchestration.store.answers import Patience

A = TypeVar("A")
B = TypeVar("B")

# Reads of one part and lake-side merges stay well below; a silent server is given up then.
TIMEOUT = urllib3.Timeout(connect=5, read=120)
# Waiting is Patience's work; urllib3 only follows the redirect to a pre-signed URL.
NO_RETRY = urllib3.Retry(total=None, connect=0, read=0, other=0, status=0, redirect=3)


@dataclass(frozen=True)
class Endpoint:
    """Where a lakeFS server is and who is asking."""

    url: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class ServerFacts:
    """What a server says about itself.

    Attributes:
        version: lakeFS version; the embedded server says which it stands in for.
        blockstore: Where objects lie: local, s3, gs, azure.
        pre_sign: Whether objects travel directly between client and object store.
        namespace_prefix: Where the server wants repositories to be put; may be empty.
    """

    version: str
    blockstore: str
    pre_sign: bool
    namespace_prefix: str


class Connection:
    """A lakeFS server, safe to use from any thread.

    Args:
        endpoint: Where it is.
        patience: How long a request is repeated.
        threads: How many requests `each` has under way.
        locate: Says where the server is now; asked when it does not answer. The embedded server
            ends when it is idle, and has another port when it is started again.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        patience: Patience | None = None,
        threads: int = 8,
        locate: Callable[[], Endpoint] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.patience = patience or Patience()
        self._locate = locate
        self._threads = threads
        self._local = threading.local()

    @property
    def client(self) -> lakefs.Client:
        """This thread's client."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._new_client()
        return client

    @property
    def sdk(self) -> Any:
        """This thread's generated client, for what the wrapper asks in more requests."""
        return self.client.sdk_client

    def _new_client(self) -> lakefs.Client:
        client = lakefs.Client(
            host=self.endpoint.url,
            username=self.endpoint.access_key,
            password=self.endpoint.secret_key,
        )
        pool = client.sdk_client.objects_api.api_client.rest_client.pool_manager
        pool.connection_pool_kw.update(timeout=TIMEOUT, retries=NO_RETRY)
        return client

    def ask(
        self,
        dataset: str,
        operation: str,
        step: Callable[[], A],
        settled: Callable[[], A | None] | None = None,
    ) -> A:
        """The result of a request; see Patience.ask. Raises StoreUnavailable, StoreRefused."""
        return self.patience.ask(dataset, operation, step, settled, unanswered=self._follow)

    def _follow(self) -> None:
        """Send this thread's next request to where the server is now."""
        if self._locate:
            self.endpoint = self._locate()
            # In place, because a request that is repeated has hold of this client.
            self.client.config.host = self._new_client().config.host

    @cached_property
    def facts(self) -> ServerFacts:
        """What the server says about itself, asked once."""
        config = self.ask("-", "ask for the configuration", self._config)
        storage, version = config.storage_config, config.version_config
        return ServerFacts(
            version=(version.version if version else None) or "unknown",
            blockstore=storage.blockstore_type if storage else "unknown",
            pre_sign=bool(storage and storage.pre_sign_support),
            namespace_prefix=(storage.default_namespace_prefix if storage else None) or "",
        )

    def _config(self) -> Any:
        return self.sdk.config_api.get_config()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="lakefs")

    def each(self, work: Callable[[A], B], inputs: Iterable[A]) -> list[B]:
        """The results of a function over inputs, in parallel; the first error stops the rest."""
        futures = [self._pool.submit(work, one) for one in inputs]
        wait(futures, return_when=FIRST_EXCEPTION)
        if any(future.done() and future.exception() for future in futures):
            for future in futures:
                future.cancel()
            wait(futures)
            # A cancelled future has no exception to show; the failed one tells why.
            raise next(e for f in futures if not f.cancelled() and (e := f.exception()))
        return [future.result() for future in futures]
