"""Label Studio over HTTP: tasks in, annotated tasks out, patiently and within a bounded time."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import urllib3
import urllib3.exceptions

from orchestration.errors import OrchestrationError

CONNECT_SECONDS = 5.0
TRIES, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 4, 0.5, 5.0
# 0 is no whole answer at all.
WORTH_REPEATING = frozenset({0, 429, 500, 502, 503, 504})
UNAUTHORIZED, TOO_MANY = 401, 429
CHUNK_BYTES = 1 << 16
PAGE = 100
# How Label Studio's task filters write a time.
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"

Task = dict[str, Any]


class LabelStudioFailed(OrchestrationError):
    """Label Studio did not do what it was asked.

    Attributes:
        operation: What was asked.
        status: HTTP status; 0 where there was no whole answer.
        reason: What it said, or what went wrong.
    """

    def __init__(self, operation: str, status: int, reason: str) -> None:
        self.operation = operation
        self.status = status
        self.reason = reason
        said = f"HTTP {status}, {reason}" if status else reason
        super().__init__(f"Label Studio: cannot {operation}: {said}{_advice(status)}")


@dataclass(frozen=True)
class _Request:
    """What is asked; `repeatable` where asking twice does no more than asking once."""

    operation: str
    method: str
    path: str
    fields: dict[str, str] | None = None
    body: Any = None
    repeatable: bool = True


class LabelStudioServer:
    """The few requests of Label Studio's API that Hallmark needs (Community 1.20 or newer).

    Args:
        url: Where it is, as its users type it.
        token: A personal access token (a JWT, exchanged for one that lives for minutes), or a
            legacy token where the server still takes those.
        read_seconds: How long it may be silent, and how long one answer may take to arrive.
        budget_seconds: When this is spent nothing more is asked.
    """

    def __init__(
        self, *, url: str, token: str, read_seconds: float = 10.0, budget_seconds: float = 30.0
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._personal = _is_personal(token)
        self._access = "" if self._personal else f"Token {token}"
        self._read_seconds = read_seconds
        self._end = time.monotonic() + budget_seconds
        self._pool = urllib3.PoolManager(maxsize=1, retries=False)

    def count(self, *, project: int, mark: tuple[str, str]) -> int:
        """How many tasks of a project have this value in this field of their data."""
        field, value = mark
        query = _query(f"data.{field}", "equal", "String", value)
        page = self._page(project, query, page=1, size=1, fields="task_only")
        if not isinstance(page.get("total"), int):
            raise LabelStudioFailed("count tasks", 0, "its answer has no total")
        return int(page["total"])

    def add_tasks(self, *, project: int, tasks: Sequence[Mapping[str, Any]]) -> int:
        """Import tasks; how many the server took.

        Not repeated where the answer gets lost, because the tasks may be there: count first.
        """
        answer = self._ask(
            _Request(
                f"import {len(tasks)} tasks into project {project}",
                "POST",
                f"/api/projects/{project}/import",
                body=list(tasks),
                repeatable=False,
            )
        )
        return int(answer.get("task_count", 0)) if isinstance(answer, dict) else 0

    def tasks_since(self, *, project: int, since: datetime) -> Iterator[list[Task]]:
        """Pages of tasks updated since a time, oldest change first, with full annotations.

        Every page starts at the last time seen rather than at a number, so that a task which
        changes meanwhile and moves to the end pushes no other one over a page's edge.

        Raises:
            LabelStudioFailed: the pages given before are whole and can be kept.
        """
        number = 1
        while True:
            query = _query("updated_at", "greater_or_equal", "Datetime", _written(since))
            query["ordering"] = ["tasks:updated_at"]
            tasks = self._page(project, query, page=number, size=PAGE, fields="all").get("tasks")
            if not isinstance(tasks, list) or not all(map(_is_task, tasks)):
                raise LabelStudioFailed("read tasks", 0, "its answer has no list of tasks")
            if tasks:
                yield tasks
            if len(tasks) < PAGE or self._spent():
                return
            last = updated(tasks[-1])
            number, since = (number + 1, since) if last <= since else (1, last)

    def users(self) -> dict[int, dict[str, Any]]:
        """Everybody who can have annotated, by number, with number and e-mail address."""
        found = self._ask(_Request("list the users", "GET", "/api/users/"))
        rows = found.get("results", []) if isinstance(found, dict) else found
        if not isinstance(rows, list):
            raise LabelStudioFailed("list the users", 0, "its answer is no list")
        people = [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int)]
        return {row["id"]: {"id": row["id"], "email": row.get("email")} for row in people}

    def _page(
        self, project: int, query: Mapping[str, Any], *, page: int, size: int, fields: str
    ) -> dict[str, Any]:
        wanted = {
            "project": str(project),
            "page": str(page),
            "page_size": str(size),
            "fields": fields,
            "query": json.dumps(query),
        }
        request = _Request(f"read tasks of project {project}", "GET", "/api/tasks/", wanted)
        answer = self._ask(request)
        return answer if isinstance(answer, dict) else {}

    def _ask(self, request: _Request) -> Any:
        """The JSON of an answer. Raises LabelStudioFailed."""
        if self._spent():
            raise LabelStudioFailed(request.operation, 0, "its time is used up, it goes on later")
        worth = WORTH_REPEATING if request.repeatable else frozenset({TOO_MANY})
        if self._personal and self._access:
            # An access token that was good a moment ago may have run out.
            worth |= {UNAUTHORIZED}
        for done in itertools.count(1):
            try:
                return self._send(request, self._access or self._renew())
            except _Unanswered as error:
                if error.status not in worth or done == TRIES or self._spent():
                    raise LabelStudioFailed(
                        request.operation, error.status, error.reason
                    ) from error
                if error.status == UNAUTHORIZED:
                    self._access, worth = "", worth - {UNAUTHORIZED}
                else:
                    time.sleep(error.pause or FIRST_PAUSE_SECONDS * 2 ** (done - 1))
        raise AssertionError  # the loop only ends by return or raise

    def _spent(self) -> bool:
        return time.monotonic() > self._end

    def _renew(self) -> str:
        """An access token, which lives for some minutes, in exchange for the personal one."""
        body = {"refresh": self._token}
        answer = self._send(_Request("log in", "POST", "/api/token/refresh", body=body), "")
        if not isinstance(answer, dict) or not answer.get("access"):
            raise LabelStudioFailed("log in", 0, "its answer has no access token")
        self._access = f"Bearer {answer['access']}"
        return self._access

    def _send(self, request: _Request, access: str) -> Any:
        try:
            status, pause, content = self._exchange(request, access)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Unanswered(0, f"{self._url} did not answer in full: {error}") from error
        if not 200 <= status < 300:  # noqa: PLR2004 - success, as HTTP numbers it
            raise _Unanswered(status, _message(content), pause)
        try:
            return json.loads(content)
        except ValueError as error:
            reason = f"its answer is no JSON, it begins {content[:60]!r}"
            raise LabelStudioFailed(request.operation, 0, reason) from error

    def _exchange(self, request: _Request, access: str) -> tuple[int, float, bytes]:
        """Status, seconds that the server asks to wait, and body, however slowly it sends."""
        end = time.monotonic() + self._read_seconds
        response = self._pool.request(
            request.method,
            self._url + request.path,
            fields=request.fields,
            json=request.body,
            headers={"Accept": "application/json"} | ({"Authorization": access} if access else {}),
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self._read_seconds),
            preload_content=False,
        )
        content = bytearray()
        try:
            for part in response.stream(CHUNK_BYTES):
                content += part
                if time.monotonic() > end:
                    _too_slow(self._read_seconds)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return response.status, _pause(response.headers.get("Retry-After", "")), bytes(content)


def _too_slow(seconds: float) -> NoReturn:
    raise TimeoutError(f"still sending after {seconds:g} s")


class _Unanswered(Exception):
    """One request without success."""

    def __init__(self, status: int, reason: str, pause: float = 0.0) -> None:
        self.status = status
        self.reason = reason
        self.pause = pause
        super().__init__(reason)


def updated(task: Mapping[str, Any]) -> datetime:
    """When a task or an annotation of it last changed. Raises LabelStudioFailed."""
    try:
        return datetime.fromisoformat(str(task.get("updated_at"))).astimezone(UTC)
    except ValueError as error:
        reason = f"task {task.get('id')} has no readable updated_at: {task.get('updated_at')!r}"
        raise LabelStudioFailed("read tasks", 0, reason) from error


def _is_task(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("id"), int)
        and isinstance(row.get("data"), dict)
        and isinstance(row.get("annotations", []), list)
        and all(isinstance(one, dict) for one in row.get("annotations", []))
    )


def _query(field: str, operator: str, kind: str, value: str) -> dict[str, Any]:
    item = {"filter": f"filter:tasks:{field}", "operator": operator, "type": kind, "value": value}
    return {"filters": {"conjunction": "and", "items": [item]}}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


def _is_personal(token: str) -> bool:
    """Personal access tokens are JWTs, three parts with dots; legacy tokens are one word."""
    return token.count(".") == 2  # noqa: PLR2004


def _pause(retry_after: str) -> float:
    return min(float(retry_after), LONGEST_PAUSE_SECONDS) if retry_after.isdigit() else 0.0


def _message(content: bytes) -> str:
    try:
        said = json.loads(content)
    except ValueError:
        said = content.decode("utf-8", "replace")
    detail = said.get("detail", said) if isinstance(said, dict) else said
    return " ".join(str(detail).split())[:200] or "it says nothing more"


def _advice(status: int) -> str:
    advice = {
        401: "make a new token in its Account & Settings, and set it in the environment",
        403: "give the token's user access to the project",
        404: "look up the project's number in its address and in hallmark.yaml",
    }
    return f"; {advice[status]}" if status in advice else ""
