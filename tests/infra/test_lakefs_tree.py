"""The hash tree: what it holds, that its root depends on content alone, and what merges keep."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.lakefs import tree
from infra.lakefs.diff import diff
from infra.lakefs.errors import MergeConflictError
from infra.lakefs.merge import DEST_WINS, SOURCE_WINS, merge

Model = dict[bytes, bytes]
_CONTENTS = [bytes([n]) * tree.IDENTITY_BYTES for n in range(3)]


class Nodes:
    """A node store in memory."""

    def __init__(self) -> None:
        self._nodes = {tree.EMPTY_ROOT: tree.EMPTY}

    def load(self, digest: bytes) -> tree.Node:
        return self._nodes[digest]

    def edit(self, root: bytes, edits: Mapping[bytes, bytes | None]) -> bytes:
        root, made = tree.apply(self.load, root, edits)
        self.keep(made)
        return root

    def keep(self, made: Mapping[bytes, bytes]) -> None:
        self._nodes |= {digest: tree.decode(data) for digest, data in made.items()}

    def build(self, model: Model) -> bytes:
        return self.edit(tree.EMPTY_ROOT, model)

    def items(self, root: bytes) -> Model:
        return dict(tree.items(self.load, root))


def _edits(chance: random.Random, keys: int, count: int) -> dict[bytes, bytes | None]:
    return {
        b"key/%d" % chance.randrange(keys): chance.choice([None, *_CONTENTS]) for _ in range(count)
    }


def _applied(model: Model, edits: Mapping[bytes, bytes | None]) -> Model:
    merged = {**model, **edits}
    return {key: value for key, value in merged.items() if value is not None}


@pytest.mark.parametrize("seed", range(300))
def test_any_history_ends_in_the_tree_of_its_content(seed: int) -> None:
    chance, nodes = random.Random(seed), Nodes()
    keys = chance.choice([10, 300, 5000])
    model: Model = {}
    root = tree.EMPTY_ROOT
    for _ in range(chance.randrange(1, 6)):
        edits = _edits(chance, keys, chance.choice([1, 20, 400]))
        before, model = model, _applied(model, edits)
        root, old = nodes.edit(root, edits), root
        changed = {key for key in before.keys() | model.keys() if before.get(key) != model.get(key)}
        assert list(nodes.items(root).items()) == sorted(model.items())
        assert root == nodes.build(model)
        assert [change.key for change in diff(nodes.load, old, root)] == sorted(changed)


def test_a_tree_emptied_again_is_the_empty_tree() -> None:
    nodes = Nodes()
    model = {b"%d" % n: _CONTENTS[0] for n in range(1000)}
    assert nodes.edit(nodes.build(model), dict.fromkeys(model)) == tree.EMPTY_ROOT


def test_one_change_rewrites_one_path() -> None:
    nodes = Nodes()
    root = nodes.build({b"%06d" % n: _CONTENTS[0] for n in range(20_000)})
    _, made = tree.apply(nodes.load, root, {b"010000": _CONTENTS[1]})
    assert len(made) == nodes.load(root).level + 1


def test_only_the_identity_enters_the_root() -> None:
    nodes = Nodes()
    first = nodes.build({b"a": _CONTENTS[0] + b"Monday"})
    assert nodes.edit(first, {b"a": _CONTENTS[0] + b"Friday"}) == first


def test_reading_starts_at_any_key_that_need_not_exist() -> None:
    nodes = Nodes()
    model = {b"%05d" % n: _CONTENTS[0] for n in range(0, 3000, 2)}
    root = nodes.build(model)
    found = [key for key, _ in tree.items(nodes.load, root, b"01001")]
    assert found == sorted(key for key in model if key >= b"01001")


def test_a_diff_starts_at_any_key() -> None:
    nodes = Nodes()
    left = nodes.build({b"%05d" % n: _CONTENTS[0] for n in range(3000)})
    right = nodes.edit(left, {b"%05d" % n: _CONTENTS[1] for n in range(0, 3000, 300)})
    found = [change.key for change in diff(nodes.load, left, right, b"01000")]
    assert found == [b"01200", b"01500", b"01800", b"02100", b"02400", b"02700"]


def test_bytes_that_are_not_the_node_are_told() -> None:
    node = tree.Node(0, [b"a"], [_CONTENTS[0]])
    data = bytearray(node.encode())
    assert tree.verified(node.digest(), bytes(data)) == node
    data[-1] ^= 1
    assert tree.verified(node.digest(), bytes(data)) is None
    assert tree.verified(node.digest(), b"") is None


# Few keys and few contents: duplicates, renames and identical changes come up all the time.
_KEYS = [b"a", b"b", b"c", b"m", b"y", b"z"]
_SIDE = st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_CONTENTS))


def _settled(base: Model, ours: Model, theirs: Model, winner: str) -> tuple[Model, bool]:
    """The merge as a person would do it, key by key; and whether there was a conflict."""
    merged: Model = {}
    conflict = False
    for key in base.keys() | ours.keys() | theirs.keys():
        old, own, new = base.get(key), ours.get(key), theirs.get(key)
        both = len({old, own, new}) == 3
        conflict = conflict or both
        kept = (new if winner == SOURCE_WINS else own) if both else (own if new == old else new)
        if kept is not None:
            merged[key] = kept
    return merged, conflict


@given(_SIDE, _SIDE, _SIDE, st.sampled_from(["", SOURCE_WINS, DEST_WINS]))
def test_a_merge_is_what_key_by_key_comparison_says(
    base: Model, ours: Model, theirs: Model, strategy: str
) -> None:
    nodes = Nodes()
    wanted, conflict = _settled(base, ours, theirs, strategy)
    roots = (nodes.build(base), nodes.build(ours), nodes.build(theirs))
    if conflict and not strategy:
        with pytest.raises(MergeConflictError):
            merge(nodes.load, *roots)
        return
    root, made = merge(nodes.load, *roots, strategy)
    nodes.keep(made)
    assert nodes.items(root) == wanted
    assert root == nodes.build(wanted)


def test_a_merge_of_large_trees_keeps_every_key() -> None:
    nodes, chance = Nodes(), random.Random(7)
    base: Model = {b"%05d" % n: chance.choice(_CONTENTS) for n in range(5000)}
    own = {b"%05d" % n: chance.choice([None, *_CONTENTS]) for n in range(0, 5000, 7)}
    new = {b"%05d" % n: chance.choice([None, *_CONTENTS]) for n in range(1, 6000, 7)}
    root = nodes.build(base)
    merged, made = merge(nodes.load, root, nodes.edit(root, own), nodes.edit(root, new))
    nodes.keep(made)
    assert nodes.items(merged) == _applied(_applied(base, own), new)
