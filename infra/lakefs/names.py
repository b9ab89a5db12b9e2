"""What repositories, branches, tags, namespaces and paths may be called."""

import fnmatch
import re
from collections.abc import Iterable

from infra.lakefs.errors import BadRequestError, ForbiddenError

MAX_PATH_BYTES = 1024
NAMESPACE_PATTERN = r"^local://"
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_BRANCH = re.compile(r"\w[-\w]*", re.ASCII)
_NAMESPACE = re.compile(r"local://.+", re.DOTALL)
_TAG_PARTS = ("..", "/", "@{", "^", ":", "?", "*", "[", "\\")


def repository(name: str) -> str:
    """The name, if a repository may have it."""
    if not _REPOSITORY.fullmatch(name):
        raise BadRequestError(_invalid("repository", name, "lower-case letters, digits and -"))
    return name


def branch(name: str) -> str:
    """The name, if a branch may have it."""
    if not _BRANCH.fullmatch(name):
        raise BadRequestError(_invalid("branch", name, "ASCII letters, digits, _ and -"))
    return name


def tag(name: str) -> str:
    """The name, if a tag may have it (git's rules without the slash)."""
    bad = (
        name in {"", "@"}
        or name.endswith((".", ".lock"))
        or any(part in name for part in _TAG_PARTS)
        or any(char <= " " or char == "\x7f" for char in name)
    )
    if bad:
        raise BadRequestError(_invalid("tag", name, "git's rules for tags, without /"))
    return name


def namespace(address: str) -> str:
    """The storage namespace, if this server can hold it."""
    if not _NAMESPACE.fullmatch(address):
        raise BadRequestError(
            f"invalid storage namespace {address!r}: must match {NAMESPACE_PATTERN}"
        )
    return address.rstrip("/")


def key(path: str) -> bytes:
    """The tree's key of an object path: its bytes, as they are."""
    if not path:
        raise BadRequestError("argument path: validation error: missing required value")
    encoded = path.encode()
    if len(encoded) > MAX_PATH_BYTES:
        raise BadRequestError(
            f"argument path: validation error: value too long: {len(encoded)} bytes,"
            f" at most {MAX_PATH_BYTES}"
        )
    return encoded


def refuse_protected(patterns: Iterable[str], name: str, message: str) -> None:
    """Refuse when a branch's name matches one of the protection patterns."""
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
        raise ForbiddenError(message)


def _invalid(kind: str, name: str, wanted: str) -> str:
    return (
        f"argument {kind}: {kind} id: invalid value: validation error: {name!r} (allowed: {wanted})"
    )
