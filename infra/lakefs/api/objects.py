"""Reading objects: content, records, listings."""

import sqlite3
from email.utils import formatdate
from hashlib import sha256
from typing import Any

from infra.lakefs import names, repositories, staging
from infra.lakefs.api import links
from infra.lakefs.api.call import Call, FilePart, Reply, json_reply, page_reply
from infra.lakefs.api.ranges import parse
from infra.lakefs.api.stats import common_prefix, object_stats, text_of
from infra.lakefs.entry import Entry, unpack
from infra.lakefs.errors import GoneError
from infra.lakefs.paging import page
from infra.lakefs.repositories import Repository
from infra.lakefs.store import Store

_INLINE_TYPES = frozenset(
    {
        "application/json",
        "application/pdf",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/csv",
        "text/markdown",
        "text/plain",
        "video/mp4",
        "video/ogg",
        "video/webm",
    }
)
_PRIVATE = {
    "Cache-Control": "no-store, must-revalidate",
    "Expires": "0",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "default-src 'none'",
}


def get_object(call: Call) -> Reply:
    """An object's bytes, or a URL for them when pre-signing."""
    key = names.key(call.query.text("path"))
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        entry = staging.view(db, call.store, repository, call.parts["ref"]).existing(key)
        if call.query.flag("presign"):
            url, _ = links.download_url(call, entry)
            return Reply(302, headers={"Location": url})
        if call.headers.get("if-none-match") == f'"{entry.checksum}"':
            return Reply(304, headers={"ETag": f'"{entry.checksum}"'})
        inline = _inline(db, entry)
    return content_reply(call.store, entry, inline, call.headers.get("range"))


def head_object(call: Call) -> Reply:
    """An object's headers; the bytes are not looked at."""
    key = names.key(call.query.text("path"))
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        entry = staging.view(db, call.store, repository, call.parts["ref"]).existing(key)
    status, headers, _, _ = _frame(entry, call.headers.get("range"))
    return Reply(status, headers={**headers, "Accept-Ranges": "bytes"})


def stat_object(call: Call) -> Reply:
    """An object's record."""
    path = call.query.text("path")
    key = names.key(path)
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        entry = staging.view(db, call.store, repository, call.parts["ref"]).existing(key)
    return json_reply(_shown(call, repository, path, entry))


def list_objects(call: Call) -> Reply:
    """Objects and common prefixes in the order of their bytes."""
    query = call.query.page()
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        view = staging.view(db, call.store, repository, call.parts["ref"])
        found = page(query, view.items)
    results = [
        common_prefix(text_of(key))
        if value is None
        else _shown(call, repository, text_of(key), unpack(value))
        for key, value in found.results
    ]
    return page_reply(results, [one["path"] for one in results], has_more=found.has_more)


def get_signed(call: Call) -> Reply:
    """The bytes that a pre-signed URL stands for."""
    entry = links.signed_entry(call)
    with call.store.read() as db:
        inline = _inline(db, entry)
    return content_reply(call.store, entry, inline, call.headers.get("range"))


def content_reply(store: Store, entry: Entry, inline: bytes | None, asked: str | None) -> Reply:
    """Bytes of an object: `inline` where the database holds them, else from its file.

    Raises:
        GoneError: They are missing or damaged.
    """
    status, headers, start, length = _frame(entry, asked)
    if inline is not None:
        return Reply(status, inline[start : start + length], headers)
    if entry.sha256 is None:
        raise GoneError("No data")
    path = store.blobs.verified(entry.sha256)
    return Reply(status, headers=headers, file=FilePart(path, start, length))


def _inline(db: sqlite3.Connection, entry: Entry) -> bytes | None:
    query = "SELECT inline FROM blob WHERE sha256 = ?"
    row = db.execute(query, (entry.sha256,)).fetchone()
    if row is None:
        raise GoneError("No data")
    inline: bytes | None = row[0]
    if inline is not None and sha256(inline).hexdigest() != entry.sha256:
        raise GoneError("No data")
    return inline


def _frame(entry: Entry, asked: str | None) -> tuple[int, dict[str, str], int, int]:
    """Status, headers, first byte and number of bytes of an answer."""
    found = parse(asked, entry.size)
    start, end = found or (0, entry.size - 1)
    shown_inline = entry.content_type.partition(";")[0].strip().lower() in _INLINE_TYPES
    headers = {
        "ETag": f'"{entry.checksum}"',
        "Last-Modified": formatdate(entry.mtime, usegmt=True),
        "Content-Type": entry.content_type,
        "Content-Length": str(end - start + 1),
        "Content-Disposition": "inline" if shown_inline else "attachment",
        **_PRIVATE,
    }
    if found:
        headers["Content-Range"] = f"bytes {start}-{end}/{entry.size}"
    return 206 if found else 200, headers, start, end - start + 1


def _shown(call: Call, repository: Repository, path: str, entry: Entry) -> dict[str, Any]:
    user_metadata = call.query.flag("user_metadata", default=True)
    result = object_stats(repository, path, entry, user_metadata=user_metadata)
    if call.query.flag("presign"):
        url, expires = links.download_url(call, entry)
        result |= {"physical_address": url, "physical_address_expiry": expires}
    return result
