"""Answers by the digest of what was asked: asking again costs nothing."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from assets.chat import ChatAnswer, ChatRequest

FOLDER = "llm"


class AnswerCache:
    """One file an answer, there whole or not at all.

    Args:
        folder: The cache's folder; None keeps nothing.
        url: The endpoint.
        model: The model.
    """

    def __init__(self, folder: Path | None, *, url: str, model: str) -> None:
        self._folder = None if folder is None else folder / FOLDER
        self._asked = {"url": url, "model": model}

    def get(self, request: ChatRequest) -> ChatAnswer | None:
        """What was answered before; None also where the record cannot be read."""
        if self._folder is None:
            return None
        with suppress(OSError, ValueError, TypeError, KeyError):
            stored = json.loads(self._path(request).read_bytes())
            tokens = tuple((str(t), float(p)) for t, p in stored.pop("tokens"))
            return ChatAnswer(tokens=tokens, **stored)
        return None

    def has(self, request: ChatRequest) -> bool:
        """Whether there is a record, readable or not."""
        return self._folder is not None and self._path(request).exists()

    def put(self, request: ChatRequest, answer: ChatAnswer) -> None:
        """Keep an answer; where the disk takes none, it is asked for again."""
        if self._folder is None:
            return
        path = self._path(request)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(json.dumps(vars(answer)).encode())
                Path(beside).replace(path)
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise

    def _path(self, request: ChatRequest) -> Path:
        asked = json.dumps({**self._asked, **vars(request)}, sort_keys=True)
        digest = hashlib.sha256(asked.encode()).hexdigest()
        return Path(self._folder or "") / digest[:2] / f"{digest}.json"
