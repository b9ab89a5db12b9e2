"""Objects on the wire: uploads with their digest and path, verified downloads, bounded memory."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from lakefs.object import WriteableObject

from assets.errors import ObjectCorrupt
from assets.ports import StoredObject
from orchestration.store.cache import Cache
from orchestration.store.repository import Repository

# A reading thread holds one part at a time; larger parts are no faster on loopback or S3.
PART = 8 << 20
CONTENT_TYPES = {".json": "application/json", ".md": "text/markdown; charset=utf-8"}


def user_metadata(path: str, sha256: str) -> dict[str, str]:
    """What every object says about itself.

    The path makes no two objects of a repository identical to lakeFS, whose merge may drop one of
    two that are; percent-encoded, because metadata travels in headers.
    """
    return {"sha256": sha256, "key": quote(path, safe="/")}


def upload(
    repository: Repository, branch: str, path: str, content: bytes | Path, sha256: str
) -> None:
    """Stage one object on a branch."""

    def send() -> None:
        target = WriteableObject(repository.name, branch, path, repository.connection.client)
        writer = target.writer(
            "wb",
            pre_sign=repository.connection.facts.pre_sign,
            content_type=CONTENT_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream"),
            metadata=user_metadata(path, sha256),
        )
        with writer as stream:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                with content.open("rb") as file:
                    shutil.copyfileobj(file, stream, PART)

    repository.ask(f"upload '{path}'", send)


def upload_all(
    repository: Repository,
    branch: str,
    objects: Mapping[str, bytes | Path],
    digests: Mapping[str, str],
) -> None:
    """Stage objects on a branch, in parallel."""
    repository.connection.each(
        lambda path: upload(repository, branch, path, objects[path], digests[path]), objects
    )


def fetch_all(
    repository: Repository, cache: Cache, commit: str, objects: list[StoredObject]
) -> dict[str, Path]:
    """Local copies of objects by path, in parallel; those in the cache cost no request.

    Raises:
        ObjectCorrupt: the bytes that came are not those that the digest names.
    """
    files = {one.path: cache.find(one.sha256) for one in objects}
    absent = [one for one in objects if files[one.path] is None]
    fetched = repository.connection.each(
        lambda one: cache.keep(_receiver(repository, commit, one))[1], absent
    )
    found = {path: file for path, file in files.items() if file}
    return found | {one.path: file for one, file in zip(absent, fetched, strict=True)}


def _receiver(repository: Repository, commit: str, wanted: StoredObject) -> Callable[[Path], str]:
    def receive(path: Path) -> str:
        with path.open("wb") as file:
            actual = _receive(repository, commit, wanted, file)
        # An object that somebody else put there may have no digest to compare with.
        if actual != (wanted.sha256 or actual):
            raise ObjectCorrupt(repository.dataset, wanted.path, wanted.sha256, actual)
        return actual

    return receive


def _receive(repository: Repository, commit: str, wanted: StoredObject, file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for start in range(0, max(wanted.size, 1), PART):
        part = _part(repository, commit, wanted, start)
        digest.update(part)
        file.write(part)
    return digest.hexdigest()


def _part(repository: Repository, commit: str, wanted: StoredObject, start: int) -> bytes:
    whole = wanted.size <= PART
    window = None if whole else f"bytes={start}-{min(start + PART, wanted.size) - 1}"
    return read_object(repository, commit, wanted.path, window)


def read_object(repository: Repository, ref: str, path: str, window: str | None = None) -> bytes:
    """Bytes of an object as they come, or those of an HTTP range of it."""
    connection = repository.connection

    def get() -> bytes:
        return bytes(
            connection.sdk.objects_api.get_object(
                repository.name, ref, path, range=window, presign=connection.facts.pre_sign
            )
        )

    return repository.ask(f"read '{path}' at {ref[:12]}", get)
