"""One dataset on lakeFS: the implementation of assets.ports.DatasetStore."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from os.path import commonprefix
from pathlib import Path

from assets.errors import MainMoved, StoreError, StoreRefused
from assets.ports import Commit, RunBranch
from orchestration.store.answers import CONFLICT, nothing_changed
from orchestration.store.cache import digest_of
from orchestration.store.merging import (
    SIDE,
    Side,
    bring,
    conflict,
    head,
    hold_to,
    side_branch,
    take,
)
from orchestration.store.objects import upload_all
from orchestration.store.repository import MAIN, Repository
from orchestration.store.versions import Versions, folder_of

RUN = "run-"


def leftovers(repository: Repository, before: datetime) -> list[str]:
    """Run and side branches whose newest commit is older than a moment."""
    found = {**repository.branches(RUN), **repository.branches(SIDE)}
    commits = {name: repository.commit_at(at) for name, at in found.items()}
    return [name for name, commit in commits.items() if commit and commit.created_at < before]


class LakeFSStore(Versions):
    """One dataset's repository, read at commits and written by run branches."""

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

    def leftovers(self, before: datetime) -> list[str]:
        """Run and side branches whose newest commit is older than a moment.

        A branch without a commit of its own is as old as main's commit that it was made from.
        """
        return leftovers(self.repository, before)

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
            tip = self._committed(side, before, message)
            if tip == before:
                return before
            return take(
                self.repository,
                self._cache,
                Side(side, tip, branch, before),
                message=message,
                metadata=metadata or {},
                squash=True,
            )

    def _present(self, commit: str, paths: list[str]) -> dict[str, str]:
        folders = groupby(sorted(paths), key=folder_of)
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

    def _committed(self, side: str, before: str, message: str) -> str:
        def settled() -> str | None:
            now = head(self.repository, side)
            return now if now != before else None

        try:
            return self.repository.commit(side, message, {}, settled)
        except StoreRefused as refusal:
            if not nothing_changed(refusal.status, refusal.reason):
                raise
            return settled() or before

    def update(self, branch: str) -> RunBranch:
        """Bring main into a run branch; a no-op when main has not moved.

        Raises:
            MergeConflict: the run and main changed the same path.
        """
        main = self.head(MAIN)
        if self.repository.merge_base(branch, MAIN) == main:
            return RunBranch(branch, main)
        before = head(self.repository, branch)
        with side_branch(self.repository, before) as side:
            tip = bring(self.repository, self._cache, main, side)
            take(
                self.repository,
                self._cache,
                Side(side, tip, branch, before),
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
