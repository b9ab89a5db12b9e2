"""What differs between two trees; the cost follows the difference, not the trees."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from infra.lakefs.tree import IDENTITY_BYTES, Load


class Change(NamedTuple):
    """One key that differs; a side that does not have it is None."""

    key: bytes
    left: bytes | None
    right: bytes | None


class _Cursor:
    """A place in a tree: an item of some level, before which everything has been seen."""

    def __init__(self, load: Load, root: bytes, start: bytes) -> None:
        self._load = load
        node = load(root)
        self._path = [(node, bisect_left(node.keys, start))]
        self._settle()
        while start and self._path and self.level:
            node = load(self.value)
            self._path.append((node, bisect_left(node.keys, start)))

    def __bool__(self) -> bool:
        return bool(self._path)

    @property
    def level(self) -> int:
        return self._path[-1][0].level

    @property
    def key(self) -> bytes:
        node, at = self._path[-1]
        return node.keys[at]

    @property
    def value(self) -> bytes:
        node, at = self._path[-1]
        return node.values[at]

    def descend(self) -> None:
        self._path.append((self._load(self.value), 0))

    def skip(self) -> None:
        node, at = self._path[-1]
        self._path[-1] = node, at + 1
        self._settle()

    def _settle(self) -> None:
        while self._path and self._path[-1][1] >= len(self._path[-1][0].keys):
            self._path.pop()
            if self._path:
                node, at = self._path[-1]
                self._path[-1] = node, at + 1


def same(left: bytes | None, right: bytes | None) -> bool:
    """Whether two values have the same identity; absent equals absent."""
    if left is None or right is None:
        return left is right
    return left[:IDENTITY_BYTES] == right[:IDENTITY_BYTES]


def diff(load: Load, left: bytes, right: bytes, start: bytes = b"") -> Iterator[Change]:
    """Keys from `start` on whose identity differs, in key order; equal subtrees are not read."""
    if left == right:
        return
    a, b = _Cursor(load, left, start), _Cursor(load, right, start)
    while a or b:
        if _align(a, b):
            continue
        if not b or (a and a.key < b.key):
            yield Change(a.key, a.value, None)
            a.skip()
        elif not a or b.key < a.key:
            yield Change(b.key, None, b.value)
            b.skip()
        else:
            if not same(a.value, b.value):
                yield Change(a.key, a.value, b.value)
            a.skip()
            b.skip()


def _align(a: _Cursor, b: _Cursor) -> bool:
    """Move both a step towards two leaf items, past what is equal; False once there."""
    if a and a.level and (not b or a.level > b.level):
        a.descend()
    elif b and b.level and (not a or b.level > a.level):
        b.descend()
    elif a and b and a.level:
        step = _Cursor.skip if a.value == b.value else _Cursor.descend
        step(a)
        step(b)
    else:
        return False
    return True
