"""Agreement: how well people and models agree, and each actor's scorecard."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.consensus import skills_at
from assets.dataset_file.models import Dataset
from assets.evidence import gather
from assets.metadata import commit_metadata, picture, sample
from assets.ports import Stores
from assets.recipe import canonical_json
from assets.regions.judging import agreement_of_regions
from assets.regions.votes import by_candidate, candidate_classes
from assets.runs import group, key, open_run, owners
from assets.thresholds import Threshold, agreement_thresholds, careful_people
from quality.lineage.buckets import to_parquet

if TYPE_CHECKING:
    from quality.agreement.distances import Distance
    from quality.agreement.diversity import Diversity
    from quality.agreement.report import AgreementReport
    from quality.consensus.scorecards import FunctionReport
    from quality.regions.agreement import RegionAgreement

REPORT = "reports/agreement.json"
DIVERSITY = "reports/diversity.json"
ITEM_AGREEMENT = "reports/agreement_items.parquet"
SCORECARDS = "reports/scorecards.parquet"
FUNCTIONS = "reports/functions.md"
MOST_PLACED = 1000
CLAIMS = {
    "people_agree_above_floor": "People agree with each other as min_alpha asks.",
    "people_and_models_agree_above_floor": "People and models agree as min_human_model asks.",
}
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
            "across, with bootstrap intervals, and how differently the models err. A model's "
            "votes on items that it was trained on count only where a figure says so."
        ),
        check_specs=[
            dg.AssetCheckSpec(name, asset=key(dataset, "agreement"), description=claim)
            for name, claim in CLAIMS.items()
        ],
    )
    def agreement(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        counting = gather(run, run.head()).counting
        report = _report(dataset, counting)
        ensemble = ensemble_diversity(dataset, counting)
        commit = run.write(
            {
                REPORT: canonical_json(report.to_json()),
                "reports/agreement.md": report.to_markdown().encode(),
                DIVERSITY: canonical_json(ensemble.to_json()),
                "reports/diversity.md": ensemble.to_markdown().encode(),
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
                **_diversity_metadata(ensemble),
            },
            check_results=[_result(c, t) for c, t in zip(CLAIMS, thresholds, strict=True)],
        )

    return agreement


def ensemble_diversity(dataset: Dataset, counting: pl.DataFrame) -> "Diversity":
    """How differently the models err, on items that they were not trained on and people settled."""
    from quality.agreement.diversity import diversity

    models = (pl.col("actor_kind") == "model") & ~pl.col("circular")
    counting = by_candidate(dataset, counting)
    votes = counting.filter(models).select("item_id", "actor", "label")
    return diversity(votes, _settled(dataset, counting))


def _settled(dataset: Dataset, counting: pl.DataFrame) -> pl.DataFrame:
    """item_id and label of the items on which most people agree."""
    from quality.consensus.aggregators import make

    people = counting.filter(pl.col("actor_kind") == "human")
    votes = people.select("item_id", "actor", "label", "weight")
    said = make("majority", candidate_classes(dataset)).fit(votes).predict()
    return said.drop_nulls("label").select("item_id", "label")


def _diversity_metadata(ensemble: "Diversity") -> dict[str, Any]:
    differ = ensemble.means["differ"]
    if ensemble.reason is not None or differ is None:
        return {"diversity": dg.MetadataValue.md(ensemble.to_markdown())}
    return {
        "diversity": dg.MetadataValue.md(ensemble.to_markdown()),
        "models_differ": differ,
        "how often models differ": picture(ensemble.picture()),
    }


def _apart(dataset: Dataset) -> "Distance | None":
    """How far classes are apart, where the ontology places some above others."""
    taxonomy = dataset.ontology.taxonomy
    placed = any(concept.parents for concept in taxonomy.concepts)
    few = len(dataset.classes) <= MOST_PLACED
    return taxonomy.distances(dataset.classes) if placed and few else None


def _report(dataset: Dataset, counting: pl.DataFrame) -> "AgreementReport | RegionAgreement":
    from quality.agreement.report import agreement_report

    if dataset.has_regions:
        return agreement_of_regions(dataset, counting)
    return agreement_report(
        counting.select(JUDGED),
        dataset.classes,
        seed=dataset.splits.seed,
        replicates=dataset.agreement.replicates,
        apart=_apart(dataset),
    )


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
            "aggregator estimates, in all and by class, the mean agreement with others, each with "
            "its interval; of labeling functions also coverage, overlap, conflict and accuracy."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "every_person_is_careful",
                asset=key(dataset, "scorecards"),
                description="Every person with enough votes is as good as min_actor_quality asks.",
            )
        ],
    )
    def scorecards(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        at = run.head()
        counting = gather(run, at).counting
        cards = _cards(
            counting,
            json.loads(run.store.read(at, "reports/consensus.json"))["actors"],
            json.loads(run.store.read(at, REPORT))["actors"],
        )
        functions = function_report(dataset, counting)
        page = {} if functions is None else {FUNCTIONS: functions.to_markdown().encode()}
        commit = run.write(
            {SCORECARDS: to_parquet(cards), **page},
            message="Scorecards of the actors",
            asset="scorecards",
        )
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, SCORECARDS),
                "dagster/row_count": cards.height,
                "scorecards": sample(cards, rows=50),
                "picture": picture(_drawn(cards)),
                "skills": sample(_by_class(skills_at(run, at)), rows=50),
                "functions": dg.MetadataValue.md(
                    "There are no labeling functions."
                    if functions is None
                    else functions.to_markdown()
                ),
            },
            check_results=[_result("every_person_is_careful", careful_people(dataset, cards))],
        )

    return scorecards


def function_report(dataset: Dataset, counting: pl.DataFrame) -> "FunctionReport | None":
    """The labeling functions by themselves, held against what people say; None without any.

    The accuracies are a label model's, which hears nothing but the functions.
    """
    from quality.consensus.aggregators import make
    from quality.consensus.scorecards import FunctionReport

    by_function = counting.filter(pl.col("actor_kind") == "function")
    if by_function.is_empty():
        return None
    votes = by_function.select("item_id", "actor", "label")
    model = make("label_model", dataset.classes).fit(votes)
    return FunctionReport.of(model, _settled(dataset, counting))


def _cards(
    counting: pl.DataFrame, estimated: list[dict[str, Any]], agreeing: list[dict[str, Any]]
) -> pl.DataFrame:
    """One row an actor, people first, then by name."""
    named = pl.col("label").is_not_null()
    estimates = ("quality", "quality_low", "quality_high")
    quality = pl.DataFrame(
        [(row["actor"], *(row[name] for name in estimates)) for row in estimated],
        schema={"actor": pl.String} | dict.fromkeys(estimates, pl.Float64),
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


def _by_class(skills: pl.DataFrame) -> pl.DataFrame:
    """One row an actor: the share of right votes on items of each class, with its interval."""
    figures = (pl.col(name).round(2) for name in ("quality", "low", "high"))
    return (
        skills.with_columns(pl.format("{} ({} to {})", *figures).alias("said"))
        .pivot("class", index="actor", values="said")
        .sort("actor")
    )


def _drawn(cards: pl.DataFrame) -> bytes:
    from quality.pictures.bars import actor_scorecards

    return actor_scorecards(
        cards["actor"].to_list(),
        cards["quality"].to_numpy(),
        cards["quality_low"].to_numpy(),
        cards["quality_high"].to_numpy(),
        cards["n_votes"].to_numpy(),
        measure="estimated share of right votes",
    )
