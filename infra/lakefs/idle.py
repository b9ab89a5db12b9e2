"""For how long a server has had nothing to do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Idle:
    """Counts the requests in flight; used from the event loop alone."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._since = time.monotonic()

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request, from its arrival to its last byte."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._since = time.monotonic()

    def seconds(self) -> float:
        """Time since the last request ended; 0 while one is in flight."""
        return 0.0 if self._in_flight else time.monotonic() - self._since
