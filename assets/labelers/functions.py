"""The user's Python labeling functions; each is an actor `function:NAME`."""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

from assets.dataset_file.models import FunctionsLabeler as Section
from assets.labelers.interface import BALLOTS, ActorErrors, Ballots, LabelerInput
from assets.labelers.worker_process import WorkerProcess

CHUNK = 64
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
        codes = array("l")
        failures: dict[tuple[str, str], _Failure] = defaultdict(_Failure)
        done = 0
        with self._process() as process:
            process.prepare(items.classes, limit_s=self._section.time_limit_seconds)
            actors = self._actors = _actors(process)
            for chunk in items.items.iter_slices(CHUNK):
                answer = process.answer(list(_parts(chunk, items)))
                codes.extend(chain.from_iterable(answer.codes))
                for item, function, reason, detail in answer.failures:
                    failures[list(actors)[function], reason].add(chunk["item_id"][item], detail)
                done += chunk.height
                items.progress(done, items.items.height)
        errors = [
            ActorErrors(actor, reason, failure.count, tuple(failure.examples))
            for (actor, reason), failure in sorted(failures.items())
        ]
        return Ballots(BALLOTS.check(_votes(items, actors, codes)), errors=tuple(errors))

    def _process(self) -> WorkerProcess:
        return WorkerProcess(self._section.name, self._root, Path(self._section.path))


@dataclass
class _Failure:
    """How often something failed, and the first items and details."""

    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, item_id: str, detail: str) -> None:
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append((item_id, detail))


def _actors(process: WorkerProcess) -> dict[str, str]:
    return {f"function:{name}": version for name, version in process.versions.items()}


def _parts(
    chunk: pl.DataFrame, items: LabelerInput
) -> Iterator[tuple[str, str | None, bytes | None]]:
    for item_id, content, uri in chunk.select("item_id", "content", "uri").iter_rows():
        yield item_id, content, None if uri is None else items.media(uri)


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
