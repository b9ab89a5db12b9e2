"""Which columns of a source make up an item, its group and its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from assets.dataset_file.models import Dataset
from assets.ingestion.rejects import EXCERPT, Fault, Reason, Reject

CHUNK_ROWS = 20_000
CHUNK_BYTES = 16 << 20


@dataclass(frozen=True)
class Layout:
    """The columns that are read from one source.

    Attributes:
        content: Columns that make up the item: the text column, or the features by name.
        group: Column that holds the group.
        id: Column that names an item for people.
    """

    content: tuple[str, ...]
    group: str | None
    id: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, each once: content, then group, then id."""
        others = (name for name in (self.group, self.id) if name is not None)
        return tuple(dict.fromkeys((*self.content, *others)))

    def pick(self, keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
        """What takes the values under the keys out of a row."""
        if len(keys) == 1:
            only = keys[0]
            return lambda row: (row[only],)
        return itemgetter(*keys)


def layout_of(dataset: Dataset, names: Sequence[str]) -> Layout:
    """The layout of a source with these columns.

    Raises:
        Fault: a column that the dataset file names is missing, or stands twice.
    """
    spec = dataset.ingestion
    named = spec.id_column if spec.id_column in names else None
    if dataset.modality == "text":
        content: tuple[str, ...] = (spec.text_column,)
    else:
        others = {spec.group_column, spec.id_column}
        content = tuple(sorted(spec.feature_columns or (n for n in names if n not in others)))
    layout = Layout(content, spec.group_column, named)
    _check(layout, names)
    return layout


def _check(layout: Layout, names: Sequence[str]) -> None:
    missing = [name for name in layout.columns if name not in names]
    twice = [name for name in layout.columns if list(names).count(name) > 1]
    if missing or not layout.content:
        wanted = f"no column {missing}" if missing else "no column that could be a feature"
        raise Fault(Reason.MISSING_COLUMN, f"{wanted}, there are {list(names)[:20]}")
    if twice:
        raise Fault(Reason.SURPLUS_COLUMN, f"columns {twice} stand more than once")


@dataclass(frozen=True)
class Chunk:
    """Some rows of a source, in their order.

    Attributes:
        numbers: Line or row number of each row, from 1.
        rows: Values of each row in the layout's column order.
        raw: Bytes of each row; empty where a format has no bytes of a row.
        rejects: What stood between them and could not be read.
        header: Bytes that a file of some of these rows has to start with.
    """

    layout: Layout
    numbers: list[int]
    rows: list[tuple[Any, ...]]
    raw: list[bytes]
    rejects: list[Reject]
    header: bytes = b""

    @property
    def read(self) -> int:
        """Rows that were read or found unreadable."""
        return len(self.numbers) + sum(reject.rows for reject in self.rejects)


class ChunkBuilder:
    """Gathers rows until they make a chunk."""

    def __init__(self, layout: Layout, source: str, header: bytes = b"") -> None:
        self.layout = layout
        self.source = source
        self.header = header
        self._start()

    def _start(self) -> None:
        self._chunk = Chunk(self.layout, [], [], [], [], self.header)
        self._bytes = 0

    def take(self, number: int, row: tuple[Any, ...], raw: bytes) -> None:
        """Add a row."""
        self._chunk.numbers.append(number)
        self._chunk.rows.append(row)
        self._chunk.raw.append(raw)
        self._bytes += len(raw)

    def reject(self, number: int, fault: Fault, raw: bytes) -> None:
        """Add a row that cannot be read; of an oversized one only its beginning is at hand."""
        cut = fault.reason == Reason.OVERSIZED_ITEM
        shown = raw[:EXCERPT].decode("utf-8", "backslashreplace") if cut else ""
        kept = b"" if cut else raw
        self._chunk.rejects.append(
            Reject(self.source, number, fault.reason, fault.detail, kept, shown)
        )
        self._bytes += len(kept)

    @property
    def full(self) -> bool:
        """Whether it is time to hand the chunk on."""
        count = len(self._chunk.numbers) + len(self._chunk.rejects)
        return count >= CHUNK_ROWS or self._bytes >= CHUNK_BYTES

    def chunk(self) -> Chunk:
        """The chunk so far; the next one starts empty."""
        chunk = self._chunk
        self._start()
        return chunk
