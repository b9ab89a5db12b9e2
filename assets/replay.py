"""Replay: a release's labels made again from its votes and its recipe."""

import json
from dataclasses import dataclass

import polars as pl

from assets.consensus import PROBABILITIES, accepted_unseen, fold, labels_of
from assets.dataset_file.models import Dataset
from assets.evidence import gather
from assets.ports import DatasetStore, RunBranch
from assets.recipe import RECIPE, code_version
from assets.runs import Run
from quality.schema import LABELS

COMPARED = ("label", "state", "probabilities")


@dataclass(frozen=True)
class Replayed:
    """What came of making a release's labels again.

    Attributes:
        release: The release.
        n_items: Items compared.
        differing: Ids of items whose label, state or probabilities came out otherwise.
        same_code: Whether the code is the one that made the release.
    """

    release: str
    n_items: int
    differing: tuple[str, ...]
    same_code: bool

    @property
    def matches(self) -> bool:
        """Whether every label, state and probability came out the same, bit for bit."""
        return not self.differing


def as_released(store: DatasetStore, release: str) -> tuple[Run, str]:
    """A run by the recipe of a release, and the commit that holds the votes that it folded."""
    commit = store.head(release)
    recipe = json.loads(store.read(commit, RECIPE))
    run = Run(
        dataset=Dataset.model_validate(recipe["dataset_file"]),
        store=store,
        id=f"replay-{release}",
        branch=RunBranch(release, commit),
    )
    return run, str(json.loads(store.read(commit, "reports/consensus.json"))["folded_at"])


def replay(store: DatasetStore, release: str) -> Replayed:
    """Fold a release's votes again by its own recipe and compare, bit for bit."""
    commit = store.head(release)
    recipe = json.loads(store.read(commit, RECIPE))
    run, folded_at = as_released(store, release)
    evidence = gather(run, folded_at)
    _, estimate = fold(run, evidence)
    threshold = accepted_unseen(run, evidence)[0].threshold
    labels = labels_of(run, evidence, estimate, unseen_threshold=threshold)
    again = _compared(labels, estimate)
    stored = _compared(run.table(LABELS, at=commit), run.table(PROBABILITIES, at=commit))
    both = stored.join(again, on="item_id", how="full", coalesce=True, suffix="_again")
    differs = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_again")) for c in COMPARED)
    return Replayed(
        release=release,
        n_items=both.height,
        differing=tuple(both.filter(differs)["item_id"].sort()),
        same_code=recipe["code_version"] == code_version(),
    )


def _compared(labels: pl.DataFrame, estimate: pl.DataFrame) -> pl.DataFrame:
    """item_id and what must come out the same again."""
    probabilities = estimate.select("item_id", "probabilities")
    joined = labels.join(probabilities, on="item_id", how="left")
    return joined.select("item_id", *COMPARED)
