"""JSON records out of a review file one by one, however damaged the file is."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assets.review.errors import ReviewUnreadable

# Each broken line costs a search from the file's start, so nonsense must end somewhere.
MOST_BROKEN = 1000
_BETWEEN = re.compile(r"[\s,\[\]]*")
_SIGNATURES = {b"PK\x03\x04": "a ZIP archive", b"\x1f\x8b": "a gzip archive", b"PAR1": "Parquet"}


@dataclass(frozen=True)
class Broken:
    """A place of the file that is no record, and why."""

    line: int
    reason: str


def decoded(content: bytes) -> str:
    """The file's text; UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        ReviewUnreadable: the file is empty, an archive, or no text.
    """
    for signature, name in _SIGNATURES.items():
        if content.startswith(signature):
            raise ReviewUnreadable("JSON or JSON Lines", f"{name}; unpack or convert it first")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReviewUnreadable("UTF-8 text", f"{error.reason} at byte {error.start}") from error
    if not text.strip():
        raise ReviewUnreadable("JSON or JSON Lines", "an empty file")
    return text


def records(text: str) -> Iterator[Any]:
    """Each JSON value of a list, of a sequence of lists, or of JSON Lines; Broken where none is.

    A damaged line costs that line, up to MOST_BROKEN lines; damage inside a list, or a list cut
    off, costs what follows it. Values are parsed one by one, so that memory holds the text and
    one task.
    """
    parse = json.JSONDecoder().raw_decode
    position, depth, broken = 0, 0, 0
    while True:
        start, depth = _next(text, position, depth)
        if start == len(text):
            break
        try:
            record, position = parse(text, start)
            yield record
        except (ValueError, RecursionError) as error:
            broken += 1
            last = depth > 0 or broken == MOST_BROKEN
            yield _broken(text, start, error, last=last)
            position = text.find("\n", start) + 1
            if last or not position:
                return
    if depth:
        yield _broken(text, len(text), ValueError("the list has no end"), last=True)


def _next(text: str, position: int, depth: int) -> tuple[int, int]:
    gap = _BETWEEN.match(text, position)
    between = gap.group() if gap else ""
    depth += between.count("[") - between.count("]")
    return position + len(between), depth


def _broken(text: str, position: int, error: Exception, *, last: bool) -> Broken:
    at = error.pos if last and isinstance(error, json.JSONDecodeError) else position
    fault = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    line = text.count("\n", 0, at) + 1
    cost = "; the file is cut off or damaged and nothing after it was read" if last else ""
    return Broken(line, f"no JSON at line {line} (character {at}): {fault}{cost}")
