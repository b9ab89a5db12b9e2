"""A lakeFS whose three-way merge loses objects, as lakeFS's own does: `lossy_lakefs.py HOW ROOT`.

HOW says when an object that one side added counts as one of the base, and is dropped: `identity`
(size, checksum, metadata and content type are equal, as in lakeFS) or `content` (the bytes alone:
worse than lakeFS, to see that more than the metadata holds it off).
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.lakefs import merge, tree
from infra.lakefs.__main__ import main
from infra.lakefs.entry import unpack
from infra.lakefs.tree import Load

Tree = tuple[bytes, dict[bytes, bytes]]

SAMENESS: dict[str, Callable[[bytes], object]] = {
    "identity": lambda value: value[: tree.IDENTITY_BYTES],
    "content": lambda value: unpack(value).sha256,
}
sound = merge.merge


def lossy(same: Callable[[bytes], object]) -> Callable[..., Tree]:
    def merged(load: Load, base: bytes, ours: bytes, theirs: bytes, strategy: str = "") -> Tree:
        right = sound(load, base, ours, theirs, strategy)
        if ours == base:
            return right
        old = dict(tree.items(load, base, b""))
        edits = {one.key: one.theirs for one in merge.incoming(load, base, ours, theirs)}
        result = {**dict(tree.items(load, ours, b"")), **edits}
        seen = {same(value) for value in old.values()}
        added = {key: value for key, value in result.items() if value and key not in old}
        lost = {key: None for key, value in added.items() if same(value) in seen}
        return tree.apply(load, ours, {**edits, **lost})

    return merged


if __name__ == "__main__":
    merge.merge = lossy(SAMENESS[sys.argv[1]])
    sys.exit(main(["serve", "--root", sys.argv[2]]))
