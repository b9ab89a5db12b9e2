"""What a dataset's versions are and hold: refs, and reads at commits through the local cache."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from urllib.parse import quote

import polars as pl

from assets.errors import (
    ObjectCorrupt,
    ObjectMissing,
    RefNotFound,
    StoreError,
    StoreRefused,
    TagTaken,
)
from assets.ports import Change, Commit, StoredObject
from orchestration.store.answers import NOT_FOUND
from orchestration.store.cache import Cache, digest_of
from orchestration.store.objects import fetch_all
from orchestration.store.repository import MAIN, Repository

RUN = "run-"
RELEASE = re.compile(r"v\d{4,}")
COMMIT_ID = re.compile(r"[0-9a-f]{64}")
# Of folders with a file an item a listing is long: it is parsed once, not once a file.
FOLDERS_AT_HAND = 4


class Versions:
    """One dataset's repository, to be read."""

    def __init__(self, repository: Repository, cache: Cache) -> None:
        self.repository = repository
        self._cache = cache
        self._commits: dict[str, Commit] = {}
        self._folder = lru_cache(FOLDERS_AT_HAND)(self._listed_folder)

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
        # The UI shows a folder on another page than an object.
        page = "objects" if path.endswith("/") else "object"
        return f"{start}/{page}?ref={quote(ref, safe='')}&path={quote(path, safe='')}"

    # --- reading, always at a commit

    def listing(self, commit: str, prefix: str = "") -> list[StoredObject]:
        """Objects below a prefix at a commit, by path."""
        at = self._id(commit)
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
        at = self._id(commit)
        for folder, group in groupby(sorted(paths), key=folder_of):
            # Whole folders are listed, and kept: their other files are read next.
            known = self._folder(at, folder)
            for path in group:
                if path not in known:
                    raise ObjectMissing(self.dataset, path, commit)
                wanted.append(known[path])
        return wanted

    def _listed_folder(self, commit: str, folder: str) -> dict[str, StoredObject]:
        return {one.path: one for one in self.listing(commit, folder)}

    def _id(self, ref: str) -> str:
        return ref if COMMIT_ID.fullmatch(ref) else self.head(ref)


def folder_of(path: str) -> str:
    """The listing prefix of the table that a path belongs to; the path itself where it has none."""
    folder, slash, _ = path.partition("/")
    return f"{folder}/" if slash else path
