import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.errors import ObjectMissing, RefNotFound, StoreError, TagTaken
from assets.ports import Change, DatasetStore, Stores
from orchestration.store.dataset import LakeFSStore
from orchestration.store.stores import LakeFSStores


@pytest.fixture
def store(stores: LakeFSStores) -> LakeFSStore:
    return stores.of("digits_small")


def parquet(**columns: list[object]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def test_the_stores_are_what_the_ports_ask_for(stores: LakeFSStores, store: LakeFSStore) -> None:
    checked: DatasetStore = store
    assert isinstance(stores, Stores)
    assert checked.dataset == "digits_small"


def test_a_write_reads_back_at_its_commit_and_not_before(store: LakeFSStore) -> None:
    branch = store.branch("one")
    commit = store.write(branch.name, {"a/x.json": b"{}"}, message="m", metadata={"who": "me"})
    assert store.read(commit, "a/x.json") == b"{}"
    assert store.commit_at(commit).metadata["who"] == "me"
    with pytest.raises(ObjectMissing, match=r"a/x\.json"):
        store.read(branch.base, "a/x.json")


def test_identical_content_makes_no_commit(store: LakeFSStore) -> None:
    branch = store.branch("one").name
    first = store.write(branch, {"a": b"1", "b": b"2"}, message="m")
    assert store.write(branch, {"a": b"1"}, message="again", delete=["never there"]) == first


def test_a_write_is_one_commit_that_adds_changes_and_removes(store: LakeFSStore) -> None:
    branch = store.branch("one")
    first = store.write(branch.name, {"a": b"1", "b": b"2"}, message="first")
    second = store.write(branch.name, {"a": b"9", "c": b"3"}, message="second", delete=["b"])
    expected = [Change("a", "changed"), Change("b", "removed"), Change("c", "added")]
    assert store.changes(first, second) == expected
    assert store.commit_at(second).parents == (first,)


def test_a_file_larger_than_a_part_reads_back_whole(store: LakeFSStore, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(range(256)) * 80_000)
    commit = store.write(store.branch("one").name, {"raw/big": path}, message="m")
    assert store.fetch(commit, ["raw/big"])["raw/big"].read_bytes() == path.read_bytes()


def test_awkward_paths_and_names_travel_unharmed(store: LakeFSStore) -> None:
    paths = ["a b/ü&=+%.json", "a b/x#?.json", "emoji/🙂", "dot/../up"]
    commit = store.write(store.branch("one").name, {p: p.encode() for p in paths}, message="ümlaut")
    assert {p: store.read(commit, p).decode() for p in paths} == {p: p for p in paths}


def test_a_second_read_of_a_version_costs_no_request(
    make_stores: Callable[..., LakeFSStores], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make_stores().of("digits_small")
    commit = writer.write(writer.branch("one").name, {"t/a": b"1", "t/b": b"2"}, message="m")
    stores = make_stores()
    stores.of("digits_small").fetch(commit, ["t/a", "t/b"])
    later = make_stores().of("digits_small")
    later._cache.root = stores.of("digits_small")._cache.root
    monkeypatch.setattr("urllib3.PoolManager.request", None)
    assert later.read(commit, "t/b") == b"2"
    assert [one.path for one in later.listing(commit, "t/")] == ["t/a", "t/b"]


def test_a_damaged_cache_file_is_fetched_again(
    make_stores: Callable[..., LakeFSStores],
) -> None:
    store = make_stores().of("digits_small")
    commit = store.write(store.branch("one").name, {"t/a": b"right"}, message="m")
    file = store.fetch(commit, ["t/a"])["t/a"]
    file.chmod(0o644)
    file.write_bytes(b"wrong")
    other = make_stores().of("digits_small")
    other._cache.root = store._cache.root
    assert other.read(commit, "t/a") == b"right"


def test_a_table_is_all_parquet_below_a_prefix(store: LakeFSStore) -> None:
    objects = {
        "votes/b.parquet": parquet(x=[2]),
        "votes/a.parquet": parquet(x=[1]),
        "votes/README.md": b"no table",
        "votesx/a.parquet": parquet(x=[9]),
    }
    commit = store.write(store.branch("one").name, objects, message="m")
    table = store.table(commit, "votes/")
    assert table is not None
    assert table.collect()["x"].to_list() == [1, 2]
    assert store.table(commit, "nothing/") is None


def test_listings_are_longer_than_a_page(store: LakeFSStore) -> None:
    objects = {f"n/{number:05}": b"%d" % number for number in range(1100)}
    commit = store.write(store.branch("one").name, objects, message="m")
    assert [one.path for one in store.listing(commit)] == sorted(objects)
    assert len(store.changes(store.head("main"), commit)) == 1100


@pytest.mark.parametrize(
    "ref", ["nowhere", "v0001", "f" * 64, "main~9", "no ref", "a..b", "main^3", "ü"]
)
def test_an_unknown_ref_is_named(store: LakeFSStore, ref: str) -> None:
    with pytest.raises(RefNotFound) as caught:
        store.head(ref)
    assert caught.value.ref == ref


def test_releases_come_oldest_first_and_other_tags_apart(store: LakeFSStore) -> None:
    commit = store.head()
    for name in ("v0010", "v0002", "v10000", "pinned"):
        store.tag(name, commit)
    assert list(store.releases()) == ["v0002", "v0010", "v10000"]
    assert list(store.tags()) == ["pinned", "v0002", "v0010", "v10000"]


def test_a_release_is_never_renamed_unless_asked(store: LakeFSStore) -> None:
    first = store.head()
    second = store.write(store.branch("one").name, {"a": b"1"}, message="m")
    store.tag("v0001", first)
    store.tag("v0001", first)
    with pytest.raises(TagTaken, match="v0001"):
        store.tag("v0001", second)
    store.tag("v0001", second, replace=True)
    assert store.head("v0001") == second


def test_nobody_writes_to_main(store: LakeFSStore) -> None:
    with pytest.raises(StoreError, match="only takes publishes"):
        store.write("main", {"a": b"1"}, message="m")


def test_two_datasets_do_not_see_each_other(stores: LakeFSStores) -> None:
    one, two = stores.of("one_set"), stores.of("two_set")
    one.write(one.branch("r").name, {"a": b"1"}, message="m")
    assert two.existing_branch("r") is None
