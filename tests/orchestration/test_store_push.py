from collections.abc import Callable
from typing import Any

import pytest

from assets.errors import StoreUnavailable, TagTaken
from orchestration.errors import PushMismatch, PushRefused
from orchestration.store.dataset import LakeFSStore
from orchestration.store.push import Progress, push
from orchestration.store.stores import LakeFSStores

NAME = "digits_small"


@pytest.fixture
def source(stores: LakeFSStores) -> LakeFSStore:
    """Two releases, a run that was brought up to date, an empty change and a failed run."""
    store = stores.of(NAME)
    release(store, "r1", {"t/a": b"1", "t/b": b"2", "empty": b""})
    slow = store.branch("slow")
    store.write(slow.name, {"s/x": b"x"}, message="slow")
    release(store, "r2", {"t/a": b"9", "ü/?.json": b"{}"}, "t/b", tag="v0001")
    store.publish(store.update(slow.name), "slow", message="Publish slow", metadata={})
    store.drop_branch(slow.name)
    release(store, "r3", {"t/b": b"2"}, tag="v0002")
    failed = store.branch("failed").name
    store.tag("kept", store.write(failed, {"f": b"f"}, message="never published"))
    return store


@pytest.fixture
def target(make_stores: Callable[..., LakeFSStores]) -> LakeFSStore:
    stores = make_stores()
    stores._prefix = f"{stores._prefix}to-"
    return stores.of(NAME)


def release(
    store: LakeFSStore, run: str, objects: dict[str, bytes], *delete: str, tag: str = ""
) -> None:
    branch = store.branch(run)
    store.write(branch.name, objects, message=run, delete=delete, metadata={"who": "ana"})
    merge = store.publish(branch, run, message=f"Publish {run}", metadata={"recipe": "é"})
    if tag:
        store.tag(tag, merge.id)
    store.drop_branch(branch.name)


def trees(store: LakeFSStore) -> dict[str, dict[str, bytes]]:
    refs = {**store.tags(), "main": store.head()}
    return {
        name: {one.path: store.read(at, one.path) for one in store.listing(at)}
        for name, at in refs.items()
    }


def shape(store: LakeFSStore) -> list[tuple[str, int, str | None]]:
    log = store.log(limit=1000)
    return sorted((c.message, len(c.parents), c.metadata.get("recipe")) for c in log)


def test_every_version_and_tag_arrives(source: LakeFSStore, target: LakeFSStore) -> None:
    pushed = push(source, target)
    assert trees(target) == trees(source)
    assert shape(target) == shape(source)
    assert pushed.tags == target.tags()
    assert list(target.repository.branches("")) == ["main"]


def test_each_commit_says_where_and_when_it_comes_from(
    source: LakeFSStore, target: LakeFSStore
) -> None:
    pushed = push(source, target)
    for commit in source.log(limit=1000):
        there = target.commit_at(pushed.commits[commit.id])
        if commit.parents:
            assert there.metadata["pushed_from"] == commit.id
            assert there.metadata["pushed_created_at"] == commit.created_at.isoformat()


def test_pushing_again_sends_only_what_is_new(source: LakeFSStore, target: LakeFSStore) -> None:
    first = push(source, target)
    again = push(source, target)
    assert (again.replayed, again.objects, again.commits) == (0, 0, first.commits)
    release(source, "r4", {"t/c": b"3"}, tag="v0003")
    assert push(source, target).objects == 1
    assert trees(target) == trees(source)


@pytest.mark.parametrize("after", range(1, 8))
def test_an_interrupted_push_goes_on_where_it_was(
    source: LakeFSStore, target: LakeFSStore, after: int
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(source, target, interrupt)
    push(source, target)
    assert trees(target) == trees(source)
    assert shape(target) == shape(source)


def test_a_push_cut_off_in_the_middle_of_uploads_is_completed(
    source: LakeFSStore, make_stores: Callable[..., LakeFSStores], proxy: Any, fault: Any
) -> None:
    cut = make_stores(proxy.url, patience_seconds=0.2)
    cut._prefix = f"{cut._prefix}to-"
    proxy.faults.append(fault(r"POST .*/objects\?path=t%2Fb", 1000))
    with pytest.raises(StoreUnavailable):
        push(source, cut.of(NAME))
    proxy.faults.clear()
    push(source, cut.of(NAME))
    assert trees(cut.of(NAME)) == trees(source)


def test_a_target_with_a_history_of_its_own_is_refused(
    source: LakeFSStore, target: LakeFSStore
) -> None:
    release(target, "own", {"own": b"1"})
    with pytest.raises(PushRefused, match="empty repository"):
        push(source, target)


def test_a_tag_that_means_something_else_there_is_named(
    source: LakeFSStore, target: LakeFSStore
) -> None:
    target.tag("v0001", target.head())
    with pytest.raises(TagTaken, match="v0001"):
        push(source, target)


def test_what_arrives_otherwise_is_noticed(
    source: LakeFSStore, target: LakeFSStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.store.repository.Repository.delete_objects", lambda *_: None)
    with pytest.raises(PushMismatch) as caught:
        push(source, target)
    assert caught.value.paths == ("t/b",)
