"""What becomes of the folder: damage is told, refuse is removed, a newer store is left alone."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from infra.lakefs import history
from infra.lakefs.auth import Auth, credentials
from infra.lakefs.check import check
from infra.lakefs.errors import StoreError, UnauthorizedError
from infra.lakefs.gc import collect
from infra.lakefs.history import Draft
from infra.lakefs.process import find as find_server
from infra.lakefs.process import start
from infra.lakefs.repositories import create, find
from infra.lakefs.store import Store
from infra.lakefs.tree import EMPTY_ROOT

_SMALL, _LARGE = b"small", b"large" * 10_000
_DAY_AND_MORE = 100_000


def _damage(root: Path, digest: str) -> None:
    path = root / "blobs" / digest[:2] / digest
    if path.exists():
        path.write_bytes(b"?" + path.read_bytes()[1:])
        return
    with sqlite3.connect(root / "lakefs.sqlite") as db:
        db.execute("UPDATE blob SET inline = ? WHERE sha256 = ?", (b"other", digest))


def _blobs(root: Path) -> set[str]:
    with sqlite3.connect(root / "lakefs.sqlite") as db:
        return {digest for (digest,) in db.execute("SELECT sha256 FROM blob")}


def _age(root: Path) -> None:
    """Make everything look a day older."""
    with sqlite3.connect(root / "lakefs.sqlite") as db:
        db.execute("UPDATE blob SET created = created - ?", (_DAY_AND_MORE,))
        db.execute("UPDATE upload SET created = created - ?", (_DAY_AND_MORE,))
    then = time.time() - _DAY_AND_MORE
    for path in (root / "blobs").glob("??/*"):
        os.utime(path, (then, then))


@pytest.mark.parametrize("data", [_SMALL, _LARGE], ids=["in the database", "in a file"])
def test_a_damaged_object_is_gone_for_readers_and_named_by_check(served, data) -> None:
    repo = served()
    repo.put("dir/a", data)
    repo.commit()
    (digest,) = _blobs(repo.server.root)
    _damage(repo.server.root, digest)
    assert repo.get("dir/a").status_code == 410
    (found,) = check(repo.server.root).damaged
    assert (found.what, found.name, found.used_by) == ("blob", digest, ("own/dir/a",))


@pytest.mark.parametrize("data", [_SMALL, _LARGE], ids=["in the database", "in a file"])
def test_uploading_the_bytes_again_heals_a_damaged_object(served, data) -> None:
    repo = served()
    repo.put("a", data)
    (digest,) = _blobs(repo.server.root)
    _damage(repo.server.root, digest)
    repo.put("b", data)
    assert repo.get("a").content == data
    assert check(repo.server.root).damaged == ()


def test_a_missing_file_is_gone_for_readers(served) -> None:
    repo = served()
    repo.put("a", _LARGE)
    (digest,) = _blobs(repo.server.root)
    (repo.server.root / "blobs" / digest[:2] / digest).unlink()
    assert repo.get("a").status_code == 410


def test_a_damaged_tree_node_is_told_and_stops_gc(served) -> None:
    repo = served()
    repo.put("a", _SMALL)
    repo.commit()
    repo.server.stop()
    with sqlite3.connect(repo.server.root / "lakefs.sqlite") as db:
        db.execute("UPDATE node SET data = zeroblob(9) WHERE digest != ?", (EMPTY_ROOT,))
    assert [one.what for one in check(repo.server.root).damaged] == ["node"]
    with pytest.raises(StoreError, match="damaged"):
        collect(repo.server.root)
    reply = served().get("a")
    assert reply.status_code == 500
    assert "damaged" in reply.json()["message"]


def test_check_says_in_its_exit_status_whether_all_is_well(served) -> None:
    repo = served()
    repo.put("a", _SMALL)
    command = [sys.executable, "-m", "infra.lakefs", "check", "--json", "--root", repo.server.root]
    sound = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(sound.stdout)["damaged"] == []
    _damage(repo.server.root, *_blobs(repo.server.root))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_gc_removes_what_nothing_refers_to_and_nothing_else(served) -> None:
    repo = served()
    repo.put("kept", _LARGE)
    repo.commit()
    repo.put("staged", _LARGE + b"2")
    repo.branch("gone")
    repo.put("dropped", _LARGE + b"3", branch="gone")
    repo.put("small", _SMALL, branch="gone")
    repo.call("DELETE", "/branches/gone")
    repo.server.stop()
    _age(repo.server.root)
    foreseen = collect(repo.server.root, dry_run=True)
    assert len(_blobs(repo.server.root)) == 4
    assert collect(repo.server.root) == foreseen
    assert (foreseen.blobs, foreseen.bytes) == (2, len(_LARGE) + 1 + len(_SMALL))
    repo = served()
    assert repo.get("kept").content == _LARGE
    assert repo.get("staged").content == _LARGE + b"2"
    assert check(repo.server.root).damaged == ()


def test_gc_keeps_what_was_uploaded_lately(served) -> None:
    repo = served()
    repo.put("a", _LARGE)
    repo.call("DELETE", "/branches/main/objects?path=a")
    repo.server.stop()
    assert collect(repo.server.root).blobs == 0


def test_gc_removes_a_deleted_repository_and_frees_its_namespace(served) -> None:
    repo = served()
    repo.put("a", _LARGE)
    repo.commit()
    assert repo.call("DELETE", "").status_code == 204
    repo.server.stop()
    _age(repo.server.root)
    found = collect(repo.server.root)
    assert (found.blobs, found.nodes) == (1, 1)
    store = Store(repo.server.root)
    made = store.write(lambda db: create(db, "own", "local://own", "main", read_only=False))
    store.close()
    assert made.namespace == "local://own"


def test_gc_leaves_a_served_folder_alone(served) -> None:
    repo = served()
    with pytest.raises(StoreError, match=str(repo.server.pid)):
        collect(repo.server.root)


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "lakefs.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        start(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lakefs.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened"):
        start(tmp_path)


def test_a_clock_that_jumps_back_does_not_turn_history_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    repository = store.write(lambda db: create(db, "own", "local://own", "main", read_only=False))
    made: list[history.Commit] = []
    for now in (5_000, 9_000, 1_000, 2_000):
        monkeypatch.setattr(history.time, "time_ns", lambda now=now: now * 10**9)
        made.append(history.make(Draft("me", "m"), EMPTY_ROOT, made[-1:]))
        store.write(lambda db: history.insert(db, repository, made[-1]))
    with store.read() as db:
        found = history.log(db, find(db, "own"), made[-1].id, first_parent=False)
        assert [one.id for one in found] == [one.id for one in reversed(made)]
    store.close()


def test_a_signature_ends_with_its_time_and_is_for_its_purpose(tmp_path: Path) -> None:
    auth = Auth(credentials(tmp_path))
    assert auth.unseal("get", auth.seal("get", {"exp": time.time() + 60})) is not None
    assert auth.unseal("get", auth.seal("get", {"exp": time.time() - 1})) is None
    assert auth.unseal("get", auth.seal("put", {"exp": time.time() + 60})) is None


def test_chosen_keys_replace_the_generated_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated = credentials(tmp_path)
    monkeypatch.setenv("LAKEFS_INSTALLATION_ACCESS_KEY_ID", "chosen")
    with pytest.raises(StoreError, match="both"):
        credentials(tmp_path)
    monkeypatch.setenv("LAKEFS_INSTALLATION_SECRET_ACCESS_KEY", "secret")
    chosen = credentials(tmp_path)
    assert not chosen.generated
    with pytest.raises(UnauthorizedError):
        Auth(chosen).login(generated.access_key, generated.secret_key)


def test_the_access_log_has_a_line_per_request_and_no_secrets(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.lakefs", "serve", "--access-log", "--presign"]
    with subprocess.Popen([*command, "--root", tmp_path], stderr=subprocess.PIPE) as child:
        while not (server := find_server(tmp_path)):
            time.sleep(0.02)
        keys = (server.access_key, server.secret_key)
        url = f"{server.endpoint}/_blob/signed-and-secret"
        requests.get(f"{server.endpoint}/api/v1/config", auth=keys, timeout=10)
        requests.get(url, timeout=10)
        server.stop()
        assert child.stderr
        logged = child.stderr.read().decode()
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/api/v1/config", 200),
        ("/_blob/...", 403),
    ]
    assert "signed-and-secret" not in logged
    assert server.secret_key not in logged
