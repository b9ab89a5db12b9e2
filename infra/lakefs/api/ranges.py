"""The Range header, as lakeFS reads it."""

import re

from infra.lakefs.errors import BadRequestError, RangeError

_HEADER = re.compile(r"bytes=((\d*-\d*,? ?)+)", re.ASCII)
_ONE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def parse(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte (inclusive) that are asked for; None is the whole object.

    Raises:
        BadRequestError: It is no Range header.
        RangeError: The object has no such range, or there are several.
    """
    if header is None:
        return None
    if not _HEADER.fullmatch(header):
        raise BadRequestError(f"header Range: {header!r} is not a range of bytes")
    match = _ONE.fullmatch(header)
    if not match or match.groups() == ("", ""):
        raise RangeError(None)
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last or size - 1), size - 1)
        if last and int(last) < start:
            raise RangeError(None)
    if start >= size or start > end:
        raise RangeError(size)
    return start, end
