"""A history-independent hash tree (prolly tree) over sorted byte keys.

A node ends after a key whose hash has enough low bits zero, so the shape depends on the set of keys
alone: equal content has an equal root, however it came about. An edit rewrites only the nodes it
touches, on each level; two versions share all others.

The first 32 bytes of a value are its identity. Only keys and identities enter a node's digest, so
what follows the identity (an object's time stamp) is that of whoever wrote it first.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, pairwise

IDENTITY_BYTES = 32
# One key in 16 ends a node: nodes of about 4 KiB, a page of the database.
_FANOUT_BITS = 4
_HEADER = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Node:
    """Sorted keys and their values; above level 0 a value is a child's digest, a key its last."""

    level: int
    keys: list[bytes]
    values: list[bytes]

    def encode(self) -> bytes:
        """The node as it is stored."""
        lengths = [*map(len, self.keys), *map(len, self.values)]
        sizes = struct.pack(f"<{len(lengths)}I", *lengths)
        return b"".join((_HEADER.pack(self.level, len(self.keys)), sizes, *self.keys, *self.values))

    def digest(self) -> bytes:
        """What the node is known by: the hash of its keys and identities."""
        lengths = struct.pack(f"<{len(self.keys)}I", *map(len, self.keys))
        identities = (value[:IDENTITY_BYTES] for value in self.values)
        data = b"".join(
            (_HEADER.pack(self.level, len(self.keys)), lengths, *self.keys, *identities)
        )
        return blake2b(data, digest_size=IDENTITY_BYTES).digest()


Item = tuple[bytes, bytes]
Load = Callable[[bytes], Node]


def decode(data: bytes) -> Node:
    """The node that `Node.encode` wrote."""
    level, count = _HEADER.unpack_from(data)
    lengths = struct.unpack_from(f"<{2 * count}I", data, _HEADER.size)
    start = _HEADER.size + 8 * count
    parts = [data[a:b] for a, b in pairwise(accumulate(lengths, initial=start))]
    return Node(level, parts[:count], parts[count:])


def verified(digest: bytes, data: bytes) -> Node | None:
    """The node of that digest; None when the bytes are not it."""
    try:
        node = decode(data)
    except struct.error:
        return None
    return node if node.digest() == digest else None


EMPTY = Node(0, [], [])
EMPTY_ROOT = EMPTY.digest()


def get(load: Load, root: bytes, key: bytes) -> bytes | None:
    """The value of a key, or None."""
    node = load(root)
    while True:
        at = bisect_left(node.keys, key)
        if at == len(node.keys):
            return None
        if not node.level:
            return node.values[at] if node.keys[at] == key else None
        node = load(node.values[at])


def items(load: Load, root: bytes, start: bytes = b"") -> Iterator[Item]:
    """All items from `start` (inclusive) on, in key order."""
    node = load(root)
    at = bisect_left(node.keys, start)
    if not node.level:
        yield from zip(node.keys[at:], node.values[at:], strict=True)
        return
    for child in node.values[at:]:
        yield from items(load, child, start)


def apply(
    load: Load, root: bytes, edits: Mapping[bytes, bytes | None]
) -> tuple[bytes, dict[bytes, bytes]]:
    """Set (value) and remove (None) keys.

    Returns:
        The new root, and the encoded nodes that are new, by digest.
    """
    edit = _Edit(load, root)
    return edit.apply(edits), edit.made


class _Edit:
    """One edit of one tree: walks its levels from the leaves up and collects the nodes it makes."""

    def __init__(self, load: Load, root: bytes) -> None:
        self._load = load
        self._root = root
        self.made: dict[bytes, bytes] = {}

    def apply(self, edits: Mapping[bytes, bytes | None]) -> bytes:
        changes = edits
        height = self._load(self._root).level
        for level in range(height + 1):
            if not changes:
                return self._root
            changes = self._rewrite(level, changes)
        top = sorted((key, value) for key, value in changes.items() if value is not None)
        level = height + 1
        while len(top) > 1:
            top = [self._make(level, part) for part in _cut(top, level)]
            level += 1
        return self._collapse(top[0][1]) if top else self._make(0, [])[1]

    def _rewrite(
        self, level: int, edits: Mapping[bytes, bytes | None]
    ) -> dict[bytes, bytes | None]:
        """Apply sorted edits to one level; the result is the edits of the level above."""
        keys = sorted(edits)
        above: dict[bytes, bytes | None] = {}
        at = 0
        while at < len(keys):
            found, at = self._run(level, keys, at, edits, above)
            above.update(self._make(level, part) for part in _cut(found, level))
        return above

    def _run(
        self,
        level: int,
        keys: list[bytes],
        at: int,
        edits: Mapping[bytes, bytes | None],
        above: dict[bytes, bytes | None],
    ) -> tuple[list[Item], int]:
        """Edit nodes from the one that holds `keys[at]` on, until one ends where a node may end."""
        merged: list[Item] = []
        seek = keys[at]
        while True:
            node, last = self._node_at(level, seek)
            end = len(keys) if last else bisect_left(keys, node.keys[-1] + b"\0", at)
            merged += _merge(node, {key: edits[key] for key in keys[at:end]})
            at = end
            if node.keys:
                above[node.keys[-1]] = None
            if last or not merged or _ends(merged[-1][0], level):
                return merged, at
            seek = node.keys[-1] + b"\0"

    def _node_at(self, level: int, key: bytes) -> tuple[Node, bool]:
        """The node of a level that covers a key, and whether it is the last of its level."""
        node, last = self._load(self._root), True
        while node.level > level:
            at = min(bisect_left(node.keys, key), len(node.keys) - 1)
            last = last and at == len(node.keys) - 1
            node = self._load(node.values[at])
        return node, last

    def _make(self, level: int, part: list[Item]) -> Item:
        node = Node(level, [key for key, _ in part], [value for _, value in part])
        digest = node.digest()
        self.made.setdefault(digest, node.encode())
        return (node.keys[-1] if node.keys else b""), digest

    def _collapse(self, root: bytes) -> bytes:
        """Drop roots that have one child: a tree built afresh would not have them."""
        node = self._get(root)
        while node.level and len(node.keys) == 1:
            root = node.values[0]
            node = self._get(root)
        return root

    def _get(self, digest: bytes) -> Node:
        made = self.made.get(digest)
        return self._load(digest) if made is None else decode(made)


def _merge(node: Node, edits: Mapping[bytes, bytes | None]) -> list[Item]:
    merged = dict(zip(node.keys, node.values, strict=True))
    for key, value in edits.items():
        if value is None:
            merged.pop(key, None)
        elif key not in merged or merged[key][:IDENTITY_BYTES] != value[:IDENTITY_BYTES]:
            merged[key] = value
    return sorted(merged.items())


def _cut(found: list[Item], level: int) -> Iterator[list[Item]]:
    part: list[Item] = []
    for item in found:
        part.append(item)
        if _ends(item[0], level):
            yield part
            part = []
    if part:
        yield part


def _ends(key: bytes, level: int) -> bool:
    """Whether a node of this level ends after this key: one in 16 keys of the level."""
    mask = (1 << _FANOUT_BITS * (level + 1)) - 1
    return not int.from_bytes(blake2b(key, digest_size=8).digest()) & mask
