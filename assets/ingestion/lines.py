"""Lines of a file of any size: a line longer than the limit is never held in memory whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from assets.ingestion.rejects import Fault, Reason

BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line with its line end; `whole` is False where only its beginning was kept."""

    number: int
    raw: bytes
    whole: bool


def lines(path: Path, limit: int) -> Iterator[Line]:
    """All lines of a file, from number 1, without a byte order mark.

    Args:
        path: The file.
        limit: Bytes of a line that are kept at most.
    """
    with path.open("rb", buffering=1 << 20) as file:
        number = 1
        raw = file.readline(limit + 1)
        while raw:
            whole = len(raw) <= limit or raw.endswith(b"\n")
            yield Line(number, raw.removeprefix(BOM) if number == 1 else raw, whole)
            if not whole:
                _skip_line(file, limit)
            number += 1
            raw = file.readline(limit + 1)


def _skip_line(file: BinaryIO, limit: int) -> None:
    rest = file.readline(limit + 1)
    while rest and not rest.endswith(b"\n"):
        rest = file.readline(limit + 1)


def decoded(line: Line) -> str:
    """A line's text.

    Raises:
        Fault: it is too long or not UTF-8.
    """
    if not line.whole:
        raise Fault(Reason.OVERSIZED_ITEM, f"a row of more than {len(line.raw) - 1:,} bytes")
    try:
        return line.raw.decode()
    except UnicodeDecodeError as error:
        raise Fault(
            Reason.NOT_UTF8, f"byte {error.start + 1} of the line is {line.raw[error.start]:#04x}"
        ) from None
