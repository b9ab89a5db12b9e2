"""Which handler answers which method and path."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from infra.lakefs.api import commits, config, diffs, imports, links, objects, refs, uploads
from infra.lakefs.api import repositories as repos
from infra.lakefs.api.call import Call, Reply
from infra.lakefs.errors import NotFoundError

Handler = Callable[[Call], Reply | Awaitable[Reply]]

_API = "api/v1"
_REPOSITORY = "repositories/{repository}"
_BRANCH = f"{_REPOSITORY}/branches/{{branch}}"
_REF = f"{_REPOSITORY}/refs/{{ref}}"

_OPEN: list[tuple[str, str, Handler]] = [
    ("GET", f"{_API}/healthcheck", config.health_check),
    ("GET", "_health", config.health_check),
    ("POST", f"{_API}/auth/login", config.login),
    ("GET", "_blob/{token}", objects.get_signed),
    ("PUT", "_blob/{token}", links.put_signed),
]

_SIGNED_IN: list[tuple[str, str, Handler]] = [
    ("GET", "config", config.get_config),
    ("GET", "config/version", config.get_version),
    ("GET", "config/storage", config.get_storage),
    ("POST", "statistics", config.health_check),
    ("GET", "user", config.get_current_user),
    ("GET", "repositories", repos.list_repositories),
    ("POST", "repositories", repos.create_repository),
    ("GET", _REPOSITORY, repos.get_repository),
    ("DELETE", _REPOSITORY, repos.delete_repository),
    ("GET", f"{_REPOSITORY}/metadata", repos.get_metadata),
    ("GET", f"{_REPOSITORY}/settings/branch_protection", repos.get_branch_protection),
    ("PUT", f"{_REPOSITORY}/settings/branch_protection", repos.set_branch_protection),
    ("GET", f"{_REPOSITORY}/branches", refs.list_branches),
    ("POST", f"{_REPOSITORY}/branches", refs.create_branch),
    ("GET", _BRANCH, refs.get_branch),
    ("DELETE", _BRANCH, refs.delete_branch),
    ("PUT", _BRANCH, refs.reset_branch),
    ("PUT", f"{_BRANCH}/hard_reset", refs.hard_reset_branch),
    ("POST", f"{_BRANCH}/commits", commits.commit),
    ("POST", f"{_BRANCH}/revert", commits.revert),
    ("POST", f"{_BRANCH}/cherry-pick", commits.cherry_pick),
    ("GET", f"{_BRANCH}/diff", diffs.diff_branch),
    ("POST", f"{_BRANCH}/objects", uploads.upload_object),
    ("PUT", f"{_BRANCH}/objects", imports.stage_object),
    ("DELETE", f"{_BRANCH}/objects", uploads.delete_object),
    ("POST", f"{_BRANCH}/objects/delete", uploads.delete_objects),
    ("POST", f"{_BRANCH}/objects/copy", uploads.copy_object),
    ("PUT", f"{_BRANCH}/objects/stat/user_metadata", uploads.update_user_metadata),
    ("GET", f"{_BRANCH}/staging/backing", links.get_physical_address),
    ("PUT", f"{_BRANCH}/staging/backing", links.link_physical_address),
    ("POST", f"{_BRANCH}/import", imports.start_import),
    ("GET", f"{_BRANCH}/import", imports.import_status),
    ("DELETE", f"{_BRANCH}/import", imports.cancel_import),
    ("GET", f"{_REPOSITORY}/commits/{{ref}}", commits.get_commit),
    ("GET", f"{_REF}/commits", commits.log_commits),
    ("GET", f"{_REPOSITORY}/refs/{{left}}/diff/{{right}}", diffs.diff_refs),
    ("POST", f"{_REF}/merge/{{branch}}", commits.merge),
    ("GET", f"{_REF}/merge/{{branch}}", commits.find_merge_base),
    ("GET", f"{_REF}/objects", objects.get_object),
    ("HEAD", f"{_REF}/objects", objects.head_object),
    ("GET", f"{_REF}/objects/stat", objects.stat_object),
    ("GET", f"{_REF}/objects/ls", objects.list_objects),
    ("GET", f"{_REPOSITORY}/tags", refs.list_tags),
    ("POST", f"{_REPOSITORY}/tags", refs.create_tag),
    ("GET", f"{_REPOSITORY}/tags/{{tag}}", refs.get_tag),
    ("DELETE", f"{_REPOSITORY}/tags/{{tag}}", refs.delete_tag),
]

# Known to lakeFS, not to this server: they answer 501, everything under them too.
_NOT_HERE = (
    f"{_BRANCH}/staging/pmpu",
    f"{_BRANCH}/update_token",
    f"{_REPOSITORY}/pulls",
    f"{_REPOSITORY}/actions",
    f"{_REPOSITORY}/gc",
    f"{_REPOSITORY}/settings/gc_rules",
    f"{_REPOSITORY}/dump",
    f"{_REPOSITORY}/restore",
    f"{_REPOSITORY}/metadata",
    f"{_REPOSITORY}/commits",
    f"{_REF}/dump",
    f"{_REF}/restore",
    f"{_REF}/symlink",
    "auth",
    "otf",
    "setup_lakefs",
    "setup_comm_prefs",
    "sts",
    "usage-report",
    "tasks",
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Route:
    """A handler, and how it is to be called."""

    pattern: tuple[str, ...]
    handler: Handler
    open: bool
    streams: bool

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The variable segments of a path as long as the pattern, or None where it differs."""
        parts: dict[str, str] = {}
        for wanted, found in zip(self.pattern, segments, strict=False):
            if wanted.startswith("{"):
                parts[wanted[1:-1]] = found
            elif wanted != found:
                return None
        return parts


class Routes:
    """The table of routes, by method and length."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, int], list[Route]] = {}
        for method, path, handler in _OPEN:
            self._add(method, path, handler, is_open=True)
        for method, path, handler in _SIGNED_IN:
            self._add(method, f"{_API}/{path}", handler, is_open=False)
        self._missing = [
            Route(tuple(f"{_API}/{path}".split("/")), config.not_implemented, False, False)
            for path in _NOT_HERE
        ]

    def find(self, method: str, segments: list[str]) -> tuple[Route, Mapping[str, str]]:
        """The route of a request, and the variable segments of its path.

        Raises:
            NotFoundError: lakeFS has no such endpoint.
        """
        for route in self._routes.get((method, len(segments)), []):
            parts = route.match(segments)
            if parts is not None:
                return route, parts
        if method in _METHODS:
            for route in self._missing:
                if len(segments) >= len(route.pattern) and route.match(segments) is not None:
                    return route, {}
        raise NotFoundError("invalid API endpoint")

    def _add(self, method: str, path: str, handler: Handler, *, is_open: bool) -> None:
        pattern = tuple(path.split("/"))
        route = Route(pattern, handler, is_open, inspect.iscoroutinefunction(handler))
        self._routes.setdefault((method, len(pattern)), []).append(route)
