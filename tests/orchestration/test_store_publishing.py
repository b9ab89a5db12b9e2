import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from assets.errors import MainMoved, MergeConflict, PublishMismatch
from assets.ports import Commit, RunBranch
from orchestration.store.dataset import LakeFSStore
from orchestration.store.stores import LakeFSStores


@pytest.fixture
def store(stores: LakeFSStores) -> LakeFSStore:
    return stores.of("digits_small")


def published(store: LakeFSStore, run: str, objects: dict[str, bytes], *delete: str) -> Commit:
    branch = store.branch(run)
    store.write(branch.name, objects, message=run, delete=delete)
    return store.publish(branch, run, message=f"Publish {run}", metadata={"recipe": "r"})


def contents(store: LakeFSStore, ref: str = "main") -> dict[str, bytes]:
    commit = store.head(ref)
    return {one.path: store.read(commit, one.path) for one in store.listing(commit)}


def test_a_run_has_one_branch_whoever_asks_first(store: LakeFSStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        branches = set(threads.map(store.branch, ["same"] * 8))
    assert branches == {RunBranch("run-same", store.head())}
    assert store.run_branches() == [*branches]


def test_main_has_nothing_of_a_run_before_it_is_published(store: LakeFSStore) -> None:
    store.write(store.branch("r").name, {"a": b"1"}, message="m")
    assert contents(store) == {}


def test_a_publish_says_whose_it_is_and_has_the_runs_commits_behind_it(store: LakeFSStore) -> None:
    merge = published(store, "r", {"a": b"1"})
    assert (merge.metadata["run_id"], merge.metadata["recipe"]) == ("r", "r")
    assert store.published("r") == merge
    assert store.published("other") is None
    assert "r" in [commit.message for commit in store.log()]


def test_publishing_again_answers_the_merge_that_was(store: LakeFSStore) -> None:
    merge = published(store, "r", {"a": b"1"})
    store.drop_branch("run-r")
    later = published(store, "later", {"b": b"2"})
    branch = store.branch("r")
    again = store.publish(branch, "r", message="again", metadata={})
    assert (again, store.head()) == (merge, later.id)


def test_a_run_that_changed_nothing_leaves_main_as_it_is(store: LakeFSStore) -> None:
    before = published(store, "r", {"a": b"1"})
    assert published(store, "same", {"a": b"1"}) == before


def test_main_that_moved_is_not_published_onto(store: LakeFSStore) -> None:
    branch = store.branch("slow")
    store.write(branch.name, {"slow": b"1"}, message="m")
    fast = published(store, "fast", {"fast": b"1"})
    with pytest.raises(MainMoved) as caught:
        store.publish(branch, "slow", message="m", metadata={})
    assert caught.value.actual == fast.id
    assert contents(store) == {"fast": b"1"}


def test_a_branch_brought_up_to_date_holds_both_and_can_be_published(store: LakeFSStore) -> None:
    branch = store.branch("slow")
    store.write(branch.name, {"slow": b"1"}, message="m")
    fast = published(store, "fast", {"fast": b"1"})
    updated = store.update(branch.name)
    assert updated == RunBranch(branch.name, fast.id)
    assert contents(store, branch.name) == {"fast": b"1", "slow": b"1"}
    store.publish(updated, "slow", message="m", metadata={})
    assert contents(store) == {"fast": b"1", "slow": b"1"}


def test_an_update_is_no_commit_where_main_has_not_moved(store: LakeFSStore) -> None:
    branch = store.branch("r")
    commit = store.write(branch.name, {"a": b"1"}, message="m")
    assert store.update(branch.name) == branch
    assert store.head(branch.name) == commit


def test_two_runs_that_change_one_path_are_a_conflict_that_names_it(store: LakeFSStore) -> None:
    branch = store.branch("slow")
    before = store.write(branch.name, {"same": b"1", "own": b"1"}, message="m")
    published(store, "fast", {"same": b"2"})
    with pytest.raises(MergeConflict) as caught:
        store.update(branch.name)
    assert caught.value.paths == ("same",)
    assert store.head(branch.name) == before


def test_steps_of_one_run_write_at_the_same_time(store: LakeFSStore) -> None:
    branch = store.branch("r").name
    with ThreadPoolExecutor(6) as threads:
        write = lambda n: store.write(branch, {f"t{n}/a": b"%d" % n}, message=str(n))  # noqa: E731
        commits = list(threads.map(write, range(6)))
    assert len(set(commits)) == 6
    assert contents(store, branch) == {f"t{n}/a": b"%d" % n for n in range(6)}


def test_no_side_branch_is_left_behind(store: LakeFSStore) -> None:
    published(store, "r", {"a": b"1"})
    store.drop_branch("run-r")
    store.drop_branch("run-r")
    assert list(store.repository.branches("")) == ["main"]


# --- a server that loses objects in three-way merges

Lossy = Callable[[str], LakeFSStores]


def diverged(store: LakeFSStore) -> RunBranch:
    """A run that added y with z's bytes, while main lost z."""
    published(store, "first", {"m": b"m", "z": b"same bytes"})
    branch = store.branch("slow")
    store.write(branch.name, {"y": b"same bytes"}, message="add y")
    published(store, "fast", {}, "z")
    return branch


def test_the_double_shows_the_defect_of_lakefs(make_lossy_stores: Lossy) -> None:
    store = make_lossy_stores("identity").of("digits_small")
    repository = store.repository
    api = repository.connection.sdk.objects_api
    for path in ("m", "z"):
        api.upload_object(repository.name, "main", path, content=b"same bytes")
    repository.commit("main", "base", {})
    repository.make_branch("source", "main")
    repository.delete_objects("source", ["z"])
    repository.commit("source", "delete z", {})
    api.upload_object(repository.name, "main", "y", content=b"same bytes")
    repository.commit("main", "add y", {})
    repository.merge("source", "main", "merge", {})
    assert [one.path for one in repository.objects("main", "")] == ["m"]


def test_objects_of_the_store_are_never_identical_to_lakefs(make_lossy_stores: Lossy) -> None:
    store = make_lossy_stores("identity").of("digits_small")
    branch = store.update(diverged(store).name)
    assert contents(store, branch.name) == {"m": b"m", "y": b"same bytes"}
    assert not any("Mend" in commit.message for commit in store.log(branch.name))


def test_what_an_update_loses_is_mended_before_the_run_sees_it(make_lossy_stores: Lossy) -> None:
    store = make_lossy_stores("content").of("digits_small")
    branch = store.update(diverged(store).name)
    assert contents(store, branch.name) == {"m": b"m", "y": b"same bytes"}
    assert any("Mend" in commit.message for commit in store.log(branch.name))
    store.publish(branch, "slow", message="m", metadata={})
    assert contents(store) == {"m": b"m", "y": b"same bytes"}


def test_a_lossy_merge_is_not_reached_where_main_moved(make_lossy_stores: Lossy) -> None:
    store = make_lossy_stores("content").of("digits_small")
    branch = diverged(store)
    before = store.head()
    with pytest.raises(MainMoved):
        store.publish(branch, "slow", message="m", metadata={})
    assert store.head() == before


def test_a_loss_in_the_last_moment_is_noticed_and_named(
    make_lossy_stores: Lossy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_lossy_stores("content").of("digits_small")
    branch = diverged(store)
    # Somebody moves main between the look and the merge.
    monkeypatch.setattr(store, "_guard", lambda _: None)
    for _ in range(2):
        with pytest.raises(PublishMismatch) as caught:
            store.publish(branch, "slow", message="m", metadata={})
        assert caught.value.missing == ("y",)


def test_a_write_beside_another_loses_nothing_to_a_lossy_merge(make_lossy_stores: Lossy) -> None:
    store = make_lossy_stores("identity").of("digits_small")
    published(store, "first", {"m": b"m", "z": b"same bytes"})
    branch = store.branch("r").name
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(store.write, branch, {"y": b"same bytes"}, message="add")
        two = threads.submit(store.write, branch, {}, message="remove", delete=["z"])
        one.result(), two.result()
    assert contents(store, branch) == {"m": b"m", "y": b"same bytes"}


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_arrive_whole_on_a_lossy_server(
    make_lossy_stores: Lossy, seed: int
) -> None:
    """Two runs at a time, few contents over and over, checked against plain dictionaries."""
    choose = random.Random(seed)
    store = make_lossy_stores("content").of("digits_small")
    main: dict[str, bytes] = {}
    for turn in range(4):
        runs = [store.branch(f"{turn}-{side}") for side in range(2)]
        changes = [random_change(choose, main, side) for side in range(2)]
        for run, (objects, deleted) in zip(runs, changes, strict=True):
            store.write(run.name, objects, message=run.name, delete=deleted)
        for run, (objects, deleted) in zip(runs, changes, strict=True):
            up_to_date = store.update(run.name)
            store.publish(up_to_date, run.name, message="m", metadata={})
            main = {p: c for p, c in {**main, **objects}.items() if p not in deleted}
            assert contents(store) == main
    assert any("Mend" in commit.message for commit in store.log(limit=1000))


def random_change(
    choose: random.Random, main: dict[str, bytes], side: int
) -> tuple[dict[str, bytes], set[str]]:
    """What one run changes; the runs of a turn keep to paths of their own."""
    own = [f"{choose.choice('abc')}{number}" for number in range(side, 20, 2)]
    written = {path: choose.choice([b"1", b"2"]) for path in choose.sample(own, 4)}
    mine = [path for path in main if int(path[1:]) % 2 == side and path not in written]
    return written, set(choose.sample(mine, min(2, len(mine))))
