"""Kills the embedded lakeFS server at random moments, under writers, and counts what was lost.

python -m benchmarks.lakefs_crash --rounds 200 [--disk-full] [--seed 1] [--root DIR]

Eight writers put, delete, commit and merge; a SIGKILL ends the server in the middle. After the
restart, all that was acknowledged must read back with its digest, every acknowledged commit must
hold what it held, and no branch may point at nothing. With --disk-full the server also runs into a
limit on the size of its files before it is killed, as on a full disk, and must work on once the
limit is lifted.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import md5, sha256
from pathlib import Path
from urllib.parse import quote

import requests

from infra.lakefs.check import check
from infra.lakefs.process import Server, start

WRITERS = 8
REPOSITORY = "crash"
_PATHS = 40
# Both sides of the size up to which bytes are kept in the database.
_SIZES = (0, 10, 1000, 16_384, 16_385, 100_000, 700_000)
_REFUSED = {400, 507}

State = dict[str, str]


class LostError(AssertionError):
    """Something that was acknowledged is gone or changed."""


class Client:
    """Plain HTTP against one running server."""

    def __init__(self, server: Server) -> None:
        self._session = requests.Session()
        self._session.auth = (server.access_key, server.secret_key)
        self._base = f"{server.endpoint}/api/v1/repositories"

    def create(self) -> None:
        body = {"name": REPOSITORY, "storage_namespace": f"local://{REPOSITORY}"}
        self._session.post(self._base, json=body, timeout=30).raise_for_status()

    def call(self, method: str, path: str, **options: object) -> requests.Response:
        url = f"{self._base}/{REPOSITORY}{path}"
        return self._session.request(method, url, timeout=60, **options)  # type: ignore[arg-type]

    def branch(self, name: str) -> None:
        self.call("POST", "/branches", json={"name": name, "source": "main"}).raise_for_status()

    def put(self, branch: str, path: str, data: bytes) -> int:
        return self.call(
            "POST", f"/branches/{branch}/objects", params={"path": path}, data=data
        ).status_code

    def delete(self, branch: str, path: str) -> int:
        return self.call("DELETE", f"/branches/{branch}/objects", params={"path": path}).status_code

    def commit(self, branch: str, message: str) -> requests.Response:
        return self.call("POST", f"/branches/{branch}/commits", json={"message": message})

    def merge(self, source: str, branch: str) -> requests.Response:
        return self.call("POST", f"/refs/{source}/merge/{branch}", json={})

    def content(self, ref: str, path: str) -> bytes | None:
        reply = self.call("GET", f"/refs/{ref}/objects", params={"path": path})
        return reply.content if reply.status_code == 200 else None

    def checksums(self, ref: str, prefix: str) -> State:
        """MD5 by path, of everything under a prefix."""
        found: State = {}
        after = ""
        while True:
            query = {"prefix": prefix, "after": after, "amount": "1000"}
            reply = self.call("GET", f"/refs/{quote(ref, safe='')}/objects/ls", params=query)
            reply.raise_for_status()
            page = reply.json()
            found |= {one["path"]: one["checksum"] for one in page["results"]}
            if not page["pagination"]["has_more"]:
                return found
            after = page["pagination"]["next_offset"]

    def log(self, ref: str) -> Iterator[str]:
        after = ""
        while True:
            query = {"amount": "1000", "after": after}
            page = self.call("GET", f"/refs/{ref}/commits", params=query).json()
            yield from (one["id"] for one in page["results"])
            if not page["pagination"]["has_more"]:
                return
            after = page["pagination"]["next_offset"]


@dataclass(frozen=True, slots=True)
class AckedCommit:
    """A commit or merge the server acknowledged, and what its writer had in it."""

    id: str
    branch: str
    files: Mapping[str, str]


@dataclass(slots=True)
class Writer:
    """One writer and what it was told; only it writes under its prefix."""

    name: str
    branch: str
    acked: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, bytes | None] = field(default_factory=dict)
    commits: list[AckedCommit] = field(default_factory=list)
    answers: int = 0
    refused: int = 0
    fault: LostError | None = None

    def write_until_killed(self, server: Server, seed: int) -> None:
        client, chance = Client(server), random.Random(seed)
        try:
            while True:
                self._step(client, chance)
        except requests.RequestException:
            return
        except LostError as error:
            self.fault = error

    def _step(self, client: Client, chance: random.Random) -> None:
        path = f"{self.name}/{chance.randrange(_PATHS):02}"
        kind = chance.random()
        if kind < 0.8:
            self._put(client, path, chance.randbytes(chance.choice(_SIZES)))
        elif kind < 0.88:
            self._delete(client, path)
        else:
            self._commit(client, merge=self.branch != "shared" and chance.random() < 0.5)

    def _put(self, client: Client, path: str, data: bytes) -> None:
        self.asked[path] = data
        status = client.put(self.branch, path, data)
        if self._accepted(status, 201):
            self.acked[path] = data
        del self.asked[path]

    def _delete(self, client: Client, path: str) -> None:
        self.asked[path] = None
        if self._accepted(client.delete(self.branch, path), 204):
            self.acked.pop(path, None)
        del self.asked[path]

    def _commit(self, client: Client, *, merge: bool) -> None:
        files = {path: md5(data).hexdigest() for path, data in self.acked.items()}  # noqa: S324
        reply = client.commit(self.branch, f"{self.name} {self.answers}")
        if not self._accepted(reply.status_code, 201):
            return
        self.commits.append(AckedCommit(reply.json()["id"], self.branch, files))
        if merge:
            reply = client.merge(self.branch, "main")
            if self._accepted(reply.status_code, 200):
                self.commits.append(AckedCommit(reply.json()["reference"], "main", files))

    def _accepted(self, status: int, wanted: int) -> bool:
        self.answers += 1
        if status == wanted:
            return True
        if status not in _REFUSED:
            raise LostError(f"{self.name}: unexpected answer {status}")
        self.refused += 1
        return False

    def settle(self, client: Client, *, thorough: bool) -> int:
        """Compare what is there with what was acknowledged; what was asked for may be there."""
        found = client.checksums(self.branch, f"{self.name}/")
        for path in sorted(self.acked.keys() | self.asked.keys() | found.keys()):
            data = client.content(self.branch, path) if thorough or path in self.asked else None
            if data is None and path in found and not thorough and path not in self.asked:
                data = self._listed(path, found[path])
            self._judge(path, data)
        self.asked.clear()
        return len(self.acked)

    def _listed(self, path: str, checksum: str) -> bytes | None:
        known = self.acked.get(path)
        same = known is not None and md5(known).hexdigest() == checksum  # noqa: S324
        return known if same else b"listed with checksum " + checksum.encode()

    def _judge(self, path: str, data: bytes | None) -> None:
        allowed = [self.acked.get(path)]
        if path in self.asked:
            allowed.append(self.asked[path])
        if data not in allowed:
            wanted = [_name(one) for one in allowed]
            raise LostError(f"{self.branch}:{path} is {_name(data)}, acknowledged: {wanted}")
        if data is None:
            self.acked.pop(path, None)
        else:
            self.acked[path] = data

    def check_commits(self, client: Client, commits: list[AckedCommit]) -> None:
        """Every commit is there and holds what its writer had put before."""
        for commit in commits:
            found = client.checksums(commit.id, f"{self.name}/")
            if found != commit.files:
                raise LostError(f"commit {commit.id} of {self.name} changed")


def _name(data: bytes | None) -> str:
    return "nothing" if data is None else f"{len(data)} bytes {sha256(data).hexdigest()[:12]}"


@dataclass(slots=True)
class Harness:
    """A folder, its writers, and what happened to them."""

    root: Path
    seed: int = 0
    disk_full: bool = False
    thorough: bool = True
    writers: list[Writer] = field(default_factory=list)
    kills: int = 0

    def prepare(self) -> None:
        """Make the repository and a branch of its own for every second writer."""
        server = start(self.root)
        client = Client(server)
        client.create()
        client.branch("shared")
        for number in range(WRITERS):
            branch = "shared" if number % 2 else f"own{number}"
            if branch != "shared":
                client.branch(branch)
            self.writers.append(Writer(f"w{number}", branch))
        server.stop()

    def round(self, number: int) -> None:
        """Start, write, kill, start again, compare."""
        chance = random.Random(self.seed * 1_000_003 + number)
        before = {writer.name: len(writer.commits) for writer in self.writers}
        server = start(self.root)
        threads = [
            threading.Thread(target=writer.write_until_killed, args=(server, chance.random()))
            for writer in self.writers
        ]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.02, 0.7))
        if self.disk_full:
            self._fill_disk(server, chance)
        _kill(server)
        for thread in threads:
            thread.join()
        self.kills += 1
        for writer in self.writers:
            if writer.fault:
                raise writer.fault
        self._compare(before)

    def _fill_disk(self, server: Server, chance: random.Random) -> None:
        """No file may grow for a while; in every second round it is killed in that state."""
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (_largest(self.root), -1))
        time.sleep(chance.uniform(0.05, 0.3))
        if chance.random() < 0.5:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (-1, -1))
            if Client(server).put("shared", "room-again", b"") != 201:
                raise LostError("the server did not write on after the disk was full")
            time.sleep(chance.uniform(0.05, 0.2))

    def _compare(self, before: Mapping[str, int]) -> None:
        server = start(self.root)
        client = Client(server)
        heads = {branch: set(client.log(branch)) for branch in self._branches()}
        for writer in self.writers:
            writer.settle(client, thorough=self.thorough)
            new = writer.commits[before[writer.name] :]
            writer.check_commits(client, new)
            missing = [one.id for one in writer.commits if one.id not in heads[one.branch]]
            if missing:
                raise LostError(f"commits {missing} are not in their branch's history")
        server.stop()

    def _branches(self) -> set[str]:
        return {"main", *(writer.branch for writer in self.writers)}

    def finish(self) -> None:
        """Everything once more, and every blob and node read."""
        server = start(self.root)
        client = Client(server)
        for writer in self.writers:
            writer.settle(client, thorough=True)
            writer.check_commits(client, writer.commits)
        server.stop()
        damaged = check(self.root).damaged
        if damaged:
            raise LostError(f"damaged: {damaged}")

    def summary(self) -> str:
        """What was done, in one line."""
        answers = sum(writer.answers for writer in self.writers)
        refused = sum(writer.refused for writer in self.writers)
        commits = sum(len(writer.commits) for writer in self.writers)
        return (
            f"{self.kills} kills, {answers} answers of which {refused} refusals,"
            f" {commits} commits and merges acknowledged, nothing lost"
        )


def _kill(server: Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    server.wait()


def _largest(root: Path) -> int:
    """So much that the write-ahead log, which grows most, has no room left."""
    return max(path.stat().st_size for path in root.iterdir() if path.is_file())


def run(root: Path, rounds: int, *, seed: int, disk_full: bool, thorough: bool = True) -> str:
    """Kill the server of a new folder that often; returns what was done.

    Raises:
        LostError: Something that was acknowledged is not there.
    """
    harness = Harness(root, seed, disk_full, thorough)
    harness.prepare()
    for number in range(rounds):
        harness.round(number)
        if sys.stdout.isatty() or number % 20 == 19:
            print(f"round {number + 1}: {harness.summary()}", flush=True)
    harness.finish()
    return harness.summary()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disk-full", action="store_true")
    parser.add_argument("--root", type=Path, help="a new folder; kept")
    options = parser.parse_args()
    root = options.root or Path(tempfile.mkdtemp(prefix="lakefs-crash-"))
    print(run(root, options.rounds, seed=options.seed, disk_full=options.disk_full))
    if not options.root:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
