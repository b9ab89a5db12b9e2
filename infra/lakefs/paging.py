"""One page of keys: prefix, delimiter, what comes after, how many; for listings and diffs alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

DEFAULT_AMOUNT = 100
MAX_AMOUNT = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """Which keys a page is to hold; `after` is exclusive and need not exist."""

    prefix: bytes = b""
    after: bytes = b""
    delimiter: bytes = b""
    amount: int = DEFAULT_AMOUNT


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Keys in order with their values; None stands for a common prefix."""

    results: list[tuple[bytes, T | None]]
    has_more: bool


def page(query: Query, seek: Callable[[bytes], Iterator[tuple[bytes, T]]]) -> Page[T]:
    """Collect a page; `seek` gives keys and values from a key (inclusive) on, in order."""
    results: list[tuple[bytes, T | None]] = []
    for result in _entries(query, seek):
        if len(results) == query.amount:
            return Page(results, has_more=True)
        results.append(result)
    return Page(results, has_more=False)


def _entries(
    query: Query, seek: Callable[[bytes], Iterator[tuple[bytes, T]]]
) -> Iterator[tuple[bytes, T | None]]:
    start: bytes | None = _start(query)
    while start is not None:
        found = seek(start)
        start = None
        for key, value in found:
            if not key.startswith(query.prefix):
                return
            common = _common_prefix(query, key)
            if common:
                yield common, None
                start = _behind(common)
                break
            yield key, value


def _start(query: Query) -> bytes | None:
    if query.after < query.prefix:
        return query.prefix
    common = _common_prefix(query, query.after) if query.after.startswith(query.prefix) else b""
    if common:
        return _behind(common)
    return query.after + b"\0" if query.after else query.prefix


def _common_prefix(query: Query, key: bytes) -> bytes:
    """The key up to the first delimiter behind the prefix, if there is one."""
    if not query.delimiter:
        return b""
    at = key.find(query.delimiter, len(query.prefix))
    return key[: at + len(query.delimiter)] if at >= 0 else b""


def _behind(prefix: bytes) -> bytes | None:
    """The first key behind all that begin with a prefix, or None when there can be none."""
    cut = prefix.rstrip(b"\xff")
    return cut[:-1] + bytes([cut[-1] + 1]) if cut else None
