"""What happens while a commit is under way is neither lost nor undone."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.lakefs import branches, history, objects, staging, tree
from infra.lakefs.blobs import content_of
from infra.lakefs.changes import Target, commit, merge
from infra.lakefs.entry import Entry
from infra.lakefs.errors import StoreError
from infra.lakefs.history import Draft
from infra.lakefs.objects import delete
from infra.lakefs.repositories import create, find
from infra.lakefs.store import Store
from infra.lakefs.tree import EMPTY_ROOT

_MAIN = Target("own", "main")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store with the repository `own`, whose main branch holds `old`."""
    opened = Store(tmp_path)

    def create_own(db: sqlite3.Connection) -> None:
        made = create(db, "own", "local://own", "main", read_only=False)
        root = history.make(Draft("", "first"), EMPTY_ROOT, [])
        history.insert(db, made, root)
        branches.create(db, made, "main", root.id, area=opened.next_sequence())

    opened.write(create_own)
    _stage(opened, "old")
    commit(opened, _MAIN, Draft("me", "old"), allow_empty=False)
    yield opened
    opened.close()


def _stage(store: Store, path: str) -> None:
    content = content_of(path.encode())
    entry = Entry(content.size, content.md5, content.sha256)
    store.write(lambda db: objects.stage(db, store, _MAIN, path.encode(), entry, content=content))


def _paths(store: Store, ref: str) -> list[bytes]:
    with store.read() as db:
        return [key for key, _ in staging.view(db, store, find(db, "own"), ref).items()]


def _staged_rows(store: Store) -> int:
    with store.read() as db:
        return int(db.execute("SELECT count(*) FROM staging").fetchone()[0])


def _during_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch, event: Callable[[], None]
) -> None:
    """Commit what is staged, and let something happen after the commit has seen it."""
    apply = tree.apply

    def late(*arguments: Any) -> Any:
        event()
        return apply(*arguments)

    monkeypatch.setattr(tree, "apply", late)
    commit(store, _MAIN, Draft("me", "m"), allow_empty=False)
    monkeypatch.undo()


@pytest.mark.parametrize("path", ["new", "old"])
def test_a_delete_during_a_commit_is_not_undone_by_it(store, monkeypatch, path) -> None:
    _stage(store, "new")
    key = path.encode()
    _during_commit(
        store, monkeypatch, lambda: store.write(lambda db: delete(db, store, _MAIN, [key]))
    )
    assert key in _paths(store, "main@")
    assert key not in _paths(store, "main")
    commit(store, _MAIN, Draft("me", "gone"), allow_empty=False)
    assert key not in _paths(store, "main@")


def test_an_upload_during_a_commit_stays_staged(store, monkeypatch) -> None:
    _stage(store, "new")
    _during_commit(store, monkeypatch, lambda: _stage(store, "late"))
    assert _paths(store, "main@") == [b"new", b"old"]
    assert _paths(store, "main") == [b"late", b"new", b"old"]


def test_a_large_commit_leaves_no_staged_rows(store) -> None:
    for number in range(2500):
        _stage(store, f"many/{number}")
    commit(store, _MAIN, Draft("me", "m"), allow_empty=False)
    assert len(_paths(store, "main@")) == 2501
    deadline = time.monotonic() + 10
    while _staged_rows(store) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _staged_rows(store) == 0


def test_uploads_that_change_nothing_do_not_shadow_a_later_merge(store) -> None:
    with store.read() as db:
        repository = find(db, "own")
        head = branches.existing(db, repository, "main").head
    area = store.next_sequence()
    store.write(lambda db: branches.create(db, repository, "side", head, area=area))
    store.write(lambda db: delete(db, store, Target("own", "side"), [b"old"]))
    commit(store, Target("own", "side"), Draft("me", "gone"), allow_empty=False)
    _stage(store, "old")
    merge(store, _MAIN, "side", Draft("me", "merge"))
    assert _paths(store, "main") == []


def test_jobs_of_one_batch_do_not_undo_each_other(store) -> None:
    def refuse(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO namespace VALUES ('half')")
        raise StoreError("refused")

    refused = store.submit(refuse)
    kept = store.submit(lambda db: db.execute("INSERT INTO namespace VALUES ('whole')") and None)
    kept.result()
    with pytest.raises(StoreError, match="refused"):
        refused.result()
    with store.read() as db:
        names = {name for (name,) in db.execute("SELECT address FROM namespace")}
    assert names == {"local://own", "whole"}
