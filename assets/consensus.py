"""Consensus: all votes folded into one label an item, with its state and probabilities."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.acceptance import (
    Acceptance,
    acceptance,
    acceptance_metadata,
    acceptance_objects,
)
from assets.class_balance import balance_check, balance_spec
from assets.dataset_file.models import Dataset
from assets.evidence import Evidence, gather, last_release, next_release
from assets.metadata import commit_metadata, counts, picture, sample, table_metadata
from assets.ontology import check_spec, ontology_report
from assets.ports import Stores
from assets.predictions import heard_once, independent_predictions, one_classifier
from assets.recipe import canonical_json
from assets.regions.fold import (
    RegionFold,
    as_heard,
    beside_majority,
    fold_regions,
    judged_regions,
    region_objects,
)
from assets.regions.shown import labels_by_class, regions_shown
from assets.runs import Run, group, key, open_run, owners
from assets.synthetic.standing import made_labels
from quality.lineage.buckets import cut, to_parquet
from quality.lineage.labels import label_table
from quality.lineage.splits import splits
from quality.schema import LABELS, Table
from quality.synthetic.labels import real

if TYPE_CHECKING:
    from quality.consensus.aggregator import Aggregator

SKILLS_REPORT = "reports/skills.parquet"
PROBABILITIES = Table(
    name="consensus",
    columns={
        "item_id": pl.String(),
        "probabilities": pl.List(pl.Float64),
        "confidence": pl.Float64(),
    },
    key=("item_id",),
)


def fold(run: Run, evidence: Evidence) -> tuple[Any, pl.DataFrame]:
    """The dataset's aggregator, fitted to the independent votes, and its estimate by item."""
    if run.dataset.has_regions:
        return fold_regions(run, evidence)
    aggregator = _aggregate(run, evidence.independent, _heard(run, evidence))
    estimate = aggregator.predict().join(aggregator.predict_proba(), on="item_id", how="left")
    return aggregator, estimate


def accepted_unseen(run: Run, evidence: Evidence) -> tuple[Acceptance, pl.DataFrame]:
    """From which confidence on labels are accepted unseen, and the items judged blind behind it."""
    if run.dataset.has_regions:
        return acceptance(run, *judged_regions(run, evidence))
    predictions = _heard(run, evidence)
    return acceptance(run, evidence, lambda votes: _aggregate(run, votes, predictions).predict())


def _heard(run: Run, evidence: Evidence) -> pl.DataFrame | None:
    """The models' probabilities, where the aggregator hears them."""
    hears = run.dataset.consensus.aggregator == "crowdlab"
    return independent_predictions(run, evidence) if hears else None


def _aggregate(run: Run, votes: pl.DataFrame, predictions: pl.DataFrame | None) -> "Aggregator":
    """The aggregator, fitted; models that are heard as a classifier do not vote beside others."""
    if predictions is None:
        return fitted(run, votes)
    return fitted(run, heard_once(votes, predictions), predictions)


def fitted(run: Run, votes: pl.DataFrame, predictions: pl.DataFrame | None = None) -> "Aggregator":
    """The dataset's aggregator, fitted to weighed votes and, if it hears any, predictions."""
    from quality.consensus.aggregators import make
    from quality.consensus.crowdlab import CrowdLab

    settings = run.dataset.consensus
    aggregator = make(settings.aggregator, run.dataset.classes, **settings.parameters)
    counted = votes.select("item_id", "actor", "label", "weight")
    if isinstance(aggregator, CrowdLab) and predictions is not None and predictions.height:
        return aggregator.fit(counted, predictions=one_classifier(predictions))
    return aggregator.fit(counted)


def labels_of(
    run: Run, evidence: Evidence, estimate: pl.DataFrame, *, unseen_threshold: float
) -> pl.DataFrame:
    """The labels table that an estimate amounts to, those of synthetic items beside it."""
    shares = run.dataset.splits
    by_split = {"train": shares.train, "valid": shares.valid, "test": shares.test}
    items = evidence.items.with_columns(
        splits(evidence.items["group_id"], by_split, seed=shares.seed)
    )
    last = last_release(run.store)
    previous = LABELS.empty() if last is None else run.table(LABELS, at=last[1])
    found = label_table(
        items,
        estimate,
        as_heard(run.dataset, evidence.counting, estimate),
        previous,
        confidence_threshold=run.dataset.consensus.confidence_threshold,
        ontology_version=run.dataset.ontology.version,
        release=next_release(run.store),
        unseen_threshold=unseen_threshold,
    )
    made = made_labels(run, evidence.commit, evidence.made, found)
    return pl.concat([found, made]).sort("item_id")


def consensus_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `consensus` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "consensus"),
        deps=deps,
        group_name=group(dataset, "consensus"),
        owners=owners(dataset),
        kinds={"lakefs", "polars"},
        description=(
            f"All votes that count, folded by {dataset.consensus.aggregator} into one label an "
            f"item. {_policy(dataset)} Below, people look."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "estimate_converged",
                asset=key(dataset, "consensus"),
                description="The aggregator reached its tolerance before its iteration limit.",
            ),
            dg.AssetCheckSpec(
                "every_vote_names_a_known_item_and_class",
                asset=key(dataset, "consensus"),
                description="No vote had to be set aside while folding.",
            ),
            check_spec(dataset, "consensus"),
            *([] if dataset.has_regions else [balance_spec(dataset)]),
        ],
    )
    def consensus(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        evidence = gather(run, run.head())
        aggregator, estimate = fold(run, evidence)
        unseen, judged = accepted_unseen(run, evidence)
        ontology = ontology_report(run, evidence)
        labels = labels_of(run, evidence, estimate, unseen_threshold=unseen.threshold)
        commit = run.write(
            {
                **_objects(run, evidence, aggregator, labels, estimate),
                **acceptance_objects(unseen, judged),
                **ontology.objects(),
            },
            message=f"Consensus over {evidence.counting.height} votes",
            asset="consensus",
        )
        states = dict(labels["state"].value_counts().sort("state").iter_rows())
        context.log.info("%d items: %s", labels.height, states)
        return dg.MaterializeResult(
            metadata={
                **_metadata(run, commit, labels, aggregator, states),
                **acceptance_metadata(unseen, judged),
                **ontology.metadata(),
                **regions_shown(run, commit, labels, aggregator, evidence.items),
            },
            check_results=[
                *_checks(aggregator, evidence),
                ontology.check(),
                *([] if dataset.has_regions else [balance_check(dataset, real(labels))]),
            ],
        )

    return consensus


def _policy(dataset: Dataset) -> str:
    """From where on labels are accepted, in a sentence."""
    settings = dataset.consensus
    fixed = f"At confidence {settings.confidence_threshold:g} or more a label is accepted"
    if settings.precision is None:
        return f"{fixed}."
    return (
        f"{fixed} until people's blind answers show from where on {settings.precision:.0%} of "
        "those that nobody looked at are right: then from there."
    )


def _objects(
    run: Run, evidence: Evidence, aggregator: Any, labels: pl.DataFrame, estimate: pl.DataFrame
) -> dict[str, bytes]:
    from quality.consensus.skills import skills

    over_classes = aggregator.aggregator if isinstance(aggregator, RegionFold) else aggregator
    buckets = run.dataset.storage.buckets
    answered = estimate.filter(pl.col("probabilities").is_not_null())
    probabilities = PROBABILITIES.check(answered.select(list(PROBABILITIES.columns)))
    report = {
        "aggregator": run.dataset.consensus.aggregator,
        "parameters": dict(aggregator.params),
        "converged": bool(aggregator.converged_),
        "iterations": int(aggregator.n_iter_),
        "release": next_release(run.store),
        "folded_at": evidence.commit,
        "agrees_with_majority": _beside_majority(run, evidence, estimate),
        "votes": evidence.counting.height,
        "circular_votes": int(evidence.counting["circular"].sum()),
        "votes_set_aside": evidence.strangers.height,
        "actors": aggregator.actor_quality_.to_dicts(),
    }
    return {
        **dict(cut(labels, LABELS.name, buckets)),
        **dict(cut(probabilities, PROBABILITIES.name, buckets)),
        **region_objects(run, aggregator, labels),
        "reports/consensus.json": canonical_json(report),
        SKILLS_REPORT: to_parquet(skills(over_classes)),
    }


def skills_at(run: Run, at: str) -> pl.DataFrame:
    """Each actor's quality by class, as the consensus of a commit found it."""
    return pl.read_parquet(run.store.fetch(at, [SKILLS_REPORT])[SKILLS_REPORT])


def _beside_majority(run: Run, evidence: Evidence, estimate: pl.DataFrame) -> float | None:
    """Share of items, where both name a label, on which a plain majority says the same."""
    from quality.consensus.aggregators import make

    if run.dataset.has_regions:
        return beside_majority(run, evidence, estimate)
    votes = evidence.independent.select("item_id", "actor", "label", "weight")
    majority = make("majority", run.dataset.classes).fit(votes).predict()
    both = majority.select("item_id", majority="label").join(estimate, on="item_id")
    both = both.drop_nulls(["majority", "label"])
    return (
        both.filter(pl.col("majority") == pl.col("label")).height / both.height
        if both.height
        else None
    )


def _metadata(
    run: Run, commit: str, labels: pl.DataFrame, aggregator: Any, states: dict[str, int]
) -> dict[str, Any]:
    from quality.pictures.bars import label_distribution

    by_class = labels_by_class(run.dataset, real(labels), aggregator)
    beside = json.loads(run.store.read(commit, "reports/consensus.json"))["agrees_with_majority"]
    return {
        **commit_metadata(run, commit, "labels/"),
        **table_metadata(LABELS, labels, ["item_id", "label", "state", "n_votes", "n_human"]),
        "states": counts(states),
        "agrees_with_majority": "no vote" if beside is None else round(beside, 4),
        "converged": bool(aggregator.converged_),
        "iterations": int(aggregator.n_iter_),
        "actors": sample(aggregator.actor_quality_.sort("quality", descending=True), rows=50),
        "labels": picture(label_distribution(by_class)),
    }


def _checks(aggregator: Any, evidence: Evidence) -> list[dg.AssetCheckResult]:
    aside = evidence.strangers
    return [
        dg.AssetCheckResult(
            check_name="estimate_converged",
            passed=bool(aggregator.converged_),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"iterations": int(aggregator.n_iter_)},
        ),
        dg.AssetCheckResult(
            check_name="every_vote_names_a_known_item_and_class",
            passed=aside.is_empty(),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "set_aside": aside.height,
                "examples": sample(aside.select("item_id", "actor", "label", "reason")),
            },
        ),
    ]
