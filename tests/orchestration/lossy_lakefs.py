"""A lakeFS whose three-way merge loses objects, as lakeFS's own does: `lossy_lakefs.py HOW ROOT`.

HOW says when an object that one side added counts as one of the base, and is dropped: `identity`
(size, checksum, metadata and content type are equal, as in lakeFS) or `content` (the bytes alone:
worse than lakeFS, to see that more than the metadata holds it off).
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.lakefs import changes, tree
from infra.lakefs.__main__ import main
from infra.lakefs.diff import incoming
from infra.lakefs.entry import unpack

SAMENESS: dict[str, Callable[[bytes], object]] = {
    "identity": lambda value: value[: tree.IDENTITY_BYTES],
    "content": lambda value: unpack(value).sha256,
}
right = changes._merged


def lossy(same: Callable[[bytes], object]) -> Callable[..., changes._Tree]:
    def merged(store, base, ours, theirs, strategy):
        sound = right(store, base, ours, theirs, strategy)
        if ours == base:
            return sound
        old = dict(tree.items(store.load, base, b""))
        edits = {one.key: one.theirs for one in incoming(store.load, base, ours, theirs)}
        result = {**dict(tree.items(store.load, ours, b"")), **edits}
        seen = {same(value) for value in old.values()}
        added = {key: value for key, value in result.items() if value and key not in old}
        lost = {key: None for key, value in added.items() if same(value) in seen}
        return changes._Tree(*tree.apply(store.load, ours, {**edits, **lost}))

    return merged


if __name__ == "__main__":
    changes._merged = lossy(SAMENESS[sys.argv[1]])
    sys.exit(main(["serve", "--root", sys.argv[2]]))
