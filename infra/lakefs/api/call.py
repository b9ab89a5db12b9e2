"""What a handler gets and gives: a request taken apart, and the reply."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from infra.lakefs import names, paging
from infra.lakefs.auth import Auth
from infra.lakefs.changes import Target
from infra.lakefs.errors import BadRequestError
from infra.lakefs.imports import Imports
from infra.lakefs.store import Store

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


@dataclass(frozen=True, slots=True)
class Context:
    """What all requests share.

    Attributes:
        presign: Whether clients get URLs that need no credentials.
    """

    store: Store
    auth: Auth
    imports: Imports
    presign: bool = False


class Query:
    """The query string; an empty value counts as absent."""

    def __init__(self, raw: bytes) -> None:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str:
        """The first value of a parameter, or ''."""
        return self._values.get(name, [""])[0]

    def many(self, name: str) -> list[str]:
        """All values of a parameter that is repeated."""
        return [value for value in self._values.get(name, []) if value]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean parameter."""
        value = self.text(name)
        return value in _TRUE if value else default

    def amount(self) -> int:
        """How many results a page may have."""
        text = self.text("amount") or "0"
        try:
            amount = int(text)
        except ValueError as error:
            raise BadRequestError(f"parameter amount: {text!r} is not an integer") from error
        if not -1 <= amount <= paging.MAX_AMOUNT:
            raise BadRequestError(
                f"parameter amount: {amount} is not between -1 and {paging.MAX_AMOUNT}"
            )
        return amount if amount > 0 else paging.DEFAULT_AMOUNT

    def page(self) -> paging.Query:
        """Which page of keys is asked for."""
        return paging.Query(
            prefix=self.text("prefix").encode(),
            after=self.text("after").encode(),
            delimiter=self.text("delimiter").encode(),
            amount=self.amount(),
        )


def parse_json(body: bytes) -> Any:
    """A request body.

    Raises:
        BadRequestError: It is not JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"request body has an error: {error}") from error


class Fields:
    """A JSON object; a null counts as absent, unknown fields are ignored."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @classmethod
    def parse(cls, body: bytes) -> "Fields":
        """The fields of a request body.

        Raises:
            BadRequestError: It is not a JSON object.
        """
        values = parse_json(body)
        if not isinstance(values, dict):
            raise BadRequestError("request body has an error: value must be an object")
        return cls(values)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required where there is no default."""
        return str(self._typed(name, str, "a string", default))

    def flag(self, name: str) -> bool:
        """A boolean, false when absent."""
        return bool(self._typed(name, bool, "a boolean", default=False))

    def number(self, name: str) -> int | None:
        """An integer, or None when absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63:
            raise BadRequestError(f"request body has an error: {name} must be an integer")
        return value

    def required_number(self, name: str) -> int:
        """An integer that must be there."""
        value = self.number(name)
        if value is None:
            raise BadRequestError(f"request body has an error: property {name} is missing")
        return value

    def mapping(self, name: str) -> dict[str, str]:
        """A map of strings to strings, empty when absent."""
        value = self._typed(name, dict, "an object", default={})
        if not all(isinstance(one, str) for one in value.values()):
            raise BadRequestError(f"request body has an error: {name} must map to strings")
        return dict(value)

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self._values.get(name) is not None

    def nested(self, name: str) -> "Fields":
        """An object, empty when absent."""
        return Fields(self._typed(name, dict, "an object", default={}))

    def strings(self, name: str) -> list[str]:
        """A list of strings that must be there."""
        value = self._typed(name, list, "an array", default=None)
        if not all(isinstance(one, str) for one in value):
            raise BadRequestError(f"request body has an error: {name} must hold strings")
        return list(value)

    def objects(self, name: str) -> list["Fields"]:
        """A list of objects that must be there."""
        value = self._typed(name, list, "an array", default=None)
        if not all(isinstance(one, dict) for one in value):
            raise BadRequestError(f"request body has an error: {name} must hold objects")
        return [Fields(one) for one in value]

    def _typed(self, name: str, kind: type, kind_name: str, default: Any) -> Any:
        value = self._values.get(name)
        if value is None:
            value = default
        if value is None:
            raise BadRequestError(f"request body has an error: property {name} is missing")
        if not isinstance(value, kind):
            raise BadRequestError(f"request body has an error: {name} must be {kind_name}")
        return value


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file, to be sent as they are read."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body; `file` stands in for the body of a large object."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    file: FilePart | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        parts: The variable segments of the path, decoded.
        headers: Names in lower case.
        origin: Scheme and host as the client wrote them.
        body: The body, for handlers that take it whole.
        chunks: The body, for handlers that take it as it comes.
    """

    context: Context
    parts: Mapping[str, str]
    query: Query
    headers: Mapping[str, str]
    origin: str
    chunks: Callable[[], AsyncIterator[bytes]]
    body: bytes = b""

    @property
    def store(self) -> Store:
        """The store that is served."""
        return self.context.store

    def fields(self, *, optional: bool = False) -> Fields:
        """The JSON body; an optional one may be left out."""
        return Fields({}) if optional and not self.body else Fields.parse(self.body)

    def target(self, *, force: bool = False) -> Target:
        """The branch that the path names, to be changed."""
        return Target(
            names.repository(self.parts["repository"]),
            self.parts["branch"],
            force=force or self.query.flag("force"),
        )


def json_reply(value: Any, status: int = 200) -> Reply:
    """A JSON body as lakeFS sends it."""
    headers = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
    return Reply(status, json.dumps(value).encode(), headers)


def empty_reply() -> Reply:
    """204."""
    return Reply(204)


def page_reply(results: list[Any], offsets: list[str], *, has_more: bool) -> Reply:
    """A page of a list; `offsets` are the results' places, the last one is where to go on."""
    pagination = {
        "has_more": has_more,
        "next_offset": offsets[-1] if has_more else "",
        "results": len(results),
        "max_per_page": paging.MAX_AMOUNT,
    }
    return json_reply({"pagination": pagination, "results": results})
