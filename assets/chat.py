"""What a labeler asks of a language model: the port that orchestration/ has the wire for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from assets.errors import AssetError


@dataclass(frozen=True)
class ChatAddress:
    """Where a language model is and how it may be asked.

    Attributes:
        url: Address of the endpoint, up to the version.
        model: The model, as the endpoint names it.
        key_variable: Environment variable that holds the key; None where none is needed.
        concurrency: Requests that may be under way at once.
        requests_per_minute: At most so many; None for no limit.
        tokens_per_minute: Tokens in and out; None for no limit.
        timeout_s: Of one try, from connecting to the last byte.
        retries: Further tries of a request that failed.
    """

    url: str
    model: str
    key_variable: str | None = None
    concurrency: int = 1
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout_s: float = 30.0
    retries: int = 3


@dataclass(frozen=True)
class ChatRequest:
    """What a language model is asked.

    Attributes:
        messages: Role (system, user, assistant) and text of each.
        schema: JSON schema that the answer must follow, where the endpoint can see to it.
        temperature: 0 for the likeliest answer.
        max_tokens: The answer is cut off there.
        seed: For endpoints whose chance can be settled.
        log_probabilities: Whether those of the answer's tokens are wanted.
    """

    messages: tuple[tuple[str, str], ...]
    schema: Mapping[str, Any]
    temperature: float
    max_tokens: int
    seed: int
    log_probabilities: bool = False


@dataclass(frozen=True)
class ChatAnswer:
    """What a language model answered.

    Attributes:
        text: The answer; empty where there is none.
        refusal: Why it would not answer; None where it did.
        cut_off: Whether the answer ended at max_tokens.
        tokens: The answer's tokens with their log-probabilities; empty where not given.
        input_tokens: As the endpoint counted them; None where it did not.
        output_tokens: Likewise.
        tries: Requests that it took.
    """

    text: str
    refusal: str | None = None
    cut_off: bool = False
    tokens: tuple[tuple[str, float], ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    tries: int = 1


class ChatFailed(AssetError):
    """An endpoint gave no answer to a request.

    Attributes:
        reason: In a few words that are the same for all requests that fail alike.
        detail: What happened to this one; never the key.
        lasting: Whether every other request would fail alike.
        tries: Requests that were made.
    """

    def __init__(self, reason: str, detail: str, *, lasting: bool = False, tries: int = 0) -> None:
        self.reason = reason
        self.detail = detail
        self.lasting = lasting
        self.tries = tries
        super().__init__(f"the endpoint {reason}: {detail}")


class ChatEndpoint(Protocol):
    """A language model that can be asked, from several threads at once."""

    def complete(self, request: ChatRequest) -> ChatAnswer:
        """The answer to a request, patiently and within the address's limits.

        Raises ChatFailed.
        """


@runtime_checkable
class ChatEndpoints(Protocol):
    """The way to language models."""

    def open(self, address: ChatAddress) -> ChatEndpoint:
        """The endpoint at an address; nothing is sent yet. Raises ChatFailed without its key."""
