"""Physical addresses, links to them, and URLs that work without credentials for a while."""

import asyncio
import sqlite3
import time
from dataclasses import replace
from secrets import token_hex
from typing import Any

from infra.lakefs import names, objects
from infra.lakefs.api.call import Call, Fields, Reply, json_reply
from infra.lakefs.api.receiving import receive
from infra.lakefs.api.stats import media_type, object_stats
from infra.lakefs.entry import DEFAULT_TYPE, Entry
from infra.lakefs.errors import (
    BadRequestError,
    ForbiddenError,
    PreconditionFailedError,
    UnsupportedError,
)
from infra.lakefs.objects import Staged

_ADDRESS_SECONDS = 24 * 3600
_URL_SECONDS = 15 * 60
_ADDRESS, _GET, _PUT = "address", "get", "put"


def get_physical_address(call: Call) -> Reply:
    """An address to upload to and then link; with a URL for the upload when pre-signing."""
    path, target = call.query.text("path"), call.target()
    names.key(path)
    with call.store.read() as db:
        repository, _ = objects.open_branch(db, target)
    expires = int(time.time()) + _ADDRESS_SECONDS
    claim = {"r": target.repository, "b": target.branch, "p": path, "exp": expires}
    token = call.context.auth.seal(_ADDRESS, {**claim, "id": token_hex(8)})
    result: dict[str, Any] = {"physical_address": f"{repository.namespace}/data/{token}"}
    if call.query.flag("presign"):
        _require_presign(call)
        url_expires = int(time.time()) + _URL_SECONDS
        facts = {"address": result["physical_address"], "exp": url_expires}
        result["presigned_url"] = _url(call, _PUT, facts)
        result["presigned_url_expiry"] = url_expires
    return json_reply(result)


def link_physical_address(call: Call) -> Reply:
    """Put what was uploaded to an address under a path of a branch."""
    fields, path = call.fields(), call.query.text("path")
    key, target = names.key(path), call.target(force=fields.flag("force"))
    entry = _linked(fields)
    wanted = call.headers.get("if-none-match")
    if wanted not in {None, "*"}:
        raise UnsupportedError("only If-None-Match: * is supported")

    def job(db: sqlite3.Connection) -> Staged:
        repository, _ = objects.open_branch(db, target)
        _verify(call, repository.namespace, target.branch, path, entry.address or "")
        found = _uploaded(db, entry)
        return objects.stage(db, call.store, target, key, found, if_absent=wanted == "*")

    try:
        staged = call.store.write(job)
    except PreconditionFailedError as error:
        raise PreconditionFailedError("Precondition failed") from error
    return json_reply(object_stats(staged.repository, path, staged.entry))


def download_url(call: Call, entry: Entry) -> tuple[str, int]:
    """A URL for an object's bytes, and when it ends (Unix seconds)."""
    _require_presign(call)
    expires = int(time.time()) + _URL_SECONDS
    facts = {
        "sha256": entry.sha256,
        "size": entry.size,
        "checksum": entry.checksum,
        "type": entry.content_type,
        "mtime": entry.mtime,
        "exp": expires,
    }
    return _url(call, _GET, facts), expires


def signed_entry(call: Call) -> Entry:
    """What a download URL stands for.

    Raises:
        ForbiddenError: It was not made here, or its time is over.
    """
    facts = _facts(call, _GET)
    return Entry(
        facts["size"],
        facts["checksum"],
        facts["sha256"],
        facts["type"],
        mtime=facts["mtime"],
    )


async def put_signed(call: Call) -> Reply:
    """Take the bytes for an address that an upload URL stands for."""
    address = _facts(call, _PUT)["address"]
    content = await receive(call.store.blobs, call.chunks(), admit=lambda: None)

    def job(db: sqlite3.Connection) -> None:
        objects.record(db, content)
        row = (address, content.sha256, content.size, int(time.time()))
        db.execute("INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?)", row)

    await asyncio.wrap_future(call.store.submit(job))
    return Reply(200, headers={"ETag": f'"{content.md5}"'})


def _linked(fields: Fields) -> Entry:
    checksum = fields.text("checksum").strip('"')
    if not checksum:
        raise BadRequestError("checksum is required")
    size = fields.required_number("size_bytes")
    if size < 0:
        raise BadRequestError("size_bytes must be at least 0")
    modified = fields.number("mtime")
    return Entry(
        size,
        checksum,
        None,
        media_type(fields.text("content_type", "") or DEFAULT_TYPE),
        fields.mapping("user_metadata"),
        int(time.time()) if modified is None else modified,
        fields.nested("staging").text("physical_address"),
    )


def _verify(call: Call, namespace: str, branch: str, path: str, address: str) -> None:
    """Refuse addresses that were not handed out for this branch and path, or too long ago."""
    token = address.removeprefix(f"{namespace}/data/")
    claim = call.context.auth.unseal(_ADDRESS, token) if token != address else None
    wanted = (call.parts["repository"], branch, path)
    if claim is None or (claim["r"], claim["b"], claim["p"]) != wanted:
        raise BadRequestError(
            "link address is invalid: not handed out by this server for this path, or expired"
        )


def _uploaded(db: sqlite3.Connection, entry: Entry) -> Entry:
    query = "SELECT sha256, size FROM upload WHERE address = ?"
    row = db.execute(query, (entry.address,)).fetchone()
    if row is None:
        return entry
    sha256, size = row
    if size != entry.size:
        raise BadRequestError(f"size_bytes is {entry.size}, but {size} bytes were uploaded")
    return replace(entry, sha256=sha256, address=None)


def _require_presign(call: Call) -> None:
    if not call.context.presign:
        raise BadRequestError("pre-signed URLs are not supported by this server")


def _url(call: Call, purpose: str, facts: dict[str, Any]) -> str:
    return f"{call.origin}/_blob/{call.context.auth.seal(purpose, facts)}"


def _facts(call: Call, purpose: str) -> dict[str, Any]:
    facts = call.context.auth.unseal(purpose, call.parts["token"])
    if facts is None:
        raise ForbiddenError("the URL is not valid, or not any more")
    return facts
