"""What an answer of lakeFS means: done, wait, or stop; and how long it is worth waiting."""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import lakefs.exceptions
import lakefs_sdk.exceptions
import urllib3.exceptions

from assets.errors import StoreRefused, StoreUnavailable

T = TypeVar("T")

BAD_REQUEST, NOT_FOUND, CONFLICT = 400, 404, 409
PRECONDITION_FAILED, SERVER_ERROR = 412, 500
# 423 is how lakeFS before 1.60 said 429.
WAIT_STATUS = frozenset({408, 423, 429, 502, 503, 504})
WAIT_WORDS = ("lock", "predicate failed", "too many", "timeout", "try again")
LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """An answer that was not a success.

    Attributes:
        status: HTTP status; 0 where the server did not answer at all.
        message: What it said.
    """

    status: int
    message: str

    @property
    def worth_waiting(self) -> bool:
        """Whether the same request may succeed later."""
        if self.status == SERVER_ERROR:
            return any(word in self.message.lower() for word in WAIT_WORDS)
        return self.status == 0 or self.status in WAIT_STATUS

    @property
    def no_changes(self) -> bool:
        """Whether lakeFS refused because there is nothing to commit or merge."""
        return nothing_changed(self.status, self.message)


def nothing_changed(status: int, message: str) -> bool:
    """Whether an answer says that there is nothing to commit or to merge."""
    return status == BAD_REQUEST and "no changes" in message.lower()


def answer_of(error: Exception) -> Answer | None:
    """The answer behind a client's exception; None where the exception is about something else."""
    if isinstance(error, lakefs_sdk.exceptions.ApiException):
        status = error.status or BAD_REQUEST
        return Answer(status, _message(error.body) or str(error.reason))
    if isinstance(error, lakefs.exceptions.ServerException):
        body = error.body if isinstance(error.body, dict) else {}
        return Answer(error.status_code or BAD_REQUEST, str(body.get("message") or error.reason))
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return Answer(BAD_REQUEST, f"not an address: {error}")
    if isinstance(error, urllib3.exceptions.HTTPError | ConnectionError):
        return Answer(0, str(error))
    return None


def _message(body: bytes | str | None) -> str:
    try:
        return str(json.loads(body or "{}").get("message", ""))
    except (ValueError, AttributeError):
        return (body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body))[:200]


@dataclass(frozen=True)
class Patience:
    """How long a request is repeated that the server may still answer.

    Attributes:
        seconds: Time from the first failure to giving up.
        first_pause_seconds: Before the first repetition; it doubles from one to the next.
    """

    seconds: float = 60.0
    first_pause_seconds: float = 0.1

    def ask(
        self,
        dataset: str,
        operation: str,
        step: Callable[[], T],
        settled: Callable[[], T | None] | None = None,
        *,
        unanswered: Callable[[], None] = lambda: None,
    ) -> T:
        """The result of a step, repeated while its answers say that waiting helps.

        Args:
            dataset: Name of the dataset, for the error.
            operation: What is asked, in a few words, for the error.
            step: The request; it must be safe to repeat once `settled` has found nothing.
            settled: Looks, before a repetition, whether an earlier attempt was carried out after
                all although its answer got lost.
            unanswered: Called before a repetition where the server did not answer at all.

        Raises:
            StoreUnavailable: the patience is used up.
            StoreRefused: the answer is final.
        """
        pauses = self._pauses()
        repeated = False
        while True:
            try:
                done = settled() if repeated and settled else None
                return step() if done is None else done
            except Exception as error:
                answer = answer_of(error)
                if answer is None:
                    raise
                if not answer.worth_waiting:
                    raise StoreRefused(dataset, operation, answer.status, answer.message) from error
                pause = next(pauses, None)
                if pause is None:
                    raise self._given_up(dataset, operation, answer) from error
                time.sleep(pause)
                if not answer.status:
                    unanswered()
                repeated = True

    def _pauses(self) -> Iterator[float]:
        start, pause = time.monotonic(), self.first_pause_seconds
        while (left := start + self.seconds - time.monotonic()) > 0:
            # Spread, so that writers that collided do not collide again.
            yield min(left, pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _given_up(self, dataset: str, operation: str, answer: Answer) -> StoreUnavailable:
        said = f"HTTP {answer.status} {answer.message}" if answer.status else answer.message
        return StoreUnavailable(
            dataset,
            operation,
            f"no success within {self.seconds:g} s, last: {said}; "
            "see `hallmark doctor`, then run it again: it goes on where it was",
        )
