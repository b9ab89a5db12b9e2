"""Outliers: items unlike all others, listed and shown to whoever decides about them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.dataset_file.outliers import Outliers as Section
from assets.metadata import commit_metadata, picture, sample
from assets.ports import Stores
from assets.runs import Run, group, key, open_run, owners
from quality.lineage.buckets import to_parquet

if TYPE_CHECKING:
    from quality.outliers.report import Outliers

REPORT = "reports/outliers.parquet"
SHOWN = 32


def outliers_asset(
    dataset: Dataset, settings: Section, deps: Sequence[dg.AssetDep]
) -> dg.AssetsDefinition:
    """The `outliers` asset of a dataset that asks for it."""

    @dg.asset(
        key=key(dataset, "outliers"),
        deps=deps,
        group_name=group(dataset, "drift"),
        owners=owners(dataset),
        kinds={"scikitlearn"},
        description=(
            f"Items whose {settings.neighbours} nearest others are far away, by their "
            f"{settings.by}: broken, of another kind, or the rare thing that was looked for. "
            "They are listed, not removed."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "few_items_are_outliers",
                asset=key(dataset, "outliers"),
                description="Items unlike all others are as few as the dataset file asks.",
            )
        ],
    )
    def outliers(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        at = run.head()
        items = run.items(at=at).sort("item_id").head(settings.max_items)
        found = look(run, at, items, settings)
        commit = run.write({REPORT: to_parquet(found.frame)}, message="Outliers", asset="outliers")
        listed = found.frame.filter("is_outlier")
        context.log.info("%d outliers among %d items", listed.height, items.height)
        return dg.MaterializeResult(
            metadata={
                **commit_metadata(run, commit, REPORT),
                "compared": items.height,
                "outliers": listed.height,
                **_shown(run, at, items, found),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="few_items_are_outliers",
                    passed=found.share <= settings.max_share,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"share": found.share, "limit": settings.max_share},
                )
            ],
        )

    return outliers


def look(run: Run, at: str, items: pl.DataFrame, settings: Section) -> "Outliers":
    """How unlike the others each of some items is."""
    from assets.features.description import describe
    from assets.features.featurize import featurize
    from quality.outliers.report import find_outliers

    def media(uri: str) -> bytes:
        return run.store.read(at, uri)

    if settings.by == "features":
        features = featurize(items, run.dataset, media)
        columns = pl.DataFrame(features.dense(), schema=list(features.names))
    else:
        described = describe(items, run.dataset, media).drop("item_id")
        columns = described.select(pl.selectors.numeric())
    # Pixels and n-grams are of one unit; a description's columns and a table's are not.
    scale = settings.by == "description" or run.dataset.modality == "tabular"
    return find_outliers(items["item_id"], columns, neighbours=settings.neighbours, scale=scale)


def _shown(run: Run, at: str, items: pl.DataFrame, found: "Outliers") -> dict[str, Any]:
    """The most unlike items: pictures as a contact sheet, all else as a table."""
    from quality.pictures.contact_sheet import contact_sheet

    worst = found.frame.filter("is_outlier").head(SHOWN)
    rows = worst.join(items, on="item_id", maintain_order="left")
    table = rows.select("item_id", "score", "because", "source_uri", "content")
    if run.dataset.modality != "image":
        return {"most unlike": sample(table, rows=SHOWN)}
    images = [run.store.read(at, uri) for uri in rows["uri"]]
    captions = [f"{s:.1f} {b}" for s, b in rows.select("score", "because").rows()]
    sheet = contact_sheet(images, captions, title="Items unlike all others")
    return {
        "most unlike": picture(sheet),
        "list": sample(table.drop("content"), rows=SHOWN),
    }
