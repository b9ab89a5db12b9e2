"""One dataset's versions on lakeFS: the implementation of assets.ports.DatasetStore."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from os.path import commonprefix
from pathlib import Path
from urllib.parse import quote

import polars as pl

from assets.errors import (
    MainMoved,
    ObjectCorrupt,
    ObjectMissing,
    RefNotFound,
    StoreError,
    StoreRefused,
    TagTaken,
)
from assets.ports import Change, Commit, RunBranch, StoredObject
from orchestration.store.answers import CONFLICT, NOT_FOUND, nothing_changed
from orchestration.store.cache import Cache, digest_of
from orchestration.store.merging import bring, conflict, head, hold_to, side_branch, take
from orchestration.store.objects import fetch_all, upload_all
from orchestration.store.repository import MAIN, Repository

RUN = "run-"
RELEASE = re.compile(r"v\d{4,}")
COMMIT_ID = re.compile(r"[0-9a-f]{64}")


class LakeFSStore:
    """One dataset's repository, read at commits and written by run branches."""

    def __init__(self, repository: Repository, cache: Cache) -> None:
        self.repository = repository
        self._cache = cache
        self._commits: dict[str, Commit] = {}

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.repository.dataset

    # --- refs

    def head(self, ref: str = MAIN) -> str:
        """Commit id of a branch, tag, commit or prefix. Raises RefNotFound."""
        return self.commit_at(ref).id

    def commit_at(self, ref: str) -> Commit:
        """The commit that a ref names. Raises RefNotFound."""
        known = self._commits.get(ref) or self.repository.commit_at(ref)
        if known is None:
            raise RefNotFound(self.dataset, ref)
        return self._commits.setdefault(known.id, known)

    def log(self, ref: str = MAIN, *, limit: int = 100) -> list[Commit]:
        """Commits from the ref backwards, newest first."""
        try:
            return list(islice(self.repository.log(ref, page=min(limit, 1000)), limit))
        except StoreRefused as refusal:
            raise self._unknown_ref(refusal, ref) from refusal

    def _unknown_ref(self, refusal: StoreRefused, ref: str) -> StoreError:
        return RefNotFound(self.dataset, ref) if refusal.status == NOT_FOUND else refusal

    def releases(self) -> dict[str, str]:
        """Release tags (v0001, ...) with their commit ids, oldest first."""
        found = {name: at for name, at in self.tags().items() if RELEASE.fullmatch(name)}
        return dict(sorted(found.items(), key=lambda release: int(release[0][1:])))

    def tags(self) -> dict[str, str]:
        """All tags with their commit ids, by name."""
        return dict(sorted(self.repository.tags().items()))

    def tag(self, name: str, commit: str, *, replace: bool = False) -> None:
        """Name a commit and read the name back; the same name for the same commit is no error.

        Raises:
            TagTaken: the name stands for another commit, and it is not to be replaced.
        """
        if replace and self.repository.tag_target(name) not in (None, commit):
            self.repository.drop_tag(name)
        self.repository.make_tag(name, commit)
        actual = self.repository.tag_target(name)
        if actual != commit:
            raise TagTaken(self.dataset, name, commit, actual or "nothing")

    def url(self, ref: str, path: str = "") -> str:
        """Where a person looks at it."""
        start = f"{self.repository.connection.endpoint.url}/repositories/{self.repository.name}"
        if not path:
            return f"{start}/commits/{quote(ref, safe='')}"
        return f"{start}/object?ref={quote(ref, safe='')}&path={quote(path, safe='')}"

    # --- reading, always at a commit

    def listing(self, commit: str, prefix: str = "") -> list[StoredObject]:
        """Objects below a prefix at a commit, by path."""
        at = commit if COMMIT_ID.fullmatch(commit) else self.head(commit)
        known = self._cache.listing(self.repository.name, at, prefix)
        if known is None:
            try:
                known = list(self.repository.objects(at, prefix))
            except StoreRefused as refusal:
                raise self._unknown_ref(refusal, commit) from refusal
            self._cache.keep_listing(self.repository.name, at, prefix, known)
        return known

    def read(self, commit: str, path: str) -> bytes:
        """Bytes of one object, verified. Raises ObjectMissing, ObjectCorrupt."""
        wanted = self._wanted(commit, [path])[0]
        content = self._fetch(commit, [wanted])[path].read_bytes()
        actual = digest_of(content)
        if actual != (wanted.sha256 or actual):
            raise ObjectCorrupt(self.dataset, path, wanted.sha256, actual)
        return content

    def fetch(self, commit: str, paths: Iterable[str]) -> dict[str, Path]:
        """Local, verified, read-only copies of objects, by path; cached by digest."""
        return self._fetch(commit, self._wanted(commit, paths))

    def table(self, commit: str, prefix: str) -> pl.LazyFrame | None:
        """All Parquet below a prefix at a commit as one frame; None where there is none."""
        wanted = [one for one in self.listing(commit, prefix) if one.path.endswith(".parquet")]
        files = self._fetch(commit, wanted)
        if not files:
            return None
        in_order = [files[one.path] for one in wanted]
        return pl.scan_parquet(in_order, hive_partitioning=False, missing_columns="insert")

    def changes(self, left: str, right: str, prefix: str = "") -> list[Change]:
        """What differs from left to right (two dots), by path."""
        try:
            return self.repository.diff(left, right, prefix)
        except StoreRefused as refusal:
            raise self._unknown_ref(refusal, f"{left}..{right}") from refusal

    def _fetch(self, commit: str, wanted: list[StoredObject]) -> dict[str, Path]:
        try:
            return fetch_all(self.repository, self._cache, commit, wanted)
        except OSError as error:
            raise StoreError(
                self.dataset,
                "keep a local copy",
                f"{error}; free some disk below {self._cache.root}, or delete it: it is a cache",
            ) from error

    def _wanted(self, commit: str, paths: Iterable[str]) -> list[StoredObject]:
        wanted = []
        for folder, group in groupby(sorted(paths), key=_folder):
            # Whole folders are listed, and kept: their other files are read next.
            known = {one.path: one for one in self.listing(commit, folder)}
            for path in group:
                if path not in known:
                    raise ObjectMissing(self.dataset, path, commit)
                wanted.append(known[path])
        return wanted

    # --- run branches

    def branch(self, run_id: str) -> RunBranch:
        """The branch of a run, made from main by whoever asks first."""
        name = f"{RUN}{run_id}"
        made = self.repository.make_branch(name, MAIN)
        if made is not None:
            return RunBranch(name, made)
        found = self.existing_branch(run_id)
        if found is None:
            raise StoreError(
                self.dataset, f"make '{name}'", "the name is taken, though not by a branch"
            )
        return found

    def existing_branch(self, run_id: str) -> RunBranch | None:
        """The branch of a run if there is one."""
        name = f"{RUN}{run_id}"
        return self._run_branch(name) if self.repository.branch_head(name) else None

    def run_branches(self) -> list[RunBranch]:
        """All run branches that were not dropped yet."""
        return [self._run_branch(name) for name in self.repository.branches(RUN)]

    def _run_branch(self, name: str) -> RunBranch:
        return RunBranch(name, self.repository.merge_base(name, MAIN))

    def drop_branch(self, name: str) -> None:
        """Delete a run branch; an absent one is no error."""
        if name == MAIN:
            raise StoreError(self.dataset, "drop 'main'", "only run branches are dropped")
        self.repository.drop_branch(name)

    def write(
        self,
        branch: str,
        objects: Mapping[str, bytes | Path],
        *,
        message: str,
        metadata: Mapping[str, str] | None = None,
        delete: Iterable[str] = (),
    ) -> str:
        """Upload objects to a branch, delete others, commit; the commit id.

        Identical content is no change: then the branch's head comes back. Steps of one run may
        write at the same time; a write that is killed leaves nothing on the branch.
        """
        if branch == MAIN:
            raise StoreError(self.dataset, "write to 'main'", "main only takes publishes")
        before = head(self.repository, branch)
        removed = set(delete) - objects.keys()
        present = self._present(before, [*objects, *removed])
        digests = {path: digest_of(content) for path, content in objects.items()}
        changed = {p: content for p, content in objects.items() if present.get(p) != digests[p]}
        gone = sorted(removed & present.keys())
        if not changed and not gone:
            return before
        # lakeFS stages by branch, for all writers at once: a side branch is this writer's alone.
        with side_branch(self.repository, before) as side:
            self._stage(side, changed, digests, gone)
            if not self._committed(side, before, message):
                return before
            return take(
                self.repository,
                self._cache,
                side,
                branch,
                message=message,
                metadata=metadata or {},
                squash=True,
            )

    def _present(self, commit: str, paths: list[str]) -> dict[str, str]:
        folders = groupby(sorted(paths), key=_folder)
        # A listing prefix is characters, not folders.
        prefixes = [commonprefix(list(group)) for _, group in folders]  # noqa: RUF071
        listed = (self.repository.objects(commit, prefix) for prefix in prefixes)
        return {one.path: one.sha256 for objects in listed for one in objects}

    def _stage(
        self,
        side: str,
        changed: Mapping[str, bytes | Path],
        digests: Mapping[str, str],
        gone: list[str],
    ) -> None:
        upload_all(self.repository, side, changed, digests)
        self.repository.delete_objects(side, gone)
        # Fresh bytes are read next; files given by path would only be doubled.
        for path, content in changed.items():
            if isinstance(content, bytes):
                self._cache.keep_bytes(content, digests[path])

    def _committed(self, side: str, before: str, message: str) -> bool:
        def settled() -> str | None:
            now = head(self.repository, side)
            return now if now != before else None

        try:
            self.repository.commit(side, message, {}, settled)
        except StoreRefused as refusal:
            if not nothing_changed(refusal.status, refusal.reason):
                raise
            return settled() is not None
        return True

    def update(self, branch: str) -> RunBranch:
        """Bring main into a run branch; a no-op when main has not moved.

        Raises:
            MergeConflict: the run and main changed the same path.
        """
        main = self.head(MAIN)
        if self.repository.merge_base(branch, MAIN) == main:
            return RunBranch(branch, main)
        with side_branch(self.repository, head(self.repository, branch)) as side:
            bring(self.repository, self._cache, main, side)
            take(
                self.repository,
                self._cache,
                side,
                branch,
                message=f"Bring in main at {main[:12]}",
                metadata={},
                squash=False,
            )
        return self._run_branch(branch)

    # --- publishing

    def published(self, run_id: str) -> Commit | None:
        """The merge commit on main that published a run, if it was."""
        log = self._main_log()
        return next((one for one in log if one.metadata.get("run_id") == run_id), None)

    def _main_log(self) -> Iterator[Commit]:
        return self.repository.log(MAIN, first_parent=True)

    def publish(
        self, branch: RunBranch, run_id: str, *, message: str, metadata: Mapping[str, str]
    ) -> Commit:
        """Merge a run branch to main; run again it answers the merge that was.

        The run id is put into the commit's metadata as `run_id`. A branch that changes nothing
        leaves main as it is: main's commit comes back.

        Raises:
            MainMoved: main is not at `branch.base` any more.
            PublishMismatch: main's change is not the branch's change.
        """
        merge = self.published(run_id)
        if merge is None:
            self._guard(branch)
            merge = self._merged(branch, run_id, message, {**metadata, "run_id": run_id})
        # Looked at on a repetition too: the first attempt may have died before its look.
        if merge.metadata.get("run_id") == run_id:
            hold_to(self.repository, merge, merge.parents[1])
        return merge

    def _guard(self, branch: RunBranch) -> None:
        main = self.head(MAIN)
        contained = self.repository.merge_base(branch.name, MAIN)
        if main != branch.base or main != contained:
            raise MainMoved(self.dataset, branch.base, main)

    def _merged(
        self, branch: RunBranch, run_id: str, message: str, metadata: Mapping[str, str]
    ) -> Commit:
        def settled() -> str | None:
            found = self.published(run_id)
            return found.id if found else None

        try:
            merge = self.repository.merge(branch.name, MAIN, message, metadata, settled)
        except StoreRefused as refusal:
            if nothing_changed(refusal.status, refusal.reason):
                return self.published(run_id) or self.commit_at(MAIN)
            if refusal.status == CONFLICT:
                raise conflict(self.repository, branch.name, MAIN) from refusal
            raise
        return self.commit_at(merge)


def _folder(path: str) -> str:
    folder, slash, _ = path.partition("/")
    return f"{folder}/" if slash else path
