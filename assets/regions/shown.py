"""What people see of consensus regions in the Dagster UI."""

from typing import Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.metadata import counts, picture
from assets.regions.fold import RegionFold
from assets.runs import Run

SHOWN = 12


def regions_shown(
    run: Run, commit: str, labels: pl.DataFrame, folded: Any, items: pl.DataFrame
) -> dict[str, Any]:
    """Counts and pictures of the regions; nothing for a dataset of classes.

    Shown are first the items about which the actors say different things.
    """
    if not isinstance(folded, RegionFold):
        return {}
    from quality.regions.table import sets_of

    regions = folded.estimate.regions
    doubted = labels.filter(pl.col("n_votes") > 0).sort(pl.col("state") != "disputed", "item_id")
    chosen = doubted.head(SHOWN).select("item_id").join(items, on="item_id", maintain_order="left")
    drawn = sets_of(regions.join(chosen, on="item_id", how="semi"))
    return {
        "regions": regions.height,
        "regions by class": counts(dict(regions["label"].value_counts().iter_rows())),
        "consensus regions": _drawn(run, commit, chosen, drawn),
    }


def _drawn(run: Run, commit: str, chosen: pl.DataFrame, drawn: dict[str, Any]) -> Any:
    from quality.pictures.regions import contact_sheet, marked_text

    rows = chosen.select("item_id", "source_uri", "uri", "content").rows()
    if run.dataset.task == "spans":
        lines = [f"- {marked_text(text or '', drawn.get(item, ()))}" for item, _, _, text in rows]
        return dg.MetadataValue.md("\n".join(lines) or "nothing was judged yet")
    local = run.store.fetch(commit, [uri for _, _, uri, _ in rows if uri])
    sheet = [
        (source, local[uri].read_bytes(), drawn.get(item, ())) for item, source, uri, _ in rows
    ]
    return picture(contact_sheet(sheet, run.dataset.classes))


def labels_by_class(dataset: Dataset, labels: pl.DataFrame, folded: Any) -> dict[str, int]:
    """How many items have each class, or how many consensus regions are of it."""
    named = folded.estimate.regions if isinstance(folded, RegionFold) else labels
    found = dict(named["label"].drop_nulls().value_counts().iter_rows())
    return {name: int(found.get(name, 0)) for name in dataset.classes}
