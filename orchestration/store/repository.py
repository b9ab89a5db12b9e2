"""One lakeFS repository on the wire: each method one kind of request, no policy."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from lakefs_sdk import models

from assets.errors import StoreRefused
from assets.ports import Change, Commit, StoredObject
from orchestration.store.answers import BAD_REQUEST, CONFLICT, NOT_FOUND
from orchestration.store.connection import Connection

T = TypeVar("T")
PAGE = 1000
MAIN = "main"


@dataclass(frozen=True)
class Delta:
    """One path that differs between two commits, with the digest and size that it came to."""

    path: str
    kind: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Repository:
    """One dataset's repository on one server."""

    connection: Connection
    dataset: str
    name: str

    def ask(
        self, operation: str, step: Callable[[], T], settled: Callable[[], T | None] | None = None
    ) -> T:
        """The result of a request, with patience. Raises StoreUnavailable, StoreRefused."""
        return self.connection.ask(self.dataset, operation, step, settled)

    def ensure(self, namespace: str) -> None:
        """Make the repository in a storage namespace unless it is there."""
        api = self.connection.sdk.repositories_api
        if self._found("look up the repository", lambda: api.get_repository(self.name)):
            return
        creation = models.RepositoryCreation(
            name=self.name, storage_namespace=namespace, default_branch=MAIN
        )
        try:
            self.ask("make the repository", lambda: api.create_repository(creation))
        except StoreRefused as refusal:
            if refusal.status != CONFLICT:
                raise

    def _found(self, operation: str, step: Callable[[], T]) -> T | None:
        try:
            return self.ask(operation, step)
        except StoreRefused as refusal:
            if refusal.status == NOT_FOUND:
                return None
            raise

    def commit_at(self, ref: str) -> Commit | None:
        """The commit that a ref expression names."""
        api = self.connection.sdk.commits_api
        try:
            return _commit(self.ask(f"resolve '{ref}'", lambda: api.get_commit(self.name, ref)))
        except StoreRefused as refusal:
            # What cannot be an expression names nothing.
            if refusal.status in {NOT_FOUND, BAD_REQUEST}:
                return None
            raise

    def log(self, ref: str, *, first_parent: bool = False, page: int = PAGE) -> Iterator[Commit]:
        """Commits from a ref backwards; children before parents."""
        api = self.connection.sdk.refs_api

        def fetch(after: str) -> Any:
            return api.log_commits(
                self.name, ref, after=after, amount=page, first_parent=first_parent
            )

        return map(_commit, self._pages(f"read the log of '{ref}'", fetch))

    def branches(self, prefix: str) -> dict[str, str]:
        """Branches, hidden ones too, with their commit ids."""
        api = self.connection.sdk.branches_api

        def fetch(after: str) -> Any:
            return api.list_branches(
                self.name, prefix=prefix, after=after, amount=PAGE, show_hidden=True
            )

        return {row.id: row.commit_id for row in self._pages("list the branches", fetch)}

    def branch_head(self, branch: str) -> str | None:
        """Commit id of a branch."""
        api = self.connection.sdk.branches_api
        found = self._found(f"look up '{branch}'", lambda: api.get_branch(self.name, branch))
        return found.commit_id if found else None

    def make_branch(self, branch: str, source: str, *, hidden: bool = False) -> str | None:
        """Commit id of a new branch; None where the name is taken."""
        api = self.connection.sdk.branches_api
        creation = models.BranchCreation(name=branch, source=source, hidden=hidden)
        try:
            return str(
                self.ask(f"make '{branch}'", lambda: api.create_branch(self.name, creation))
            ).strip()
        except StoreRefused as refusal:
            if refusal.status == CONFLICT:
                return None
            raise

    def drop_branch(self, branch: str) -> None:
        """Delete a branch; an absent one is no error."""
        api = self.connection.sdk.branches_api
        self._found(f"drop '{branch}'", lambda: api.delete_branch(self.name, branch))

    def tags(self) -> dict[str, str]:
        """Tags with their commit ids."""
        api = self.connection.sdk.tags_api

        def fetch(after: str) -> Any:
            return api.list_tags(self.name, after=after, amount=PAGE)

        return {row.id: row.commit_id for row in self._pages("list the tags", fetch)}

    def tag_target(self, tag: str) -> str | None:
        """Commit id that a tag names."""
        api = self.connection.sdk.tags_api
        found = self._found(f"look up tag '{tag}'", lambda: api.get_tag(self.name, tag))
        return found.commit_id if found else None

    def make_tag(self, tag: str, commit: str) -> None:
        """Make a tag; one that is taken is left as it is."""
        api = self.connection.sdk.tags_api
        creation = models.TagCreation(id=tag, ref=commit)
        try:
            self.ask(f"make tag '{tag}'", lambda: api.create_tag(self.name, creation))
        except StoreRefused as refusal:
            if refusal.status != CONFLICT:
                raise

    def drop_tag(self, tag: str) -> None:
        """Delete a tag; an absent one is no error."""
        api = self.connection.sdk.tags_api
        self._found(f"drop tag '{tag}'", lambda: api.delete_tag(self.name, tag))

    def objects(self, ref: str, prefix: str) -> Iterator[StoredObject]:
        """Objects below a prefix, by path; the digest is empty where whoever put it gave none."""
        api = self.connection.sdk.objects_api

        def fetch(after: str) -> Any:
            return api.list_objects(
                self.name, ref, after=after, amount=PAGE, prefix=prefix, presign=False
            )

        rows = self._pages(f"list '{prefix}' at {ref[:12]}", fetch)
        return (StoredObject(row.path, _digest(row), row.size_bytes or 0) for row in rows)

    def reset(self, branch: str) -> None:
        """Throw away what is staged on a branch."""
        api = self.connection.sdk.branches_api
        creation = models.ResetCreation(type="reset")
        self.ask(f"reset '{branch}'", lambda: api.reset_branch(self.name, branch, creation))

    def delete_objects(self, branch: str, paths: Iterable[str]) -> None:
        """Stage the deletion of objects; absent ones are no error."""
        api = self.connection.sdk.objects_api
        rest = list(paths)
        for start in range(0, len(rest), PAGE):
            chunk = models.PathList(paths=rest[start : start + PAGE])
            answer = self.ask(
                "delete objects",
                lambda chunk=chunk: api.delete_objects(self.name, branch, chunk),  # type: ignore[misc]
            )
            # The status is 200 even where single paths failed.
            for fault in answer.errors or []:
                raise StoreRefused(
                    self.dataset, f"delete '{fault.path}'", fault.status_code, fault.message
                )

    def diff(self, left: str, right: str, prefix: str = "", *, dots: str = "two") -> list[Change]:
        """Changes from left to right by path; three dots start at the merge base."""
        api = self.connection.sdk.refs_api

        def fetch(after: str) -> Any:
            return api.diff_refs(
                self.name, left, right, after=after, amount=PAGE, prefix=prefix, type=f"{dots}_dot"
            )

        rows = self._pages(f"compare {left[:12]} with {right[:12]}", fetch)
        return [Change(row.path, row.type) for row in rows]

    def delta(self, left: str, right: str) -> list[Delta]:
        """Changes from left to right by path, with what the right side holds."""
        api = self.connection.sdk.refs_api

        def fetch(after: str) -> Any:
            return api.diff_refs(
                self.name,
                left,
                right,
                after=after,
                amount=PAGE,
                type="two_dot",
                include_right_stats=True,
            )

        rows = self._pages(f"compare {left[:12]} with {right[:12]}", fetch)
        return [
            Delta(row.path, row.type, _digest(row.right) if row.right else "", row.size_bytes or 0)
            for row in rows
        ]

    def merge_base(self, source: str, destination: str) -> str:
        """The best common ancestor of two refs."""
        api = self.connection.sdk.refs_api
        found = self.ask(
            f"find the merge base of {source[:12]} and {destination[:12]}",
            lambda: api.find_merge_base(self.name, source, destination),
        )
        return str(found.base_commit_id)

    def commit(
        self,
        branch: str,
        message: str,
        metadata: Mapping[str, str],
        settled: Callable[[], str | None] | None = None,
        *,
        date: int | None = None,
        allow_empty: bool = False,
    ) -> str:
        """Commit what is staged on a branch; the commit id. Date in Unix seconds."""
        api = self.connection.sdk.commits_api
        creation = models.CommitCreation(
            message=message, metadata=dict(metadata), date=date, allow_empty=allow_empty
        )
        return self.ask(
            f"commit on '{branch}'",
            lambda: str(api.commit(self.name, branch, creation).id),
            settled,
        )

    def merge(
        self,
        source: str,
        destination: str,
        message: str,
        metadata: Mapping[str, str],
        settled: Callable[[], str | None] | None = None,
        *,
        squash: bool = False,
        allow_empty: bool = False,
    ) -> str:
        """Merge a ref into a branch; the commit id."""
        api = self.connection.sdk.refs_api
        body = models.Merge(
            message=message,
            metadata=dict(metadata),
            squash_merge=squash,
            allow_empty=allow_empty,
        )
        return self.ask(
            f"merge '{source[:48]}' into '{destination}'",
            lambda: str(api.merge_into_branch(self.name, source, destination, body).reference),
            settled,
        )

    def _pages(self, operation: str, fetch: Callable[[str], Any]) -> Iterator[Any]:
        after, more = "", True
        while more:
            page = self.ask(operation, lambda after=after: fetch(after))  # type: ignore[misc]
            yield from page.results
            after, more = page.pagination.next_offset, page.pagination.has_more


def _digest(row: Any) -> str:
    return str((row.metadata or {}).get("sha256", ""))


def _commit(row: Any) -> Commit:
    return Commit(
        id=row.id,
        parents=tuple(row.parents),
        message=row.message,
        created_at=datetime.fromtimestamp(row.creation_date, UTC),
        metadata=dict(row.metadata or {}),
    )
