"""A dataset of very many keys on the embedded lakeFS server: what each operation costs over HTTP.

python -m benchmarks.lakefs_scale --keys 1000000

The keys are staged in-process, since a million uploads take a quarter of an hour; all that is
timed goes over HTTP.
"""

import argparse
import itertools
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from infra.lakefs import branches, history, objects, repositories, tree
from infra.lakefs.blobs import content_of
from infra.lakefs.changes import Target
from infra.lakefs.entry import Entry
from infra.lakefs.history import Draft
from infra.lakefs.process import Server, start
from infra.lakefs.store import Store

NAME = "scale"
_PREFIXES = 100
_ROWS_PER_WRITE = 10_000


def fill(root: Path, keys: int) -> None:
    """A repository whose main branch has that many staged objects."""
    store = Store(root)
    content = content_of(b"x")
    entry = Entry(content.size, content.md5, content.sha256)

    def create(db: object) -> None:
        made = repositories.create(db, NAME, f"local://{NAME}", "main", read_only=False)
        first = history.make(Draft("", "Repository created"), tree.EMPTY_ROOT, [])
        history.insert(db, made, first)
        branches.create(db, made, "main", first.id, area=store.next_sequence())
        objects.record(db, content)

    def stage(db: object, part: tuple[int, ...]) -> None:
        for number in part:
            objects.stage(db, store, Target(NAME, "main"), _key(number), entry)

    store.write(create)
    numbers = iter(range(keys))
    while part := tuple(itertools.islice(numbers, _ROWS_PER_WRITE)):
        store.write(lambda db, part=part: stage(db, part))
    store.close()


def _key(number: int) -> bytes:
    return b"data/%02d/%08d" % (number % _PREFIXES, number)


class Client:
    """Plain HTTP, timed."""

    def __init__(self, server: Server) -> None:
        self._session = requests.Session()
        self._session.auth = (server.access_key, server.secret_key)
        self._base = f"{server.endpoint}/api/v1/repositories/{NAME}"

    def call(self, method: str, path: str, **options: object) -> requests.Response:
        reply = self._session.request(method, self._base + path, timeout=600, **options)
        reply.raise_for_status()
        return reply

    def commit(self, branch: str) -> str:
        body = {"message": "m"}
        return str(self.call("POST", f"/branches/{branch}/commits", json=body).json()["id"])


def _timed(name: str, task: Callable[[], object], repeats: int = 1) -> object:
    took, result = [], None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = task()
        took.append((time.perf_counter() - begin) * 1000)
    print(f"{name:34s} {statistics.median(took):10.1f} ms", flush=True)
    return result


def measure(server: Server, keys: int) -> None:
    """Commit, list, diff and merge, each a few times."""
    client = Client(server)
    base = _timed("commit of all keys", lambda: client.commit("main"))
    middle = _key(keys // 2).decode()
    page = f"/refs/{base}/objects/ls?amount=1000"
    _timed("list 1000", lambda: client.call("GET", page), 5)
    _timed("list 1000 in the middle", lambda: client.call("GET", f"{page}&after={middle}"), 5)
    _timed("list the root with delimiter", lambda: client.call("GET", f"{page}&delimiter=/"), 5)
    for count in (1, 10, 100, 1000):
        branch = f"b{count}"
        _timed("create branch", lambda name=branch: _branch(client, name))
        for number in range(count):
            path = _key(number * 7919 % keys).decode() + "-new"
            client.call("POST", f"/branches/{branch}/objects?path={path}", data=b"new")
        new = _timed(f"commit of {count} changes", lambda name=branch: client.commit(name))
        diff = f"/refs/{base}/diff/{new}?type=two_dot&amount=1000"
        _timed(f"diff of {count} changes", lambda path=diff: client.call("GET", path), 3)
    _timed("merge of 10 into 100 changes", lambda: client.call("POST", "/refs/b10/merge/b100"))


def _branch(client: Client, name: str) -> None:
    client.call("POST", "/branches", json={"name": name, "source": "main"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=1_000_000)
    keys = parser.parse_args().keys
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        begin = time.perf_counter()
        fill(root, keys)
        print(f"{keys:,} keys staged in-process in {time.perf_counter() - begin:.1f} s")
        server = start(root)
        try:
            measure(server, keys)
            status = Path(f"/proc/{server.pid}/status").read_text()
            peak = re.search(r"VmHWM:\s+(\d+) kB", status)
            size = sum(path.stat().st_size for path in root.glob("lakefs.sqlite*"))
            print(
                f"peak memory {int(peak[1]) // 1024 if peak else '?'} MiB, {size >> 20} MiB on disk"
            )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
