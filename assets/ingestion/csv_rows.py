"""Rows of a CSV file; a broken one costs itself and not the rest."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from assets.ingestion.layout import Chunk, ChunkBuilder, Layout
from assets.ingestion.lines import Line, decoded, lines
from assets.ingestion.rejects import Fault, Reason

# The csv module has one limit for the whole process; our own, by bytes of a record, is smaller.
csv.field_size_limit(2**31 - 1)


def csv_chunks(
    path: Path,
    source: str,
    layout_of: Callable[[Sequence[str]], Layout],
    *,
    delimiter: str,
    limit: int,
) -> Iterator[Chunk]:
    """The rows of a CSV file with a header, quoted as in RFC 4180.

    Args:
        path: The file.
        source: Its name in rejects.
        layout_of: Says which columns to take, given the header.
        delimiter: One character between fields.
        limit: Bytes of a record at most.

    Raises:
        Fault: the header cannot be used.
    """
    records = _Records(lines(path, limit), delimiter, limit)
    first = records.next()
    if first is None:
        raise Fault(Reason.EMPTY_FILE, "no header")
    header = first.fields()
    layout = layout_of(header)
    pick = layout.pick([header.index(name) for name in layout.columns])
    build = ChunkBuilder(layout, source, first.raw)
    while (record := records.next()) is not None:
        try:
            fields = record.fields()
            if len(fields) != len(header):
                raise _wrong_count(len(fields), len(header))
            build.take(record.number, pick(fields), record.raw)
        except Fault as fault:
            build.reject(record.number, fault, record.raw)
        if build.full:
            yield build.chunk()
    yield build.chunk()


def _wrong_count(found: int, expected: int) -> Fault:
    return Fault(Reason.WRONG_FIELD_COUNT, f"{found} fields, the header has {expected}")


class _Record:
    """One record: the lines it spans, and its fields or why it has none."""

    def __init__(self, spanned: Sequence[Line], outcome: list[str] | Fault) -> None:
        self.number = spanned[0].number
        self.raw = b"".join(line.raw for line in spanned)
        self._outcome = outcome

    def fields(self) -> list[str]:
        if isinstance(self._outcome, Fault):
            raise self._outcome
        return self._outcome


class _Records:
    """Cuts lines into records. After broken quoting it goes on at the next line whose quotes pair.

    An opening quote that is never closed swallows the lines after it: these are given back and
    read again, so that only the line with the fault is lost.
    """

    def __init__(self, source: Iterator[Line], delimiter: str, limit: int) -> None:
        self._source = source
        self._delimiter = delimiter
        self._limit = limit
        self._returned: deque[Line] = deque()
        self._spanned: list[Line] = []
        self._undecodable: Fault | None = None
        self._lost = False
        self._reader = self._new_reader()

    def next(self) -> _Record | None:
        """The next record that is not blank; None at the end."""
        while True:
            self._spanned.clear()
            self._undecodable = None
            try:
                fields = next(self._reader)
            except StopIteration:
                return None
            except Fault as fault:
                return self._oversized(fault)
            except csv.Error as error:
                return self._misquoted(Fault(Reason.BROKEN_QUOTING, str(error)))
            self._lost = False
            if fields:
                return _Record(self._spanned, self._undecodable or fields)

    def _misquoted(self, fault: Fault) -> _Record:
        first, *others = self._spanned
        self._returned.extendleft(reversed(others))
        self._lost = True
        self._reader = self._new_reader()
        return _Record([first], fault)

    def _oversized(self, fault: Fault) -> _Record:
        self._lost = len(self._spanned) > 1
        self._reader = self._new_reader()
        return _Record(self._spanned, fault)

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(self._texts(), delimiter=self._delimiter, strict=True)

    def _texts(self) -> Iterator[str]:
        size = 0
        while (line := self._next_line()) is not None:
            size = len(line.raw) + (size if self._spanned else 0)
            self._spanned.append(line)
            if size > self._limit and len(self._spanned) > 1:
                raise csv.Error(f"no closing quote within {self._limit:,} bytes")
            if self._lost and line.raw.count(b'"') % 2:
                raise csv.Error("its quotes do not pair, after a broken row")
            yield self._text(line)

    def _text(self, line: Line) -> str:
        try:
            return decoded(line)
        except Fault as fault:
            if fault.reason != Reason.NOT_UTF8:
                raise
            self._undecodable = fault
            return line.raw.decode("utf-8", "surrogateescape")

    def _next_line(self) -> Line | None:
        return self._returned.popleft() if self._returned else next(self._source, None)
