"""Agreement: how well people and models agree, and each actor's scorecard."""

import json
from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.evidence import gather
from assets.metadata import commit_metadata, picture, sample
from assets.ports import Stores
from assets.recipe import canonical_json
from assets.runs import group, key, open_run, owners
from assets.thresholds import Threshold, agreement_thresholds, careful_people
from quality.lineage.buckets import to_parquet

REPORT = "reports/agreement.json"
ITEM_AGREEMENT = "reports/agreement_items.parquet"
SCORECARDS = "reports/scorecards.parquet"
CLAIMS = ("people_agree_above_floor", "people_and_models_agree_above_floor")
JUDGED = ["item_id", "actor", "actor_kind", "label", "circular", "anchored"]


def agreement_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `agreement` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "agreement"),
        deps=deps,
        group_name=group(dataset, "agreement"),
        owners=owners(dataset),
        kinds={"polars"},
        description=(
            "Cohen, Fleiss, Krippendorff and Gwet figures between people, between models and "
            "across, with bootstrap intervals. A model's votes on items that it was trained on "
            "count only where a figure says so."
        ),
        check_specs=[dg.AssetCheckSpec(c, asset=key(dataset, "agreement")) for c in CLAIMS],
    )
    def agreement(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        from quality.agreement.report import agreement_report

        run = open_run(context, stores, dataset)
        report = agreement_report(
            gather(run, run.head()).counting.select(JUDGED),
            dataset.classes,
            seed=dataset.splits.seed,
            replicates=dataset.agreement.replicates,
        )
        commit = run.write(
            {
                REPORT: canonical_json(report.to_json()),
                "reports/agreement.md": report.to_markdown().encode(),
                ITEM_AGREEMENT: to_parquet(report.items.sort("item_id")),
            },
            message="Agreement of the actors",
            asset="agreement",
        )
        thresholds = agreement_thresholds(dataset, report.to_json())
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, REPORT),
                "agreement": picture(report.picture()),
                "report": dg.MetadataValue.md(report.to_markdown()),
            },
            check_results=[_result(c, t) for c, t in zip(CLAIMS, thresholds, strict=True)],
        )

    return agreement


def _result(name: str, threshold: Threshold) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=threshold.holds,
        metadata={"claim": threshold.claim, "observed": threshold.observed_text},
    )


def scorecards_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `scorecards` asset of a dataset."""

    @dg.asset(
        key=key(dataset, "scorecards"),
        deps=deps,
        group_name=group(dataset, "agreement"),
        owners=owners(dataset),
        kinds={"polars"},
        description=(
            "What each actor's record says: votes and abstentions, the quality that the "
            "aggregator estimates, and the mean agreement with others, with its interval."
        ),
        check_specs=[
            dg.AssetCheckSpec("every_person_is_careful", asset=key(dataset, "scorecards"))
        ],
    )
    def scorecards(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        at = run.head()
        cards = _cards(
            gather(run, at).counting,
            json.loads(run.store.read(at, "reports/consensus.json"))["actors"],
            json.loads(run.store.read(at, REPORT))["actors"],
        )
        commit = run.write(
            {SCORECARDS: to_parquet(cards)}, message="Scorecards of the actors", asset="scorecards"
        )
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, SCORECARDS),
                "dagster/row_count": cards.height,
                "scorecards": sample(cards, rows=50),
                "picture": picture(_drawn(cards)),
            },
            check_results=[_result("every_person_is_careful", careful_people(dataset, cards))],
        )

    return scorecards


def _cards(
    counting: pl.DataFrame, estimated: list[dict[str, Any]], agreeing: list[dict[str, Any]]
) -> pl.DataFrame:
    """One row an actor, people first, then by name."""
    named = pl.col("label").is_not_null()
    quality = pl.DataFrame(
        [(row["actor"], row["quality"]) for row in estimated],
        schema={"actor": pl.String, "quality": pl.Float64},
        orient="row",
    )
    agreement = pl.DataFrame(
        [(row["actor"], row["agreement"], row["low"], row["high"]) for row in agreeing],
        schema={
            "actor": pl.String,
            "agreement": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
        },
        orient="row",
    )
    return (
        counting.group_by("actor", "actor_kind")
        .agg(named.sum().alias("n_votes"), (~named).sum().alias("n_abstained"))
        .join(quality, on="actor", how="left")
        .join(agreement, on="actor", how="left")
        .sort(pl.col("actor_kind") != "human", "actor")
    )


def _drawn(cards: pl.DataFrame) -> bytes:
    from quality.pictures.bars import actor_scorecards

    return actor_scorecards(
        cards["actor"].to_list(),
        cards["agreement"].to_numpy(),
        cards["low"].to_numpy(),
        cards["high"].to_numpy(),
        cards["n_votes"].to_numpy(),
        measure="mean agreement with others",
    )
