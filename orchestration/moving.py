"""Moving a dataset from a project's server to another one."""

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from orchestration.errors import KeysMissing
from orchestration.project import Project, connect
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.push import push
from orchestration.store.stores import LakeFSStores

KEYS = ("HALLMARK_PUSH_ACCESS_KEY_ID", "HALLMARK_PUSH_SECRET_ACCESS_KEY")


def move(
    project: Project, dataset: str, endpoint: str, namespace: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Replay a dataset's history on another server; what was moved, JSON-able.

    Raises:
        KeysMissing: the environment has no keys for the other server.
    """
    missing = tuple(name for name in KEYS if not os.environ.get(name))
    if missing:
        raise KeysMissing(endpoint, missing)
    target = LakeFSStores(
        Connection(Endpoint(endpoint.rstrip("/"), *(os.environ[name] for name in KEYS))),
        project.cache(),
        repository_prefix=project.settings.lakefs.repository_prefix,
        storage_namespace=namespace,
    )
    moved = push(
        connect(project).of(dataset),
        target.of(dataset),
        lambda p: tell(f"{p.done} of {p.total} commits"),
    )
    return asdict(moved)
