"""What labelers that read regions out of a file share: the file, what is set aside, ballots."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from assets.labelers.errors import PredictionsUnreadable
from assets.labelers.interface import REGION_BALLOTS, ActorErrors, Ballots, LabelerInput
from quality.regions.region import Region, label_of, to_text

EXAMPLES = 3


class SetAside:
    """What could not be taken, counted by reason, with the first few of each."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def add(self, reason: str, item: str, detail: str) -> None:
        """One more for this reason."""
        self._counts[reason] += 1
        if self._counts[reason] <= EXAMPLES:
            self._examples[reason].append((item, detail))

    def errors(self, actor: str) -> tuple[ActorErrors, ...]:
        """All of it as what an actor failed on."""
        return tuple(
            ActorErrors(actor, reason, count, tuple(self._examples[reason]), self._unit)
            for reason, count in sorted(self._counts.items())
        )


def file_below(labeler: str, root: Path, name: str) -> bytes:
    """The bytes of a file of the project. Raises PredictionsUnreadable."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise PredictionsUnreadable(labeler, path, "it lies outside of the project's folder")
    try:
        return path.read_bytes()
    except OSError as error:
        raise PredictionsUnreadable(labeler, path, error.strerror or str(error)) from error


def parsed(labeler: str, path: Path, content: bytes) -> Any:
    """The JSON value that a file holds. Raises PredictionsUnreadable."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PredictionsUnreadable(labeler, path, f"no JSON: {error}") from error


def digest_of(*parts: bytes) -> str:
    """SHA-256 of contents and settings, one after the other."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def shown(value: Any, most: int = 80) -> str:
    """A value of the file, short enough for a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else text[: most - 3] + "..."


def ballots(
    actor: str,
    version: str,
    items: LabelerInput,
    drawn: Mapping[str, list[Region]],
    aside: SetAside,
) -> Ballots:
    """One vote an item; an item that is not in `drawn` is an abstention, an empty list is none."""
    rows = [(item, *_vote(drawn.get(item))) for item in items.items["item_id"]]
    votes = pl.DataFrame(
        rows,
        schema={name: REGION_BALLOTS.columns[name] for name in _VOTE},
        orient="row",
    ).with_columns(
        actor=pl.lit(actor),
        actor_kind=pl.lit("model"),
        actor_version=pl.lit(version),
        trained_on=pl.lit(None, pl.String),
    )
    return Ballots(REGION_BALLOTS.check(votes), errors=aside.errors(actor))


_VOTE = ("item_id", "label", "score", "region")


def _vote(regions: list[Region] | None) -> tuple[str | None, float | None, str | None]:
    """Label, score and region of one vote; a set is as sure as its least sure region."""
    if regions is None:
        return None, None, None
    scores = [region.score for region in regions if region.score is not None]
    return label_of(regions), min(scores, default=None), to_text(regions)
