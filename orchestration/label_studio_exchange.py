"""Tasks of the queue to Label Studio, and what people answered there into reviews/NAME."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.label_studio_server import LabelStudioFailed, LabelStudioServer, Task, updated

MARK = "hallmark_queue"
CHUNK = 50
# A change may become visible after a later one: its transaction took longer.
OVERLAP = timedelta(seconds=30)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
DIGEST_DIGITS = 16


@dataclass(frozen=True)
class Cursor:
    """How far a project of Label Studio is exchanged; kept by the sensor as JSON.

    Attributes:
        since: Time of the last change seen, ISO 8601.
        written: Digest of the last review file's tasks; the same tasks are not written again.
        pushed: Digests of the queue files whose tasks are there.
    """

    since: str = BEGINNING.isoformat()
    written: str = ""
    pushed: tuple[str, ...] = ()

    @staticmethod
    def read(text: str | None) -> "Cursor":
        """The cursor of a sensor; one that cannot be read begins anew, which loses nothing."""
        try:
            stored = json.loads(text or "{}")
            datetime.fromisoformat(stored.get("since", BEGINNING.isoformat()))
            return Cursor(**{**stored, "pushed": tuple(stored.get("pushed", ()))})
        except (ValueError, TypeError, AttributeError):
            return Cursor()

    def to_json(self) -> str:
        """What `read` reads."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Exchanged:
    """What one exchange did.

    Attributes:
        cursor: Where the next one begins; kept also where this one ended early.
        pushed: Tasks sent.
        file: The review file written, if there was anything new.
        annotations: Annotations in it.
        trouble: Why it ended early; None where it did not.
    """

    cursor: Cursor
    pushed: int = 0
    file: Path | None = None
    annotations: int = 0
    trouble: LabelStudioFailed | None = None

    def __str__(self) -> str:
        """One line for the UI."""
        sent = [f"{self.pushed} tasks sent"] if self.pushed else []
        found = [f"{self.annotations} annotations in {self.file.name}"] if self.file else []
        ended = [str(self.trouble)] if self.trouble else []
        return "; ".join([*sent, *found, *ended]) or "nothing new"


def exchange(
    server: LabelStudioServer, *, project: int, queue: Path, reviews: Path, cursor: Cursor
) -> Exchanged:
    """Send new queue files, then fetch what was answered since the last time.

    Args:
        server: Label Studio.
        project: Number of the project there.
        queue: Folder of the queue files.
        reviews: Folder that review files are dropped into.
        cursor: Where the last exchange ended.
    """
    sent = _push(server, project, queue, cursor)
    if sent.trouble:
        return sent
    return _fetch(server, project, reviews, sent)


def _push(server: LabelStudioServer, project: int, queue: Path, cursor: Cursor) -> Exchanged:
    files = {_digest(path.read_bytes()): path for path in sorted(queue.glob("[!.]*.json"))}
    done = Exchanged(replace(cursor, pushed=tuple(d for d in cursor.pushed if d in files)))
    for digest, path in files.items():
        if digest in done.cursor.pushed:
            continue
        try:
            sent = sum(_push_chunks(server, project, digest, _tasks(path)))
        except LabelStudioFailed as trouble:
            return replace(done, trouble=trouble)
        known = replace(done.cursor, pushed=(*done.cursor.pushed, digest))
        done = replace(done, cursor=known, pushed=done.pushed + sent)
    return done


def _tasks(path: Path) -> list[Task]:
    tasks = json.loads(path.read_bytes())
    if not isinstance(tasks, list) or not all(isinstance(t.get("data"), dict) for t in tasks):
        raise ValueError(f"{path} is no list of tasks; delete it, the next snapshot asks anew")
    return tasks


def _push_chunks(
    server: LabelStudioServer, project: int, digest: str, tasks: Sequence[Task]
) -> Iterator[int]:
    """Send a file's tasks in chunks that say what they are: an interrupted push goes on there."""
    for start in range(0, len(tasks), CHUNK):
        mark = f"{digest}.{start // CHUNK}"
        chunk = [
            {**task, "data": {**task["data"], MARK: mark}} for task in tasks[start : start + CHUNK]
        ]
        if not server.count(project=project, mark=(MARK, mark)):
            server.add_tasks(project=project, tasks=chunk)
            yield len(chunk)


def _fetch(server: LabelStudioServer, project: int, reviews: Path, done: Exchanged) -> Exchanged:
    tasks: dict[Any, Task] = {}
    last = datetime.fromisoformat(done.cursor.since)
    trouble = None
    people: Mapping[Any, Any] = {}
    try:
        people = server.users()
        for page in server.tasks_since(project=project, since=_earlier(last)):
            tasks |= {task["id"]: task for task in page}
            last = max(last, updated(page[-1]))
    except LabelStudioFailed as failure:
        trouble = failure
    answered = [_signed(task, people) for task in tasks.values() if task.get("annotations")]
    digest = _digest(json.dumps([_version(task) for task in answered]).encode())
    cursor = replace(done.cursor, since=last.isoformat())
    if not answered or digest == cursor.written:
        return replace(done, cursor=cursor, trouble=trouble)
    path = reviews / f"label-studio-{project}-{digest}.json"
    _write(path, json.dumps(answered, ensure_ascii=False, indent=1).encode())
    annotations = sum(len(task["annotations"]) for task in answered)
    return replace(
        done,
        cursor=replace(cursor, written=digest),
        file=path,
        annotations=annotations,
        trouble=trouble,
    )


def _earlier(last: datetime) -> datetime:
    return max(BEGINNING, last - OVERLAP)


def _signed(task: Task, people: Mapping[Any, Any]) -> Task:
    """The task as an export with full authors has it, without the picture that it showed."""
    annotations = [
        {**one, "completed_by": people.get(author, author)}
        for one in task["annotations"]
        for author in [one.get("completed_by")]
    ]
    data = {name: value for name, value in task["data"].items() if not _is_picture(value)}
    return {**task, "data": data, "annotations": annotations}


def _version(task: Task) -> list[Any]:
    """What changes when an answer does; how long ago something was made changes all the time."""
    return [task["id"], [[one.get("id"), one.get("updated_at")] for one in task["annotations"]]]


def _is_picture(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("data:image/")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after the power failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
