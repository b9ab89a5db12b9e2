"""Moves a dataset to another lakeFS server: its history is replayed, commit by commit, and checked.

Commit ids are addresses of what a server knows, so the target's differ; each of its commits says in
its metadata which one it replays (`pushed_from`). Trees are compared by what each commit changed:
both histories begin empty, so equal changes make equal trees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory

from assets.errors import StoreRefused
from assets.ports import Commit, StoredObject
from orchestration.errors import PushMismatch, PushRefused
from orchestration.store.answers import CONFLICT
from orchestration.store.cache import Cache, digest_of
from orchestration.store.dataset import LakeFSStore
from orchestration.store.merging import head
from orchestration.store.objects import fetch_all, upload_all
from orchestration.store.repository import MAIN, Delta, Repository

FROM = "pushed_from"
WORK = "push-work"


@dataclass(frozen=True)
class Progress:
    """How far a push is: commits done, commits there are, and the source's commit just done."""

    done: int
    total: int
    commit: Commit


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        commits: The target's commit of each of the source's.
        replayed: How many of them this push made; the others had arrived before.
        tags: Tags on the target with their commits there.
        objects: Objects that this push moved and read back.
        bytes: Their size.
    """

    commits: dict[str, str]
    replayed: int
    tags: dict[str, str]
    objects: int
    bytes: int


def push(
    source: LakeFSStore,
    target: LakeFSStore,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Pushed:
    """Replay what main and the tags of a dataset reach on another server.

    Run again after an interruption it goes on where it was. Run branches stay behind.

    Raises:
        PushRefused: the target holds another history.
        PushMismatch: a commit did not arrive as it is.
        TagTaken: a tag of the target names another commit.
    """
    tags = source.tags()
    history = _oldest_first(source.repository, [MAIN, *tags.values()])
    replay = _Replay(source, target, _mainline(source.repository))
    replay.resume()
    for done, commit in enumerate(history.values(), 1):
        replay.commit(commit)
        progress(Progress(done, len(history), commit))
    target.repository.drop_branch(WORK)
    for name, commit_id in tags.items():
        target.tag(name, replay.made[commit_id])
    arrived = {name: replay.made[commit_id] for name, commit_id in tags.items()}
    return Pushed(replay.made, replay.replayed, arrived, replay.objects, replay.bytes)


def _oldest_first(repository: Repository, refs: list[str]) -> dict[str, Commit]:
    """Every commit that the refs reach, parents before children."""
    known: dict[str, Commit] = {}
    for ref in refs:
        if ref not in known:
            known |= {one.id: one for one in repository.log(ref)}
    # Logs go by date, which is only nearly an order of parents and children.
    order = TopologicalSorter({one.id: one.parents for one in known.values()})
    return {commit: known[commit] for commit in order.static_order()}


def _mainline(repository: Repository) -> set[str]:
    return {commit.id for commit in repository.log(MAIN, first_parent=True)}


class _Replay:
    """One push under way; `made` maps the source's commits to the target's."""

    def __init__(self, source: LakeFSStore, target: LakeFSStore, mainline: set[str]) -> None:
        self._source = source
        self._target = target.repository
        self._mainline = mainline
        self.made: dict[str, str] = {}
        self.replayed = self.objects = self.bytes = 0

    def resume(self) -> None:
        """Find what arrived before, and throw away what was left half done."""
        refs = [MAIN, *self._target.tags(), *self._target.branches(WORK)]
        for ref in refs:
            for commit in self._target.log(ref):
                if FROM in commit.metadata:
                    self.made[commit.metadata[FROM]] = commit.id
        tip = self._target.commit_at(MAIN)
        if tip and tip.parents and tip.metadata.get(FROM) not in self._mainline:
            raise PushRefused(self._target.name, tip.id)
        for branch in (MAIN, *self._target.branches(WORK)):
            self._target.reset(branch)

    def commit(self, commit: Commit) -> None:
        """Replay one commit whose parents were replayed."""
        if commit.id in self.made:
            return
        if not commit.parents:
            # Every repository begins with an empty commit of its own.
            self.made[commit.id] = self._root()
            return
        parents = [self.made[parent] for parent in commit.parents]
        branch = self._branch_at(commit, parents[0])
        expected = self._source.repository.delta(commit.parents[0], commit.id)
        merged = self._merge(commit, branch, parents, expected) if len(parents) > 1 else None
        arrived = merged or self._plain(commit, branch, parents[0], expected)
        self._compare(commit, expected, parents[0], arrived)
        self.made[commit.id] = arrived
        self.replayed += 1

    def _root(self) -> str:
        return next(one.id for one in self._target.log(MAIN) if not one.parents)

    def _branch_at(self, commit: Commit, parent: str) -> str:
        if commit.id in self._mainline:
            return MAIN
        if self._target.branch_head(WORK) != parent:
            self._target.drop_branch(WORK)
            self._target.make_branch(WORK, parent, hidden=True)
        return WORK

    def _metadata(self, commit: Commit) -> dict[str, str]:
        # What begins with a dot belongs to the server, which writes its own.
        kept = {k: v for k, v in commit.metadata.items() if not k.startswith(".lakefs.")}
        when = commit.created_at.isoformat()
        return kept | {FROM: commit.id, "pushed_created_at": when}

    def _merge(
        self, commit: Commit, branch: str, parents: list[str], expected: list[Delta]
    ) -> str | None:
        """The merge made anew; None where the target would merge otherwise than the source did."""
        foreseen = self._target.diff(parents[0], parents[1], dots="three")
        if {(one.path, one.kind) for one in foreseen} != {(e.path, e.kind) for e in expected}:
            return None
        try:
            return self._target.merge(
                parents[1],
                branch,
                commit.message,
                self._metadata(commit),
                self._settled(branch, parents[0]),
                allow_empty=True,
            )
        except StoreRefused as refusal:
            if refusal.status == CONFLICT:
                return None
            raise

    def _plain(self, commit: Commit, branch: str, parent: str, expected: list[Delta]) -> str:
        present = [one for one in expected if one.kind != "removed"]
        files = self._source.fetch(commit.id, [one.path for one in present])
        digests = {path: digest_of(file) for path, file in files.items()}
        upload_all(self._target, branch, files, digests)
        self._target.delete_objects(branch, [e.path for e in expected if e.kind == "removed"])
        metadata = self._metadata(commit)
        if len(commit.parents) > 1:
            metadata["pushed_parents"] = " ".join(self.made[one] for one in commit.parents)
        arrived = self._target.commit(
            branch,
            commit.message,
            metadata,
            self._settled(branch, parent),
            date=int(commit.created_at.timestamp()),
            allow_empty=True,
        )
        self._read_back(arrived, files, digests)
        return arrived

    def _settled(self, branch: str, before: str) -> Callable[[], str | None]:
        def look() -> str | None:
            now = head(self._target, branch)
            return now if now != before else None

        return look

    def _read_back(self, commit: str, files: dict[str, Path], digests: dict[str, str]) -> None:
        wanted = [StoredObject(p, digests[p], file.stat().st_size) for p, file in files.items()]
        with TemporaryDirectory() as folder:
            fetch_all(self._target, Cache(Path(folder)), commit, wanted)
        self.objects += len(wanted)
        self.bytes += sum(one.size for one in wanted)

    def _compare(self, commit: Commit, expected: list[Delta], parent: str, arrived: str) -> None:
        here, there = _by_path(expected), _by_path(self._target.delta(parent, arrived))
        differing = set(here.keys() ^ there.keys())
        differing |= {p for p in here.keys() & there.keys() if not _same(here[p], there[p])}
        if differing:
            raise PushMismatch(commit.id, tuple(sorted(differing)))


def _by_path(deltas: list[Delta]) -> dict[str, Delta]:
    return {one.path: one for one in deltas}


def _same(here: Delta, there: Delta) -> bool:
    if here.kind == there.kind == "removed":
        return True
    # What somebody else put on the source may have no digest; its bytes were read back.
    return (here.kind, here.size) == (there.kind, there.size) and (
        not here.sha256 or here.sha256 == there.sha256
    )
