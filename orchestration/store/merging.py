"""Merges that are looked at: what a merge changed must be what the merged side had changed.

lakeFS can drop an object in a three-way merge when another one is identical to it (its
pkg/graveler/committed/merge.go compares objects without their keys), with HTTP 200 and no conflict.
A merge whose destination has not moved since the source left it takes the source's tree whole and
cannot do that. So changes are brought together on a side branch, compared, mended, and only then
taken whole.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

from assets.errors import (
    MergeConflict,
    PublishMismatch,
    RefNotFound,
    StoreError,
    StoreRefused,
)
from assets.ports import Change, Commit
from orchestration.store.answers import CONFLICT, nothing_changed
from orchestration.store.cache import Cache, digest_of
from orchestration.store.objects import fetch_all, upload_all
from orchestration.store.repository import Repository

SIDE = "side-"
RECENT = 20


@dataclass(frozen=True)
class Loss:
    """How a merge differs from what the merged side had changed.

    Attributes:
        missing: Paths whose change did not arrive as it was.
        unexpected: Paths that changed although the merged side had not touched them.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected)


def loss(repository: Repository, before: str, source: str, after: str) -> Loss:
    """What a destination that went from before to after lost or gained beside the source's change.

    Args:
        repository: Where all three are.
        before: The destination's commit before.
        source: The commit that was merged.
        after: The destination's commit afterwards.
    """
    audited = _by_path(repository.diff(before, source, dots="three"))
    really = _by_path(repository.diff(before, after))
    elsewhere = _by_path(repository.diff(source, after))
    missing = {path for path, kind in audited.items() if really.get(path) != kind}
    missing |= audited.keys() & elsewhere.keys()
    return Loss(tuple(sorted(missing)), tuple(sorted(really.keys() - audited.keys())))


def _by_path(changes: list[Change]) -> dict[str, str]:
    return {change.path: change.kind for change in changes}


def hold_to(repository: Repository, merge: Commit, source: str) -> None:
    """Make sure that a merge changed its destination as its source had.

    Raises:
        PublishMismatch: it did not.
    """
    found = loss(repository, merge.parents[0], source, merge.id)
    if found:
        raise PublishMismatch(repository.dataset, found.missing, found.unexpected)


@contextmanager
def side_branch(repository: Repository, source: str) -> Iterator[str]:
    """A hidden branch of one's own, gone afterwards; a killed process leaves it to the janitor."""
    name = f"{SIDE}{uuid4().hex}"
    if repository.make_branch(name, source, hidden=True) is None:
        raise StoreError(repository.dataset, f"make '{name}'", "the name is taken; run it again")
    try:
        yield name
    finally:
        repository.drop_branch(name)


def merge(
    repository: Repository,
    source: str,
    destination: str,
    *,
    message: str,
    metadata: Mapping[str, str],
    squash: bool = False,
) -> str:
    """Merge a ref into a branch once, whatever happens to the answers; the branch's commit.

    Raises:
        MergeConflict: both changed the same path.
    """
    attempt = uuid4().hex

    def settled() -> str | None:
        recent = islice(repository.log(destination, first_parent=True, page=RECENT), RECENT)
        return next((one.id for one in recent if one.metadata.get("attempt") == attempt), None)

    try:
        return repository.merge(
            source,
            destination,
            message,
            {**metadata, "attempt": attempt},
            settled,
            squash=squash,
        )
    except StoreRefused as refusal:
        if nothing_changed(refusal.status, refusal.reason):
            return settled() or head(repository, destination)
        if refusal.status == CONFLICT:
            raise conflict(repository, source, destination) from refusal
        raise


def conflict(repository: Repository, source: str, destination: str) -> MergeConflict:
    """The error that names the paths which both sides changed."""
    changes = repository.diff(destination, source, dots="three")
    paths = tuple(change.path for change in changes if change.kind == "conflict")
    return MergeConflict(repository.dataset, f"merge into '{destination}'", paths)


def head(repository: Repository, branch: str) -> str:
    """Commit id of a branch. Raises RefNotFound."""
    found = repository.branch_head(branch)
    if found is None:
        raise RefNotFound(repository.dataset, branch)
    return found


def bring(repository: Repository, cache: Cache, source: str, side: str) -> str:
    """Bring a commit into a side branch by a three-way merge, and mend what the merge lost.

    Returns:
        The side branch's commit afterwards.

    Raises:
        MergeConflict: both changed the same path.
        PublishMismatch: mending it did not help either.
    """
    before = head(repository, side)
    merged = merge(repository, source, side, message=f"Bring in {source[:12]}", metadata={})
    found = loss(repository, before, source, merged)
    if not found:
        return merged
    # What the merge should have brought, and what it should have left alone.
    _restore(repository, cache, source, side, found.missing)
    _restore(repository, cache, before, side, found.unexpected)
    mended = repository.commit(side, f"Mend the merge of {source[:12]}", {})
    remaining = loss(repository, before, source, mended)
    if remaining:
        raise PublishMismatch(repository.dataset, remaining.missing, remaining.unexpected)
    return mended


@dataclass(frozen=True)
class Side:
    """A side branch that is ready to be taken.

    Attributes:
        name: The side branch.
        tip: Its commit.
        destination: The branch that it left, and that takes it.
        left: The destination's commit that the side branch contains.
    """

    name: str
    tip: str
    destination: str
    left: str


def take(
    repository: Repository,
    cache: Cache,
    side: Side,
    *,
    message: str,
    metadata: Mapping[str, str],
    squash: bool,
) -> str:
    """Put what a side branch holds onto its destination, whole; the destination's new commit.

    A destination that moved since the side branch left it is brought into the side branch first.
    """
    tip, before = side.tip, head(repository, side.destination)
    if before != side.left:
        tip = bring(repository, cache, before, side.name)
    merged = merge(
        repository,
        side.name,
        side.destination,
        message=message,
        metadata=metadata,
        squash=squash,
    )
    commit = repository.commit_at(merged)
    # Somebody may have been faster between the look and the merge.
    if commit is not None and commit.parents[:1] != (before,):
        hold_to(repository, commit, tip)
    return merged


def _restore(
    repository: Repository, cache: Cache, commit: str, side: str, paths: tuple[str, ...]
) -> None:
    wanted = [one for path in paths for one in repository.objects(commit, path) if one.path == path]
    files = fetch_all(repository, cache, commit, wanted)
    upload_all(repository, side, files, {path: digest_of(file) for path, file in files.items()})
    repository.delete_objects(side, set(paths) - files.keys())
