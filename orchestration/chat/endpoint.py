"""An OpenAI-compatible endpoint over HTTP, patiently and within a bounded time."""

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import urllib3
import urllib3.exceptions

from assets.chat import ChatAddress, ChatAnswer, ChatFailed, ChatRequest
from orchestration.chat.pace import Clock, Pace
from orchestration.chat.wire import PATH, answer_of, body_of, message_of, refused_option

CONNECT_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
CHUNK_BYTES, LONGEST_ANSWER_BYTES = 1 << 14, 1 << 24
BYTES_PER_TOKEN = 4
OK, TOO_MANY = 200, 429
# The server did not take the form of the request.
NOT_UNDERSTOOD = frozenset({400, 422})
WORTH_REPEATING = frozenset({408, 425, TOO_MANY, 500, 502, 503, 504, 529})
# Of the key, the account, the address or the model: every request would get the same answer.
LASTING = frozenset({301, 302, 307, 308, 401, 402, 403, 404, 405})


class _Unanswered(Exception):
    """One try without success.

    Attributes:
        reason: As of ChatFailed.
        detail: As of ChatFailed.
        status: HTTP status; 0 where there was no whole answer.
        again: Whether another try may succeed.
        pause: Seconds that the server asks to wait; None where it does not say.
    """

    def __init__(
        self, reason: str, detail: str, *, status: int = 0, again: bool, pause: float | None = None
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.status = status
        self.again = again
        self.pause = pause
        super().__init__(reason)


@dataclass(frozen=True)
class HttpChatEndpoints:
    """Endpoints by their addresses, keys out of the environment (ChatEndpoints)."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = field(default_factory=Clock)

    def open(self, address: ChatAddress) -> "HttpChatEndpoint":
        """The endpoint at an address; nothing is sent yet. Raises ChatFailed without its key."""
        name = address.key_variable
        key = self.environment.get(name, "").strip() if name else ""
        if name and not key:
            detail = f"set {name} in the environment that Dagster runs in, then run again"
            raise ChatFailed("has no key", detail, lasting=True)
        if not (key.isascii() and key.isprintable()):
            detail = f"what {name} holds cannot be a key: it is not all printable ASCII"
            raise ChatFailed("has no key", detail, lasting=True)
        return HttpChatEndpoint(address, key, self.clock)


class HttpChatEndpoint:
    """One endpoint; asked from several threads at once."""

    def __init__(self, address: ChatAddress, key: str, clock: Clock) -> None:
        self._address = address
        self._key = key
        self._clock = clock
        self._pace = Pace(address.requests_per_minute, address.tokens_per_minute, clock)
        self._left_out: frozenset[str] = frozenset()
        self._pool = urllib3.PoolManager(maxsize=address.concurrency, retries=False)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def complete(self, request: ChatRequest) -> ChatAnswer:
        """The answer to a request. Raises ChatFailed."""
        for tries in itertools.count(1):
            try:
                return replace(self._understood(request), tries=tries)
            except _Unanswered as failure:
                if not failure.again or tries > self._address.retries:
                    detail = failure.detail.replace(self._key, "***") if self._key else ""
                    raise ChatFailed(
                        failure.reason,
                        detail or failure.detail,
                        lasting=failure.status in LASTING,
                        tries=tries,
                    ) from None
                self._pause(failure, tries)
        raise AssertionError  # the loop only ends by return or raise

    def _pause(self, failure: _Unanswered, tries: int) -> None:
        backoff = min(FIRST_PAUSE_SECONDS * 2 ** (tries - 1), LONGEST_PAUSE_SECONDS)
        seconds = backoff if failure.pause is None else failure.pause
        if failure.status == TOO_MANY:
            self._pace.hold(seconds)
        else:
            self._clock.sleep(seconds)

    def _understood(self, request: ChatRequest) -> ChatAnswer:
        """The answer to one try, made again without what the server does not take."""
        left_out = self._left_out
        while True:
            body = body_of(request, self._address.model, left_out)
            try:
                answer = self._sent(body, request.max_tokens)
            except _Unanswered as failure:
                refused = failure.status in NOT_UNDERSTOOD
                option = refused_option(failure.detail, body) if refused else None
                if option is None:
                    raise
                left_out |= {option}
            else:
                self._left_out |= left_out
                return answer

    def _sent(self, body: Mapping[str, Any], most_out: int) -> ChatAnswer:
        content = json.dumps(body).encode()
        about = len(content) // BYTES_PER_TOKEN + most_out
        self._pace.wait(about)
        answer = self._read(*self._exchanged(content))
        if answer.input_tokens is not None and answer.output_tokens is not None:
            self._pace.correct(answer.input_tokens + answer.output_tokens - about)
        return answer

    def _read(self, status: int, pause: float | None, content: bytes) -> ChatAnswer:
        if status == OK:
            try:
                return answer_of(content)
            except (ValueError, RecursionError) as error:
                detail = f"it begins {content[:60]!r}"
                raise _Unanswered("answered what is no JSON", detail, again=True) from error
            except ChatFailed as error:
                raise _Unanswered(error.reason, error.detail, again=False) from None
        again = status in WORTH_REPEATING and (pause or 0.0) <= LONGEST_PAUSE_SECONDS
        raise _Unanswered(
            f"answered HTTP {status}",
            f"{message_of(content)}{_advice(status)}",
            status=status,
            again=again,
            pause=pause,
        )

    def _exchanged(self, content: bytes) -> tuple[int, float | None, bytes]:
        """Status, seconds that the server asks to wait, and body, however slowly it sends."""
        seconds = self._address.timeout_s
        try:
            return self._exchange(content, self._clock.now() + seconds)
        except (TimeoutError, urllib3.exceptions.ReadTimeoutError) as error:
            reason = f"took longer than {seconds:g} s"
            raise _Unanswered(reason, "no whole answer", again=True) from error
        except (urllib3.exceptions.ProtocolError, urllib3.exceptions.DecodeError) as error:
            raise _Unanswered("broke off its answer", str(error), again=True) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Unanswered("could not be reached", str(error), again=True) from error

    def _exchange(self, content: bytes, end: float) -> tuple[int, float | None, bytes]:
        seconds = self._address.timeout_s
        response = self._pool.request(
            "POST",
            self._address.url.rstrip("/") + PATH,
            body=content,
            headers=self._headers,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
            preload_content=False,
        )
        received = bytearray()
        try:
            for part in response.stream(CHUNK_BYTES):
                received += part
                self._check(len(received), end)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return response.status, _seconds(response.headers.get("Retry-After")), bytes(received)

    def _check(self, received: int, end: float) -> None:
        if self._clock.now() > end:
            raise TimeoutError
        if received > LONGEST_ANSWER_BYTES:
            detail = f"more than {LONGEST_ANSWER_BYTES} bytes"
            raise _Unanswered("answered too much", detail, again=False)


def _seconds(retry_after: str | None) -> float | None:
    """Of a Retry-After in seconds; None for a date, which few servers of models send."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _advice(status: int) -> str:
    advice = {
        401: "; the key in the environment is wrong or has run out",
        403: "; the key may not use this model",
        404: "; look up endpoint and model in the dataset file, the endpoint up to its version",
    }
    return advice.get(status, "")
