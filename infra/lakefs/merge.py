"""Three-way merges of trees, key by key: the cost follows the two changes, not the trees."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.lakefs import tree
from infra.lakefs.diff import diff, same
from infra.lakefs.errors import MergeConflictError
from infra.lakefs.tree import Load

SOURCE_WINS, DEST_WINS = "source-wins", "dest-wins"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One key that a merge would bring; `conflict` where both sides changed it differently."""

    key: bytes
    ours: bytes | None
    theirs: bytes | None
    conflict: bool


def incoming(
    load: Load, base: bytes, ours: bytes, theirs: bytes, start: bytes = b""
) -> Iterator[Incoming]:
    """What merging `theirs` into `ours` brings: a change made alike on both sides is none."""
    own = diff(load, base, ours, start)
    mine = next(own, None)
    for key, old, new in diff(load, base, theirs, start):
        while mine is not None and mine.key < key:
            mine = next(own, None)
        if mine is None or mine.key != key:
            yield Incoming(key, old, new, conflict=False)
        elif not same(mine.right, new):
            yield Incoming(key, mine.right, new, conflict=True)


def merge(
    load: Load, base: bytes, ours: bytes, theirs: bytes, strategy: str = ""
) -> tuple[bytes, dict[bytes, bytes]]:
    """The tree with both sides' changes since `base`.

    A key is compared with itself only, never with a neighbour of the same content.

    Args:
        load: Gives the trees' nodes.
        base: The root both sides came from.
        ours: The destination's root.
        theirs: The source's root.
        strategy: Who wins a conflict; "" nobody.

    Returns:
        The new root, and the encoded nodes that are new, by digest.

    Raises:
        MergeConflictError: Both sides changed a key differently, and nobody wins.
    """
    if ours == base:
        return theirs, {}
    edits: dict[bytes, bytes | None] = {}
    for change in incoming(load, base, ours, theirs):
        if change.conflict and not strategy:
            raise MergeConflictError
        if not change.conflict or strategy == SOURCE_WINS:
            edits[change.key] = change.theirs
    return tree.apply(load, ours, edits)
