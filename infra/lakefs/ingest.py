"""Importing files of this machine: copied in, so that later changes to them do no harm."""

import mimetypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

from infra.lakefs import objects
from infra.lakefs.blobs import INLINE_BYTES, Content, content_of
from infra.lakefs.entry import DEFAULT_TYPE, Entry
from infra.lakefs.errors import BadRequestError, NotFoundError
from infra.lakefs.store import Store

SCHEME = "local://"
_PIECE_BYTES = 1 << 20


def allowed(address: str, roots: tuple[Path, ...]) -> Path:
    """The path an address names, if it lies in a folder that may be imported from.

    Raises:
        BadRequestError: It does not.
    """
    path = Path(address.removeprefix(SCHEME)).resolve()
    if not address.startswith(SCHEME) or not any(path.is_relative_to(root) for root in roots):
        raise BadRequestError(
            f"cannot import from {address!r}: the server allows {[str(root) for root in roots]}"
        )
    return path


def files(folder: Path) -> Iterator[Path]:
    """All regular files under a folder; links are passed over."""
    for parent, folders, found in os.walk(folder):
        folders.sort()
        for name in sorted(found):
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def take(store: Store, path: Path) -> Entry:
    """Copy a file's bytes into the store.

    Raises:
        NotFoundError: It cannot be read.
    """
    try:
        content = _copy(store, path)
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
    store.write(lambda db: objects.record(db, content))
    kind = mimetypes.guess_type(path.name)[0] or DEFAULT_TYPE
    return Entry(content.size, content.md5, content.sha256, kind, mtime=int(time.time()))


def _copy(store: Store, path: Path) -> Content:
    with path.open("rb") as source:
        if os.fstat(source.fileno()).st_size <= INLINE_BYTES:
            return content_of(source.read())
        incoming = store.blobs.incoming()
        try:
            while piece := source.read(_PIECE_BYTES):
                incoming.write(piece)
            return incoming.finish()
        finally:
            incoming.discard()
