"""Imports of local files, and objects staged by address."""

import time
from dataclasses import replace
from typing import Any

from infra.lakefs import branches, ingest, names, objects, repositories
from infra.lakefs.api.call import Call, Reply, empty_reply, json_reply
from infra.lakefs.api.commits import record
from infra.lakefs.api.stats import media_type, object_stats
from infra.lakefs.errors import BadRequestError
from infra.lakefs.history import Draft
from infra.lakefs.imports import OBJECT, PREFIX, Source


def start_import(call: Call) -> Reply:
    """Begin an import of local files, from folders that the server was allowed."""
    fields = call.fields()
    sources = [
        Source(one.text("type"), one.text("path"), one.text("destination"))
        for one in fields.objects("paths")
    ]
    for source in sources:
        if source.kind not in {PREFIX, OBJECT}:
            raise BadRequestError(f"request body has an error: unknown type {source.kind!r}")
        ingest.allowed(source.address, call.context.imports.roots)
    words, target = fields.nested("commit"), call.target(force=fields.flag("force"))
    with call.store.read() as db:
        repository = repositories.writable(db, target.repository, force=target.force)
        branches.existing(db, repository, target.branch)
    draft = Draft(call.context.auth.user, words.text("message"), words.mapping("metadata"))
    return json_reply({"id": call.context.imports.start(target, sources, draft)}, 202)


def import_status(call: Call) -> Reply:
    """How far an import is."""
    found = call.context.imports.find(call.query.text("id"), call.target())
    status: dict[str, Any] = {
        "completed": found.commit is not None,
        "update_time": found.updated.isoformat(),
        "ingested_objects": found.ingested,
    }
    if found.commit:
        status |= {"commit": record(found.commit), "metarange_id": found.commit.root.hex()}
    if found.error is not None:
        status["error"] = {"message": found.error}
    return json_reply(status)


def cancel_import(call: Call) -> Reply:
    """Stop an import before it commits; what is committed stays."""
    call.context.imports.find(call.query.text("id"), call.target()).cancelled.set()
    return empty_reply()


def stage_object(call: Call) -> Reply:
    """Stage a local file, by its address, under a path of a branch."""
    fields, path = call.fields(), call.query.text("path")
    key, target = names.key(path), call.target(force=fields.flag("force"))
    source = ingest.allowed(fields.text("physical_address"), call.context.imports.roots)
    taken = ingest.take(call.store, source)
    entry = replace(
        taken,
        content_type=media_type(fields.text("content_type", "") or taken.content_type),
        metadata=fields.mapping("metadata"),
        mtime=fields.number("mtime") or int(time.time()),
    )
    staged = call.store.write(lambda db: objects.stage(db, call.store, target, key, entry))
    return json_reply(object_stats(staged.repository, path, staged.entry), 201)
