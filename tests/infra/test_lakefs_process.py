"""Starting, finding and stopping the embedded lakeFS server."""

import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from infra.lakefs.errors import StoreError
from infra.lakefs.process import Server, find, start


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = start(tmp_path / "lakefs")
    yield started
    started.stop()


def _version(server: Server) -> str:
    reply = requests.get(
        f"{server.endpoint}/api/v1/config/version",
        auth=(server.access_key, server.secret_key),
        timeout=10,
    )
    reply.raise_for_status()
    return str(reply.json()["version"])


def _serve(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.lakefs", "serve", "--root", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_started_server_answers_with_its_keys(server: Server) -> None:
    assert _version(server)


def test_starting_again_gives_the_server_that_runs(server: Server) -> None:
    assert start(server.root) == server
    assert find(server.root) == server


def test_those_who_start_it_together_get_one_server(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        started = list(threads.map(start, [tmp_path] * 4))
    started[0].stop()
    for other in started:
        other.wait()
    assert len({server.pid for server in started}) == 1


def test_a_stopped_server_is_not_found(tmp_path: Path) -> None:
    started = start(tmp_path)
    started.stop()
    assert find(tmp_path) is None


def test_a_stopped_server_leaves_its_folder_in_order(tmp_path: Path) -> None:
    server = start(tmp_path)
    assert _version(server)
    server.stop()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        "blobs", "credentials.json", "lakefs.sqlite", "server.lock", "server.log", "tmp"
    }  # fmt: skip
    assert not (tmp_path / "server.log").read_text()


def test_the_keys_survive_a_restart(tmp_path: Path) -> None:
    first = start(tmp_path)
    first.stop()
    second = start(tmp_path)
    second.stop()
    assert (second.access_key, second.secret_key) == (first.access_key, first.secret_key)


def test_nothing_the_server_writes_is_readable_by_others(server: Server) -> None:
    for path in server.root.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_the_secret_key_is_not_logged(server: Server) -> None:
    assert server.secret_key not in (server.root / "server.log").read_text()
    assert server.secret_key not in repr(server)


def test_a_second_server_on_the_folder_is_refused_and_told_who_has_it(server: Server) -> None:
    second = _serve(server.root)
    assert second.returncode == 1
    assert str(server.pid) in second.stderr
    assert server.endpoint in second.stderr


def test_other_machines_are_let_in_only_with_chosen_keys(tmp_path: Path) -> None:
    refused = _serve(tmp_path, "--host", "0.0.0.0")  # noqa: S104
    assert refused.returncode == 1
    assert "LAKEFS_INSTALLATION_ACCESS_KEY_ID" in refused.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=str(port)):
            start(tmp_path, port=port)


def test_a_server_that_nobody_asks_ends_in_order_and_leaves_its_folder_free(tmp_path: Path) -> None:
    forsaken = start(tmp_path, idle_exit_seconds=0.3)
    assert _version(forsaken)
    forsaken.wait()
    assert find(tmp_path) is None
    assert not (tmp_path / "server.log").read_text()


def test_a_server_that_is_asked_in_time_does_not_end(tmp_path: Path) -> None:
    asked = start(tmp_path, idle_exit_seconds=2)
    for _ in range(6):
        time.sleep(0.5)
        assert _version(asked)
    asked.stop()


def test_a_request_that_takes_long_keeps_the_server(tmp_path: Path) -> None:
    asked = start(tmp_path, idle_exit_seconds=0.5)
    auth = (asked.access_key, asked.secret_key)
    api = f"{asked.endpoint}/api/v1/repositories"
    body = {"name": "slow", "storage_namespace": "local://slow"}
    requests.post(api, json=body, auth=auth, timeout=10).raise_for_status()

    def slowly() -> Iterator[bytes]:
        for _ in range(4):
            time.sleep(0.4)
            yield b"x"

    sent = requests.post(
        f"{api}/slow/branches/main/objects?path=a", data=slowly(), auth=auth, timeout=10
    )
    assert sent.status_code == 201
    asked.wait()


def test_a_folder_that_cannot_be_made_is_named_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = _serve(tmp_path / "file" / "lakefs")
    assert refused.returncode == 1
    assert "cannot be used" in refused.stderr
    assert "Traceback" not in refused.stderr
