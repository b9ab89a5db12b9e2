"""An endpoint of language models that behaves and misbehaves, over real HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import polars as pl
import pytest

from assets.dataset_file.language_models import LanguageModelLabeler
from assets.dataset_file.ontology import Ontology
from assets.labelers.interface import KNOWN, LabelerInput
from orchestration.chat.endpoint import HttpChatEndpoints
from orchestration.chat.pace import Clock
from quality.schema import ITEMS

ONTOLOGY = Ontology.model_validate(
    {"classes": [{"name": "positive", "description": "They like it."}, "negative"]}
)
SLOW_SECONDS = 0.6


class ChatStandIn:
    """Answers by a rule, counts tokens, and does what `faults` says instead, one a request.

    Attributes:
        faults: What happens to the next requests; an empty text is no fault.
        always: What happens to every request that has no fault of its own.
        says: The answer to what a request's last message says.
        lacks: Options of a request that are answered with HTTP 400.
        bodies: What was asked.
        most_at_once: Requests that were under way at the same time.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.always = ""
        self.says: Callable[[str], Any] = lambda text: json.dumps(
            {"label": "positive" if "good" in text else "negative"}
        )
        self.lacks: set[str] = set()
        self.log_probability: float | None = None
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.under_way = self.most_at_once = 0
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"tool": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        said = self.says(body["messages"][-1]["content"])
        message = said if isinstance(said, dict) else {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        if self.log_probability is not None and body.get("logprobs"):
            tokens = [{"token": t, "logprob": self.log_probability} for t in _pieces(said)]
            choice["logprobs"] = {"content": tokens}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        return {"object": "chat.completion", "choices": [choice], "usage": usage}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pieces(text: str) -> list[str]:
    return [text[i : i + 4] for i in range(0, len(text), 4)]


_UNCOUNTED = {"no usage": {"usage": None}}
_ENDS = {
    "cut off at max_tokens": {"finish_reason": "length", "message": {"content": '{"lab'}},
    "filtered": {"finish_reason": "content_filter", "message": {"content": None}},
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    tool: ChatStandIn

    def do_POST(self) -> None:
        tool = self.tool
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with tool.lock:
            tool.bodies.append(body)
            tool.keys.append(self.headers.get("Authorization"))
            tool.under_way += 1
            tool.most_at_once = max(tool.most_at_once, tool.under_way)
            fault = (tool.faults.pop(0) if tool.faults else "") or tool.always
        try:
            self._answer(body, fault)
        finally:
            with tool.lock:
                tool.under_way -= 1

    def _answer(self, body: dict[str, Any], fault: str) -> None:
        if self.path != "/v1/chat/completions":
            self._say(404, {"error": {"message": f"no {self.path}"}})
            return
        lacking = self.tool.lacks & body.keys()
        if lacking:
            self._say(400, {"error": {"message": f"Unsupported: '{min(lacking)}'"}})
            return
        said = self.tool.completion(body) | _UNCOUNTED.get(fault, {})
        said["choices"][0] |= _ENDS.get(fault, {})
        match fault.split():
            case ["later", seconds]:
                self._say(429, {"error": {"message": "slow down"}}, {"Retry-After": seconds})
            case [status] if status.isdigit():
                self._say(int(status), {"error": {"message": f"{self.headers['Authorization']}"}})
            case ["html"]:
                self._say(200, b"<html>Sign in</html>")
            case ["wrong"]:
                self._say(200, {"object": "list", "data": []})
            case ["deep"]:
                self._say(200, b"[" * 100_000)
            case _:
                self._say(200, said, cut=fault == "cut off", slow=fault == "slow")

    def _say(
        self,
        status: int,
        said: Any,
        headers: dict[str, str] | None = None,
        *,
        cut: bool = False,
        slow: bool = False,
    ) -> None:
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if slow:
            self.wfile.write(content[:1])
            self.wfile.flush()
            time.sleep(SLOW_SECONDS)
            self.close_connection = True
        self.wfile.write(content[: len(content) // 2] if cut else content[slow:])
        self.close_connection = self.close_connection or cut

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def tool() -> Iterator[ChatStandIn]:
    standing = ChatStandIn()
    yield standing
    standing.close()


class Waits(list[float]):
    """The pauses that were asked for; nobody waits."""

    @property
    def clock(self) -> Clock:
        return Clock(sleep=self.append)


@pytest.fixture
def waits() -> Waits:
    return Waits()


Section = Callable[..., LanguageModelLabeler]


@pytest.fixture
def section(tool: ChatStandIn) -> Section:
    """Makes a section of the dataset file for the stand-in."""

    def make(**settings: Any) -> LanguageModelLabeler:
        facts = {"name": "small", "kind": "llm", "endpoint": tool.url, "model": "m", "retries": 1}
        return LanguageModelLabeler.model_validate({**facts, **settings})

    return make


Given = Callable[..., LabelerInput]


@pytest.fixture
def given(waits: Waits) -> Given:
    """Makes the input of a labeler out of texts, and of labeled ones by id."""

    def make(
        texts: list[str], known: dict[str, tuple[str, str]] | None = None, **more: Any
    ) -> LabelerInput:
        rows = {f"i{k}": text for k, text in enumerate(texts)}
        environment = more.pop("environment", {})
        taught = _items({key: text for key, (text, _) in (known or {}).items()}).with_columns(
            label=pl.Series([label for _, label in (known or {}).values()], dtype=pl.String),
            state=pl.lit("human"),
        )
        return LabelerInput(
            items=_items(rows),
            ontology=more.pop("ontology", ONTOLOGY),
            features=lambda: None,  # type: ignore[arg-type, return-value]
            media=lambda _uri: b"",
            known=lambda: KNOWN.check(taught.select(list(KNOWN.columns))),
            chat=HttpChatEndpoints(environment, waits.clock),
            **more,
        )

    return make


def _items(rows: dict[str, str]) -> pl.DataFrame:
    ids = list(rows)
    facts = {"item_id": ids, "content": list(rows.values()), "group_id": ids}
    frame = pl.DataFrame(facts, schema=dict.fromkeys(facts, pl.String))
    blank = {
        name: pl.lit("text" if name == "modality" else None, dtype)
        for name, dtype in ITEMS.columns.items()
        if name not in facts
    }
    filled = frame.with_columns(**blank).with_columns(
        source_uri=pl.lit("s"), source_sha256=pl.lit("0"), ingested_at=pl.lit(0)
    )
    return filled.select(pl.col(n).cast(t) for n, t in ITEMS.columns.items())
