"""Writing objects: upload, copy, delete, metadata."""

import asyncio
import time
from typing import Any

from infra.lakefs import names, objects
from infra.lakefs.api.call import Call, Reply, empty_reply, json_reply
from infra.lakefs.api.multipart import Parts, boundary
from infra.lakefs.api.receiving import receive
from infra.lakefs.api.stats import media_type, object_stats
from infra.lakefs.changes import Target
from infra.lakefs.entry import DEFAULT_TYPE, Entry
from infra.lakefs.errors import BadRequestError, LakeFSError, UnsupportedError
from infra.lakefs.objects import Staged

_METADATA_PREFIXES = ("x-lakefs-meta-", "x-lakefs-internal-")
_MAX_DELETED = 1000


async def upload_object(call: Call) -> Reply:
    """Store a body (plain, chunked or multipart) under a path of a branch."""
    path, target = call.query.text("path"), call.target()
    key, if_absent = names.key(path), _if_absent(call)
    metadata = _metadata(call)
    content_type: str | None = call.headers.get("content-type", "")
    chunks = call.chunks()
    if content_type and content_type.lower().startswith("multipart/form-data"):
        parts = Parts(chunks, boundary(content_type))
        content_type = await parts.open_content()
        chunks = parts.content()
    kind = media_type(content_type or DEFAULT_TYPE)
    content = await receive(call.store.blobs, chunks, admit=lambda: _check(call, target))
    entry = Entry(content.size, content.md5, content.sha256, kind, metadata, int(time.time()))
    staged = await asyncio.wrap_future(
        call.store.submit(
            lambda db: objects.stage(
                db, call.store, target, key, entry, content=content, if_absent=if_absent
            )
        )
    )
    return _reply(staged, path)


def delete_object(call: Call) -> Reply:
    """Stage that an object is gone."""
    key, target = names.key(call.query.text("path")), call.target()
    call.store.write(lambda db: objects.delete(db, call.store, target, [key]))
    return empty_reply()


def delete_objects(call: Call) -> Reply:
    """Stage that many objects are gone; what could not be is in the answer, the status is 200."""
    fields = call.fields()
    paths = fields.strings("paths")
    if len(paths) > _MAX_DELETED:
        raise BadRequestError(f"request body has an error: at most {_MAX_DELETED} paths")
    target = call.target(force=fields.flag("force"))
    keys = {path: path.encode() for path in paths if path}
    errors: list[dict[str, Any]] = []
    try:
        call.store.write(lambda db: objects.delete(db, call.store, target, list(keys.values())))
    except LakeFSError as error:
        if error.status != 403:  # noqa: PLR2004 - lakeFS reports a protected branch path by path
            raise
        errors = [
            {"path": path, "status_code": error.status, "message": error.message} for path in keys
        ]
    return json_reply({"errors": errors})


def copy_object(call: Call) -> Reply:
    """Stage an object of any reference under another path."""
    fields, path = call.fields(), call.query.text("dest_path")
    if fields.flag("shallow"):
        raise UnsupportedError("shallow copy is not supported")
    key, source_key = names.key(path), names.key(fields.text("src_path"))
    target = call.target(force=fields.flag("force"))
    source = fields.text("src_ref", "") or target.branch
    staged = call.store.write(
        lambda db: objects.copy(db, call.store, target, key, source=source, source_key=source_key)
    )
    return _reply(staged, path)


def update_user_metadata(call: Call) -> Reply:
    """Replace an object's user metadata."""
    key, target = names.key(call.query.text("path")), call.target()
    fields = call.fields()
    if not fields.has("set"):
        raise BadRequestError("request body has an error: property set is missing")
    metadata = fields.mapping("set")
    call.store.write(lambda db: objects.set_metadata(db, call.store, target, key, metadata))
    return empty_reply()


def _check(call: Call, target: Target) -> None:
    with call.store.read() as db:
        objects.open_branch(db, target)


def _if_absent(call: Call) -> bool:
    wanted = call.headers.get("if-none-match")
    if "if-match" in call.headers or wanted not in {None, "*"}:
        raise UnsupportedError("only If-None-Match: * is supported on upload")
    return wanted == "*"


def _metadata(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in call.headers.items():
        prefix = next((one for one in _METADATA_PREFIXES if name.startswith(one)), None)
        if prefix is None:
            continue
        if not value.isascii():
            raise BadRequestError(f"user metadata {name}: only ASCII can stand in a header")
        plain = name.removeprefix(prefix)
        found[plain if prefix == _METADATA_PREFIXES[0] else f"::lakefs::{plain}"] = value.strip()
    return found


def _reply(staged: Staged, path: str) -> Reply:
    return json_reply(object_stats(staged.repository, path, staged.entry), 201)
