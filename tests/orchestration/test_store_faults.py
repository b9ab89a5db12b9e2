"""What the store makes of a server that fails, is busy, or loses its answers on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from assets.errors import ObjectCorrupt, StoreError, StoreRefused, StoreUnavailable
from orchestration.store.answers import Answer, Patience
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.dataset import LakeFSStore
from orchestration.store.stores import LakeFSStores

COMMIT = r"POST .*/commits$"
MERGE_TO_MAIN = r"POST .*/merge/main$"
MERGE = r"POST .*/merge/"
UPLOAD = r"POST .*/objects\?path="
TAG = r"POST .*/tags$"
BRANCH = r"POST .*/branches$"

MakeStores = Callable[..., LakeFSStores]


@pytest.fixture
def store(make_stores: MakeStores, proxy: Any) -> LakeFSStore:
    return make_stores(proxy.url).of("digits_small")


def run(store: LakeFSStore) -> None:
    """Everything that a run asks of the store."""
    branch = store.branch("r")
    store.write(branch.name, {"t/a": b"1", "t/b": b"2"}, message="m")
    merge = store.publish(branch, "r", message="publish", metadata={})
    store.tag("v0001", merge.id)
    store.drop_branch(branch.name)


def assert_done_once(store: LakeFSStore) -> None:
    merges = [one for one in store.log() if one.metadata.get("run_id") == "r"]
    assert [one.id for one in merges] == [store.releases()["v0001"]]
    assert [one.path for one in store.listing(store.head())] == ["t/a", "t/b"]
    assert list(store.repository.branches("")) == ["main"]


@pytest.mark.parametrize("pattern", [COMMIT, MERGE, UPLOAD, TAG, BRANCH, r"GET .*/log|GET .*/diff"])
@pytest.mark.parametrize(
    "answer",
    [
        (429, "too many requests"),
        (503, "slow down"),
        (500, "branch is locked, try again"),
        (500, "predicate failed"),
        (None, "the connection is cut"),
    ],
)
def test_a_busy_server_is_waited_for(
    store: LakeFSStore, proxy: Any, fault: Any, pattern: str, answer: tuple[int | None, str]
) -> None:
    proxy.faults.append(fault(pattern, 2, *answer))
    run(store)
    assert_done_once(store)


@pytest.mark.parametrize("pattern", [COMMIT, MERGE, MERGE_TO_MAIN, UPLOAD, TAG, BRANCH, "DELETE "])
def test_an_answer_that_gets_lost_does_nothing_twice(
    store: LakeFSStore, proxy: Any, fault: Any, pattern: str
) -> None:
    proxy.faults.append(fault(pattern, 1, carried_out=True))
    run(store)
    assert_done_once(store)


@pytest.mark.parametrize("pattern", [UPLOAD, COMMIT, MERGE])
def test_a_server_that_stays_away_in_a_write_leaves_the_branch_as_it_was(
    make_stores: MakeStores, proxy: Any, fault: Any, pattern: str
) -> None:
    sound = make_stores().of("digits_small")
    branch = sound.branch("r")
    store = make_stores(proxy.url, patience_seconds=0.3).of("digits_small")
    proxy.faults.append(fault(pattern, 1000))
    with pytest.raises(StoreUnavailable, match=r"within 0\.3 s"):
        store.write(branch.name, {"a": b"1", "b": b"2"}, message="m")
    assert sound.head(branch.name) == branch.base
    assert sound.listing(branch.name) == []
    proxy.faults.clear()
    assert store.write(branch.name, {"a": b"1", "b": b"2"}, message="m") != branch.base


def test_a_server_that_is_not_there_is_unavailable_soon() -> None:
    connection = Connection(Endpoint("http://127.0.0.1:9", "a", "b"), patience=Patience(0.2))
    with pytest.raises(StoreUnavailable, match="doctor"):
        LakeFSStores(connection, None).of("digits")  # type: ignore[arg-type]


def test_a_run_killed_between_merge_and_tag_is_completed_once(
    make_stores: MakeStores, proxy: Any, fault: Any
) -> None:
    proxy.faults.append(fault(TAG, 1000))
    with pytest.raises(StoreUnavailable):
        run(make_stores(proxy.url, patience_seconds=0.2).of("digits_small"))
    again = make_stores().of("digits_small")
    run(again)
    assert_done_once(again)


def test_a_run_killed_before_the_merge_leaves_main_and_is_completed(
    make_stores: MakeStores, proxy: Any, fault: Any
) -> None:
    proxy.faults.append(fault(MERGE_TO_MAIN, 1000))
    again = make_stores().of("digits_small")
    before = again.head()
    with pytest.raises(StoreUnavailable):
        run(make_stores(proxy.url, patience_seconds=0.2).of("digits_small"))
    assert again.head() == before
    run(again)
    assert_done_once(again)


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "secret"), (403, "protected"), (412, "hook"), (500, "bug")]
)
def test_a_final_answer_is_not_asked_for_again(
    store: LakeFSStore, proxy: Any, fault: Any, status: int, hint: str
) -> None:
    branch = store.branch("r")
    proxy.faults.append(fault(COMMIT, 1000, status, "a bug"))
    with pytest.raises(StoreRefused, match=hint) as caught:
        store.write(branch.name, {"a": b"1"}, message="m")
    assert caught.value.status == status
    assert sum("/commits" in request for request in proxy.requests if "POST" in request) == 1


def test_wrong_keys_are_named_not_waited_for(lakefs_server: Any, tmp_path: Any) -> None:
    connection = Connection(Endpoint(lakefs_server.endpoint, "wrong", "keys"))
    with pytest.raises(StoreRefused, match="access key"):
        LakeFSStores(connection, tmp_path).of("digits")


def test_bytes_that_are_not_what_their_digest_names_are_not_handed_out(
    make_stores: MakeStores,
) -> None:
    writer = make_stores().of("digits_small")
    branch = writer.branch("r").name
    repository = writer.repository
    repository.connection.sdk.objects_api.upload_object(
        repository.name, branch, "a", content=b"2", _headers={"x-lakefs-meta-sha256": "0" * 64}
    )
    commit = repository.commit(branch, "by hand", {})
    with pytest.raises(ObjectCorrupt, match="doctor"):
        make_stores().of("digits_small").read(commit, "a")


def test_an_object_that_somebody_else_put_there_is_read_too(make_stores: MakeStores) -> None:
    store = make_stores().of("digits_small")
    branch = store.branch("r").name
    repository = store.repository
    repository.connection.sdk.objects_api.upload_object(
        repository.name, branch, "a", content=b"by hand"
    )
    commit = repository.commit(branch, "by hand", {})
    assert store.read(commit, "a") == b"by hand"


@pytest.mark.parametrize(
    ("status", "message", "waits"),
    [
        (0, "connection refused", True),
        (429, "", True),
        (503, "", True),
        (500, "branch locked", True),
        (500, "nil pointer", False),
        (400, "commit: no changes", False),
        (404, "", False),
        (409, "", False),
        (412, "", False),
    ],
)
def test_the_table_of_answers(status: int, message: str, waits: bool) -> None:
    assert Answer(status, message).worth_waiting is waits


def test_a_full_disk_below_the_cache_says_so_and_writes_go_on(
    make_stores: MakeStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    store = make_stores().of("digits_small")
    monkeypatch.setattr("orchestration.store.cache._moved", full)
    commit = store.write(store.branch("r").name, {"a": b"1"}, message="m")
    assert [one.path for one in store.listing(commit)] == ["a"]
    with pytest.raises(StoreError, match="free some disk"):
        store.read(commit, "a")
