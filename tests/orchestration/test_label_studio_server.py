"""Exchanging with a Label Studio, one that behaves and one that does not."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest

from assets.chain import chain
from assets.dataset_file.loading import load
from orchestration import label_studio_server
from orchestration.doctor import Finding, examine
from orchestration.label_studio_exchange import MARK, Cursor, Exchanged, exchange
from orchestration.label_studio_exports import read_export
from orchestration.label_studio_server import PAGE, LabelStudioFailed, LabelStudioServer
from orchestration.location import definitions
from orchestration.project import open_project
from orchestration.sensors import label_studio_sensor
from orchestration.store import embedded

PERSONAL = "header.payload.signature"
START = datetime(2026, 1, 1, tzinfo=UTC)
Reply = tuple[int, Any]


class LabelStudioStandIn:
    """The endpoints of Label Studio 1.23.2 that are used, over real HTTP, with faults on demand."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.access = 0
        self.clock = START
        handler = type("Handler", (_Handler,), {"tool": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, data: dict[str, Any]) -> dict[str, Any]:
        self.clock += timedelta(seconds=1)
        task = {"id": len(self.tasks) + 1, "data": data, "annotations": []}
        self.tasks.append(task | {"updated_at": self.clock.isoformat().replace("+00:00", "Z")})
        return self.tasks[-1]

    def annotate(self, task: dict[str, Any], label: str = "a", by: int = 1) -> None:
        self.clock += timedelta(seconds=1)
        now = task["updated_at"] = self.clock.isoformat().replace("+00:00", "Z")
        result = [{"from_name": "label", "type": "choices", "value": {"choices": [label]}}]
        number = 100 * task["id"] + len(task["annotations"])
        task["annotations"].append(
            {"id": number, "completed_by": by, "result": result, "updated_at": now}
        )

    def answer(self, method: str, path: str, body: Any, authorization: str) -> Reply:
        self.requests.append(f"{method} {path.split('?', maxsplit=1)[0]}")
        url = urlsplit(path)
        if url.path == "/api/token/refresh":
            self.access += 1
            good = body == {"refresh": PERSONAL}
            return (200, {"access": f"a{self.access}"}) if good else (401, {"detail": "invalid"})
        if authorization not in {f"Bearer a{self.access}", "Token legacy"}:
            return 401, {"detail": "Given token not valid"}
        if url.path == "/api/users/":
            return 200, [{"id": 1, "email": "ana@example.org", "username": "ana", "phone": ""}]
        if url.path == "/api/projects/3/import":
            added = [self.add(task["data"]) for task in body]
            return 201, {"task_count": len(added)}
        if url.path == "/api/tasks/":
            return 200, self._page({k: v[0] for k, v in parse_qs(url.query).items()})
        return 404, {"detail": "Not found."}

    def _page(self, asked: dict[str, str]) -> dict[str, Any]:
        wanted = json.loads(asked["query"])["filters"]["items"][0]
        if wanted["filter"] == "filter:tasks:updated_at":
            since = datetime.fromisoformat(wanted["value"])
            found = [t for t in self.tasks if datetime.fromisoformat(t["updated_at"]) >= since]
            found.sort(key=lambda task: task["updated_at"])
        else:
            field = wanted["filter"].removeprefix("filter:tasks:data.")
            found = [t for t in self.tasks if t["data"].get(field) == wanted["value"]]
        size, page = int(asked["page_size"]), int(asked["page"])
        return {"total": len(found), "tasks": found[(page - 1) * size : page * size]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    tool: LabelStudioStandIn

    def handle_any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.tool.faults.pop(0) if self.tool.faults else ""
        if fault in {"429", "500", "503"}:
            self._say(int(fault), b'{"detail": "later"}')
            return
        body = json.loads(raw) if raw else None
        status, said = self.tool.answer(
            self.command, self.path, body, self.headers.get("Authorization", "")
        )
        content = json.dumps(said).encode()
        if fault == "html":
            content = b"<html>login</html>"
        self._say(status, content, cut=fault == "cut off", slow=fault == "slow")

    do_GET = do_POST = handle_any  # noqa: N815

    def _say(self, status: int, body: bytes, *, cut: bool = False, slow: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if slow:
            self.wfile.write(body[:1])
            self.wfile.flush()
            time.sleep(0.6)
        self.wfile.write(body[: len(body) // 2] if cut else body[slow:])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def tool() -> Iterator[LabelStudioStandIn]:
    standing = LabelStudioStandIn()
    yield standing
    standing.close()


@pytest.fixture(autouse=True)
def _without_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_studio_server, "FIRST_PAUSE_SECONDS", 0.01)


def client(tool: LabelStudioStandIn, token: str = PERSONAL) -> LabelStudioServer:
    return LabelStudioServer(url=tool.url, token=token, read_seconds=0.3)


def run(tool: LabelStudioStandIn, folder: Path, cursor: Cursor | None = None) -> Exchanged:
    return exchange(
        client(tool),
        project=3,
        queue=folder / "queue",
        reviews=folder / "reviews",
        cursor=cursor or Cursor(),
    )


def queued(folder: Path, count: int = 3) -> Path:
    data = [{"item_id": f"{i:064x}", "image": "data:image/png;base64,AA=="} for i in range(count)]
    path = folder / "queue" / "d-1.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([{"data": one} for one in data]))
    return path


@pytest.mark.parametrize("token", [PERSONAL, "legacy"])
def test_both_kinds_of_token_let_in(tool: LabelStudioStandIn, token: str) -> None:
    assert client(tool, token).users()[1]["email"] == "ana@example.org"


def test_an_access_token_that_ran_out_is_renewed(tool: LabelStudioStandIn) -> None:
    server = client(tool)
    server.users()
    tool.access += 1
    assert server.users()


def test_a_wrong_token_is_refused_with_what_to_do(tool: LabelStudioStandIn) -> None:
    with pytest.raises(LabelStudioFailed, match="make a new token") as caught:
        client(tool, "not.the.one").users()
    assert caught.value.status == 401


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut off", "slow"])
def test_a_server_in_trouble_is_asked_again(tool: LabelStudioStandIn, fault: str) -> None:
    tool.faults = [fault, fault]
    assert client(tool, "legacy").users()


def test_a_server_that_stays_in_trouble_is_given_up_with_the_cause(
    tool: LabelStudioStandIn,
) -> None:
    tool.faults = ["503"] * 10
    with pytest.raises(LabelStudioFailed, match="HTTP 503, later"):
        client(tool, "legacy").users()
    assert len(tool.faults) == 10 - label_studio_server.TRIES


def test_nothing_more_is_asked_when_the_time_is_used_up(tool: LabelStudioStandIn) -> None:
    spent = LabelStudioServer(url=tool.url, token="legacy", budget_seconds=0)
    with pytest.raises(LabelStudioFailed, match="goes on later"):
        spent.users()
    assert not tool.requests


def test_an_answer_that_is_no_json_is_quoted(tool: LabelStudioStandIn) -> None:
    tool.faults = ["html"]
    with pytest.raises(LabelStudioFailed, match="<html>login"):
        client(tool, "legacy").users()


def test_a_queue_file_is_sent_once(tool: LabelStudioStandIn, tmp_path: Path) -> None:
    queued(tmp_path, 120)
    first = run(tool, tmp_path)
    second = run(tool, tmp_path, first.cursor)
    assert (first.pushed, second.pushed, len(tool.tasks)) == (120, 0, 120)


def test_a_queue_file_is_sent_once_also_when_the_cursor_is_lost(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    queued(tmp_path, 60)
    run(tool, tmp_path)
    assert run(tool, tmp_path).pushed == 0
    assert len(tool.tasks) == 60


def test_an_import_whose_answer_got_lost_is_not_repeated(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    queued(tmp_path, 120)
    tool.faults = ["", "", "cut off"]
    first = run(tool, tmp_path)
    assert first.trouble is not None
    assert not first.cursor.pushed
    second = run(tool, tmp_path, first.cursor)
    assert second.trouble is None
    assert len({task["data"]["item_id"] for task in tool.tasks}) == len(tool.tasks) == 120
    assert {task["data"][MARK].split(".")[1] for task in tool.tasks} == {"0", "1", "2"}


def test_what_people_answered_becomes_a_review_file_with_full_authors(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    queued(tmp_path)
    sent = run(tool, tmp_path)
    tool.annotate(tool.tasks[1])
    done = run(tool, tmp_path, sent.cursor)
    assert done.file is not None
    (answer,) = read_export(done.file.read_bytes()).answers
    assert (answer.item_id, answer.label) == (f"{1:064x}", "a")
    assert (answer.completed_by, answer.also_named) == ("ana@example.org", "1")
    assert b"data:image" not in done.file.read_bytes()
    assert [path.name for path in done.file.parent.iterdir()] == [done.file.name]


def test_the_same_answers_are_written_once_and_an_edited_one_again(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    tool.annotate(tool.add({"item_id": "0" * 64}))
    first = run(tool, tmp_path)
    second = run(tool, tmp_path, first.cursor)
    assert second.file is None
    tool.annotate(tool.tasks[0], "b")
    third = run(tool, tmp_path, second.cursor)
    assert third.annotations == 2


def test_many_answers_come_in_pages_and_none_is_missed(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    for number in range(2 * PAGE + 7):
        tool.annotate(tool.add({"item_id": f"{number:064x}"}))
    done = run(tool, tmp_path)
    assert done.annotations == 2 * PAGE + 7


def test_pages_go_on_where_more_tasks_than_a_page_holds_changed_at_one_moment(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    for number in range(2 * PAGE + 7):
        tool.annotate(tool.add({"item_id": f"{number:064x}"}))
        tool.tasks[-1]["updated_at"] = "2026-01-01T00:00:00.000000Z"
    assert run(tool, tmp_path).annotations == 2 * PAGE + 7


def test_pages_that_came_before_a_failure_are_kept(
    tool: LabelStudioStandIn, tmp_path: Path
) -> None:
    for number in range(PAGE + 1):
        tool.annotate(tool.add({"item_id": f"{number:064x}"}))
    tool.faults = ["", "", "", "html"]
    first = run(tool, tmp_path)
    assert first.annotations == PAGE
    assert first.trouble is not None
    assert run(tool, tmp_path, first.cursor).trouble is None
    files = [read_export(p.read_bytes()) for p in (tmp_path / "reviews").iterdir()]
    assert len({answer.annotation for file in files for answer in file.answers}) == PAGE + 1


@pytest.mark.parametrize("text", [None, "", "[]", '{"since": 5}', '{"x": 1}', "not JSON"])
def test_a_cursor_that_cannot_be_read_begins_anew(text: str | None) -> None:
    assert Cursor.read(text) == Cursor()


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = Cursor("2026-01-01T00:00:00+00:00", "abc", ("d", "e"))
    assert Cursor.read(cursor.to_json()) == cursor


DATASET = "name: films\nmodality: text\nontology: {classes: [a, b]}\n"


@pytest.fixture
def root(tool: LabelStudioStandIn, tmp_path: Path) -> Path:
    settings = f"label_studio: {{url: '{tool.url}', projects: {{films: 3}}}}\n"
    (tmp_path / "hallmark.yaml").write_text(settings)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "films.yaml").write_text(DATASET)
    return tmp_path


def looked_at(root: Path, **environment: str) -> list[Finding]:
    found = examine(root, environment)
    embedded.stop(open_project(root, {}).lakefs_data())
    return [finding for finding in found if finding.name == "Label Studio"]


def test_doctor_asks_each_project(root: Path) -> None:
    (finding,) = looked_at(root, HALLMARK_LABEL_STUDIO_TOKEN=PERSONAL)
    assert finding.ok, finding.saw


def test_doctor_misses_the_token(root: Path) -> None:
    (finding,) = looked_at(root)
    assert finding.ok is False
    assert "HALLMARK_LABEL_STUDIO_TOKEN" in finding.saw


def test_doctor_says_when_label_studio_does_not_answer(
    root: Path, tool: LabelStudioStandIn
) -> None:
    tool.close()
    (finding,) = looked_at(root, HALLMARK_LABEL_STUDIO_TOKEN=PERSONAL)
    assert finding.ok is False
    assert "films" in finding.saw


def test_doctor_names_a_project_of_no_dataset(root: Path) -> None:
    (root / "hallmark.yaml").write_text("label_studio: {projects: {flims: 3}}\n")
    (finding,) = looked_at(root)
    assert finding.ok is False
    assert "flims" in finding.saw


def tick(root: Path, cursor: str | None = None) -> Any:
    dataset = load(root / "datasets" / "films.yaml")
    sensor = label_studio_sensor(chain(dataset, root), open_project(root, {}))
    with dg.instance_for_test() as instance:
        return sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor))


def test_the_sensor_keeps_its_cursor_and_says_what_it_did(
    tool: LabelStudioStandIn, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALLMARK_LABEL_STUDIO_TOKEN", PERSONAL)
    tool.annotate(tool.add({"item_id": "0" * 64}))
    first = tick(root)
    assert "1 annotations" in first.skip_message
    assert tick(root, first.cursor).skip_message == "nothing new"


def test_the_sensor_skips_with_the_cause_where_the_server_refuses_or_is_not_there(
    tool: LabelStudioStandIn, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "HALLMARK_LABEL_STUDIO_TOKEN" in tick(root).skip_message
    monkeypatch.setenv("HALLMARK_LABEL_STUDIO_TOKEN", "wrong")
    assert "HTTP 401" in tick(root).skip_message
    tool.close()
    assert "did not answer" in tick(root).skip_message


def test_the_sensor_is_there_only_where_a_project_is_named(root: Path) -> None:
    found = definitions(open_project(root, {}))
    assert "films_label_studio" in {sensor.name for sensor in found.sensors or []}
    (root / "hallmark.yaml").write_text("")
    found = definitions(open_project(root, {}))
    assert "films_label_studio" not in {sensor.name for sensor in found.sensors or []}
