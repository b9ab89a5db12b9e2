"""Chat completions as OpenAI's API writes them, which most servers of language models speak.

https://platform.openai.com/docs/api-reference/chat
"""

import json
from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from assets.chat import ChatAnswer, ChatFailed, ChatRequest

PATH = "/chat/completions"
# What an endpoint may not know; the answer can be read without any of them.
OPTIONAL = ("response_format", "logprobs", "seed", "temperature", "max_tokens")
FILTERED = "content_filter"
SHOWN = 300


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: Any = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Any = None


def body_of(request: ChatRequest, model: str, left_out: Collection[str]) -> dict[str, Any]:
    """The body of a request, without what the endpoint does not take.

    Newer models take `max_completion_tokens` in the place of `max_tokens`.
    """
    schema = {"name": "answer", "strict": True, "schema": dict(request.schema)}
    body = {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    if request.log_probabilities:
        body["logprobs"] = True
    if "max_tokens" in left_out:
        body["max_completion_tokens"] = request.max_tokens
    return {name: value for name, value in body.items() if name not in left_out}


def refused_option(message: str, sent: Collection[str]) -> str | None:
    """Which optional part of a request a server does not take, going by what it says.

    Where it names none it is the form of the answer, which the fewest servers know.
    """
    candidates = [name for name in OPTIONAL if name in sent]
    named = [name for name in candidates if name in message]
    unnamed = [name for name in candidates if name == "response_format"]
    return next(iter([*named, *unnamed]), None)


def answer_of(content: bytes) -> ChatAnswer:
    """The answer in a body.

    Raises:
        ValueError: the body is no JSON.
        ChatFailed: it is JSON, and no completion.
    """
    said = json.loads(content)
    try:
        completion = _Completion.model_validate(said)
    except ValidationError:
        shown = repr(content[:SHOWN].decode("utf-8", "replace"))
        raise ChatFailed("answered what is no completion", shown) from None
    choice, usage = completion.choices[0], completion.usage
    counted = usage if isinstance(usage, dict) else {}
    filtered = FILTERED if choice.finish_reason == FILTERED else None
    return ChatAnswer(
        text=choice.message.content or "",
        refusal=choice.message.refusal or filtered,
        cut_off=choice.finish_reason == "length",
        tokens=_tokens(choice.logprobs),
        input_tokens=_count(counted.get("prompt_tokens")),
        output_tokens=_count(counted.get("completion_tokens")),
    )


def message_of(content: bytes) -> str:
    """What an error says, on one line."""
    try:
        said = json.loads(content)
    except ValueError:
        said = content[: 4 * SHOWN].decode("utf-8", "replace")
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(message).split())[:SHOWN] or "it says nothing more"


def _tokens(given: Any) -> tuple[tuple[str, float], ...]:
    try:
        return tuple((str(t["token"]), float(t["logprob"])) for t in given["content"])
    except (LookupError, TypeError, ValueError):
        return ()


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if whole else None
