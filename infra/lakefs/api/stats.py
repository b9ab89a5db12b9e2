"""Objects as lakeFS shows them."""

from typing import Any

from infra.lakefs.entry import Entry
from infra.lakefs.errors import BadRequestError
from infra.lakefs.repositories import Repository


def object_stats(
    repository: Repository, path: str, entry: Entry, *, user_metadata: bool = True
) -> dict[str, Any]:
    """An object's record."""
    return {
        "path": path,
        "path_type": "object",
        "physical_address": physical_address(repository, entry),
        "checksum": entry.checksum,
        "size_bytes": entry.size,
        "mtime": entry.mtime,
        "metadata": entry.metadata if user_metadata else {},
        "content_type": entry.content_type,
    }


def common_prefix(path: str) -> dict[str, Any]:
    """A prefix that stands for all that is under it; clients want the empty fields."""
    empty = {"physical_address": "", "checksum": "", "mtime": 0}
    return {"path": path, "path_type": "common_prefix", **empty}


def physical_address(repository: Repository, entry: Entry) -> str:
    """Where an object's bytes are, in the words of its repository."""
    return entry.address or f"{repository.namespace}/data/{entry.sha256}"


def media_type(text: str) -> str:
    """A content type, if it can stand in a header.

    Raises:
        BadRequestError: It cannot.
    """
    if not (text.isascii() and text.isprintable()):
        raise BadRequestError(f"content type {text!r} is not printable ASCII")
    return text


def text_of(key: bytes) -> str:
    """A key as text; a prefix may end inside a character, which then shows as U+FFFD."""
    return key.decode("utf-8", "replace")
