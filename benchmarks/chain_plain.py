"""The chain's computing as a plain script: the same functions, no Dagster, no store, no commits.

It reads, votes, folds, judges and writes its tables beside each other; what the chain takes
longer is orchestration and storage.
"""

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset
from benchmarks.chain_source import NAME

WHEN = datetime(2024, 1, 1, tzinfo=UTC)


def run(root: Path) -> dict[str, float]:
    """All stages over the files in the inbox; seconds by stage."""
    dataset = load(root / "datasets" / f"{NAME}.yaml")
    out = root / "plain"
    out.mkdir()
    seconds: dict[str, float] = {}

    def timed(stage: str, *found: Any) -> Any:
        seconds[stage] = time.perf_counter() - timed.begun - sum(seconds.values())
        return found[0] if len(found) == 1 else found

    timed.begun = time.perf_counter()  # type: ignore[attr-defined]
    items = timed("items", _items(root, dataset))
    votes = timed("votes_rules", _votes(root, dataset, items))
    counting, aggregator, labels, estimate = timed("consensus", *_fold(dataset, items, votes))
    agreement = timed("agreement", _agreement(dataset, counting))
    issues = timed("label_issues", _label_issues(dataset, items, labels))
    scores = _scores(labels, estimate, agreement, issues)
    timed("review_queue", _queue(dataset, labels, scores, estimate, votes))
    tables = {"items": items, "votes": votes, "labels": labels, "scores": scores}
    tables["history"] = _history(labels, votes)
    timed("snapshot", _gate(dataset, items, counting, labels, scores))
    for name, table in tables.items():
        table.write_parquet(out / f"{name}.parquet")
    timed("release", aggregator)
    return seconds


def _items(root: Path, dataset: Dataset) -> pl.DataFrame:
    from assets.ingestion.inbox import arrivals
    from assets.ingestion.reading import read_batch

    (arrival,) = arrivals(root / "inbox" / NAME, 0, time.time() + 60, cache=root / "plain")
    batch = read_batch(
        arrival, dataset, ingested_at=WHEN, known_items=None, workspace=root / "plain"
    )
    return batch.items().collect()


def _votes(root: Path, dataset: Dataset, items: pl.DataFrame) -> pl.DataFrame:
    from assets.labelers.interface import LabelerInput
    from assets.labelers.registry import make
    from quality.ledger import with_vote_ids
    from quality.schema import VOTES

    given = LabelerInput(items, dataset.ontology, features=lambda: None, media=lambda _: b"")
    ballots = make(dataset.labelers[0], root).vote(given)
    absent = ("region", "shown_prediction", "lead_time_s", "origin", "retracts", "cast_at")
    rows = ballots.votes.with_columns(
        kind=pl.lit("vote"),
        ontology_version=pl.lit("1"),
        imported_at=pl.lit(WHEN).cast(VOTES.columns["imported_at"]),
        run_id=pl.lit("plain"),
        code_version=pl.lit("plain"),
        **{name: pl.lit(None, VOTES.columns[name]) for name in absent},
    )
    return with_vote_ids(rows).select(list(VOTES.columns))


def _fold(dataset: Dataset, items: pl.DataFrame, votes: pl.DataFrame) -> tuple[Any, ...]:
    from quality.consensus.aggregators import make
    from quality.ledger import effective_votes
    from quality.lineage.labels import label_table
    from quality.lineage.splits import splits
    from quality.schema import LABELS

    counting = effective_votes(votes).with_columns(
        circular=pl.lit(value=False), anchored=pl.lit(value=False), weight=pl.lit(1.0)
    )
    aggregator = make(dataset.consensus.aggregator, dataset.classes)
    aggregator.fit(counting.select("item_id", "actor", "label", "weight"))
    estimate = aggregator.predict().join(aggregator.predict_proba(), on="item_id", how="left")
    shares = {"train": 0.7, "valid": 0.1, "test": 0.2}
    labels = label_table(
        items.with_columns(splits(items["group_id"], shares, seed=0)),
        estimate,
        counting,
        LABELS.empty(),
        confidence_threshold=dataset.consensus.confidence_threshold,
        ontology_version="1",
        release="v0001",
    )
    return counting, aggregator, labels, estimate


def _agreement(dataset: Dataset, counting: pl.DataFrame) -> pl.DataFrame:
    from quality.agreement.report import agreement_report

    columns = ["item_id", "actor", "actor_kind", "label", "circular", "anchored"]
    report = agreement_report(
        counting.select(columns),
        dataset.classes,
        seed=0,
        replicates=dataset.agreement.replicates,
    )
    report.picture()
    return report.items


def _label_issues(dataset: Dataset, items: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    from assets.features.featurize import featurize
    from assets.labelers.out_of_fold import deal, out_of_fold
    from quality.label_issues.report import find_label_issues

    accepted = labels.filter(pl.col("state") == "auto").select("item_id", "label")
    judged = items.join(accepted, on="item_id").sort("item_id")
    groups, given = judged["group_id"].to_list(), judged["label"].to_list()
    features = featurize(judged.drop("label"), dataset, lambda _: b"")
    found = out_of_fold(
        dataset.labelers[1],
        features,
        given,
        groups=groups,
        classes=dataset.classes,
        folds=5,
        seed=0,
    )
    fold = deal(groups, given, folds=5, seed=0).tolist()
    return find_label_issues(
        judged["item_id"], judged["label"], found, dataset.classes, seed=0, fold=fold
    ).frame


def _scores(
    labels: pl.DataFrame, estimate: pl.DataFrame, agreement: pl.DataFrame, issues: pl.DataFrame
) -> pl.DataFrame:
    parts = (
        estimate.select("item_id", "confidence"),
        agreement.select("item_id", "agreement"),
        issues.select("item_id", label_quality="score"),
    )
    scores = labels.select("item_id")
    for part in parts:
        scores = scores.join(part, on="item_id", how="left")
    return scores


def _queue(
    dataset: Dataset,
    labels: pl.DataFrame,
    scores: pl.DataFrame,
    estimate: pl.DataFrame,
    votes: pl.DataFrame,
) -> pl.DataFrame:
    from assets.review.queue import build_queue

    answered = estimate.filter(pl.col("probabilities").is_not_null())
    return build_queue(labels, scores, answered, votes, dataset, seed=0)


def _history(labels: pl.DataFrame, votes: pl.DataFrame) -> pl.DataFrame:
    from quality.lineage.labels import history_rows
    from quality.schema import LABELS

    return history_rows(
        labels,
        LABELS.empty(),
        votes,
        release="v0001",
        recipe_changed=False,
        recipe_sha256=hashlib.sha256(b"plain").hexdigest(),
    )


def _gate(
    dataset: Dataset,
    items: pl.DataFrame,
    counting: pl.DataFrame,
    labels: pl.DataFrame,
    scores: pl.DataFrame,
) -> Any:
    from quality.gate.expectations import gate
    from quality.gate.suites import built_in

    frames = {
        "items": items,
        "votes": counting,
        "labels": labels.join(scores, on="item_id", how="left"),
    }
    common = built_in(dataset.classes)
    return gate(frames, [common[name] for name in frames])
