"""The user's Python labeling functions; each is an actor `function:NAME`."""

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

from assets.dataset_file.labelers import FunctionsLabeler as Section
from assets.labelers.calls import Answer, Parts
from assets.labelers.interface import BALLOTS, ActorErrors, Ballots, LabelerInput
from assets.labelers.worker_process import WorkerProcess

CHUNK_ITEMS = 64
CHUNK_BYTES = 64 * 2**20
EXAMPLES = 3


class FunctionsLabeler:
    """The labeling functions of one file, run in a process of their own."""

    def __init__(self, section: Section, root: Path) -> None:
        self._section = section
        self._root = root
        self._actors: Mapping[str, str] | None = None

    @property
    def actors(self) -> Mapping[str, str]:
        """Version of each function's actor, as the file was when this labeler first read it.

        Raises:
            LabelingFileInvalid: names the file, the line and the reason.
        """
        if self._actors is None:
            with self._process() as process:
                self._actors = _actors(process)
        return self._actors

    @property
    def version(self) -> str:
        """Digest of all the actors' versions."""
        return hashlib.sha256(repr(sorted(self.actors.items())).encode()).hexdigest()

    def vote(self, items: LabelerInput) -> Ballots:
        """Every function on every item.

        A function abstains on an item where it returns None, raises, takes too long, ends its
        process, or returns what is no class; all but the first are counted as errors.

        Raises:
            LabelingFileInvalid: names the file, the line and the reason.
            WorkerFailed: the process ended outside of any function.
        """
        with self._process() as process:
            process.prepare(items.classes, limit_s=self._section.time_limit_seconds)
            actors = self._actors = _actors(process)
            tally = _Tally(list(actors))
            for chunk in _chunks(items):
                tally.add(chunk, process.answer(chunk))
                items.progress(tally.items, items.items.height)
        return Ballots(BALLOTS.check(_votes(items, actors, tally.codes)), errors=tally.errors())

    def _process(self) -> WorkerProcess:
        return WorkerProcess(self._section.name, self._root, Path(self._section.path))


class _Tally:
    """What has come of the items so far.

    Attributes:
        codes: Class of each item and function, item by item.
        items: How many items.
    """

    def __init__(self, actors: Sequence[str]) -> None:
        self.codes = array("l")
        self.items = 0
        self._actors = actors
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)

    def add(self, chunk: Sequence[Parts], answer: Answer) -> None:
        self.codes.extend(chain.from_iterable(answer.codes))
        self.items += len(chunk)
        for item, function, reason, detail in answer.failures:
            way = (self._actors[function], reason)
            self._counts[way] += 1
            if self._counts[way] <= EXAMPLES:
                self._examples[way].append((chunk[item][0], detail))

    def errors(self) -> tuple[ActorErrors, ...]:
        return tuple(
            ActorErrors(*way, count, tuple(self._examples[way]))
            for way, count in sorted(self._counts.items())
        )


def _actors(process: WorkerProcess) -> dict[str, str]:
    return {f"function:{name}": version for name, version in process.versions.items()}


def _chunks(items: LabelerInput) -> Iterator[list[Parts]]:
    """Items with their media, few enough that they fit into memory at once."""
    chunk: list[Parts] = []
    size = 0
    for item_id, content, uri in items.items.select("item_id", "content", "uri").iter_rows():
        media = None if uri is None else items.media(uri)
        if chunk and (len(chunk) == CHUNK_ITEMS or size + len(media or b"") > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((item_id, content, media))
        size += len(media or b"")
    if chunk:
        yield chunk


def _votes(items: LabelerInput, actors: dict[str, str], codes: Sequence[int]) -> pl.DataFrame:
    """Ballots out of the class of each item and function, item by item."""
    item = np.repeat(np.arange(items.items.height), len(actors))
    function = np.tile(np.arange(len(actors)), items.items.height)
    label = pl.Series("label", np.asarray(codes, dtype=np.int64))
    return pl.DataFrame(
        {
            "item_id": items.items["item_id"].gather(item),
            "actor": pl.Series(list(actors), dtype=pl.String).gather(function),
            "actor_version": pl.Series(list(actors.values()), dtype=pl.String).gather(function),
            "label": label.replace_strict(
                dict(enumerate(items.classes)), default=None, return_dtype=pl.String
            ),
        }
    ).with_columns(
        actor_kind=pl.lit("function"),
        trained_on=pl.lit(None, pl.String),
        score=pl.lit(None, pl.Float64),
    )
