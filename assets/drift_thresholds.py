"""Thresholds of drift from experience: what the batches of the last release differ by."""

import math
from dataclasses import replace

import polars as pl

from assets.dataset_file.models import Dataset
from assets.features.description import describe
from assets.runs import Run
from quality.drift.errors import DriftError
from quality.drift.policy import DriftPolicy, Thresholds

FEWEST_BATCHES = 3
MOST_BATCHES = 8
LOOKED_AT = 32
ROWS = 1_000
PERMUTATIONS = 200
MOST_PERMUTATIONS = 1_000
MOST_COLUMNS = 32


def drift_policy(dataset: Dataset) -> DriftPolicy:
    """When a batch has drifted, as the dataset file says, without experience."""
    settings = dataset.drift
    return DriftPolicy(
        alpha=settings.alpha,
        min_n=settings.min_items,
        min_effect=settings.min_effect,
        watch_effect=settings.min_effect / 2,
        permutations=settings.permutations,
    )


def calibrated_policy(run: Run, released: str) -> tuple[DriftPolicy, str | None]:
    """The policy with thresholds from the batches of a release, or without them and why.

    Args:
        run: Of the dataset.
        released: Commit id of the release.
    """
    policy = drift_policy(run.dataset)
    found = _thresholds(run, released, policy)
    return (policy, found) if isinstance(found, str) else (replace(policy, thresholds=found), None)


def _thresholds(run: Run, released: str, policy: DriftPolicy) -> Thresholds | str:
    from quality.drift.thresholds import calibrated_thresholds

    permutations = max(PERMUTATIONS, math.ceil(1 / policy.alpha))
    if permutations > MOST_PERMUTATIONS:
        return f"alpha {policy.alpha:g} would take {permutations:,} permutations"
    batches = _accepted_batches(run, released, policy.min_n)
    if len(batches) < FEWEST_BATCHES:
        return (
            f"{len(batches)} released batches of {policy.min_n} items or more, {FEWEST_BATCHES} "
            "are needed"
        )
    if batches[0].width > MOST_COLUMNS:
        return f"{batches[0].width} columns would take too long, {MOST_COLUMNS} at most"
    try:
        return calibrated_thresholds(
            batches,
            seed=run.dataset.splits.seed,
            policy=policy,
            false_alarm_rate=policy.alpha,
            permutations=permutations,
        )
    except DriftError as error:
        return str(error)


def _accepted_batches(run: Run, released: str, fewest: int) -> list[pl.DataFrame]:
    """The columns that drift watches, of some rows of the last large enough batches by name."""
    paths = (stored.path for stored in run.store.listing(released, "items/"))
    folders = sorted({path.rpartition("/")[0] for path in paths}, reverse=True)
    found: list[pl.DataFrame] = []
    for folder in folders[:LOOKED_AT]:
        items = run.items(at=released, below=f"{folder}/")
        if items.height >= fewest and len(found) < MOST_BATCHES:
            some = items.sort("item_id").head(max(ROWS, fewest))
            described = describe(some, run.dataset, lambda uri: run.store.read(released, uri))
            found.append(described.drop("item_id"))
    return found
