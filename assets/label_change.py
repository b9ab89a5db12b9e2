"""Why the labels of a snapshot are distributed otherwise than the last release's."""

import json

import polars as pl

from assets.consensus import fitted
from assets.evidence import Evidence, gather, kind_weight, last_release
from assets.recipe import canonical_json
from assets.replay import as_released
from assets.runs import Run
from quality.drift.label_change import LabelChange, LabelSource, label_change

REPORT = "reports/label_change.json"
PAGE = "reports/label_change.md"
MOST_ITEMS = 50_000
ACCEPTING = {"confidence_threshold", "precision", "precision_confidence"}


def label_change_objects(run: Run, at: str, folded_at: str) -> dict[str, bytes]:
    """The report and its page for the labels at a commit, or why there is none.

    Args:
        run: The run whose branch holds the labels.
        at: Where the items are.
        folded_at: Where the votes behind the labels are.
    """
    found = _change(run, at, folded_at)
    if isinstance(found, str):
        return {REPORT: canonical_json({"reason": found}), PAGE: f"Not split: {found}.\n".encode()}
    return {
        REPORT: canonical_json(json.loads(found.to_json())),
        PAGE: found.to_markdown().encode(),
    }


def picture_of(run: Run, at: str) -> bytes | None:
    """PNG of the report at a commit: points by cause and label; None where it was not split."""
    from quality.pictures.change import change_by_cause

    parts = json.loads(run.store.read(at, REPORT)).get("parts")
    if parts is None:
        return None
    return change_by_cause(
        {cause: {name: 100 * share for name, share in of.items()} for cause, of in parts.items()}
    )


def _change(run: Run, at: str, folded_at: str) -> LabelChange | str:
    """The change split among its causes, or the reason why it is not."""
    if run.dataset.has_regions:
        return f"a label of {run.dataset.task} is a set of regions, not one class"
    last = last_release(run.store)
    if last is None:
        return "there is no earlier release"
    if run.dataset.consensus.aggregator == "crowdlab":
        return "crowdlab also hears a classifier, whose part is none of the votes'"
    before, folded_before = as_released(run.store, last[0])
    if before.dataset.classes != run.dataset.classes:
        return f"the classes are not those of {last[0]}"
    if run.items(at=at).height > MOST_ITEMS:
        return f"labels of more than {MOST_ITEMS:,} items would be estimated too often"
    return label_change(
        _source(before, gather(before, folded_before)), _source(run, gather(run, folded_at))
    )


def _source(run: Run, evidence: Evidence) -> LabelSource:
    """What a release's labels are made of."""

    def aggregate(votes: pl.DataFrame) -> pl.DataFrame:
        kind = pl.col("actor").str.split(":").list.first()
        weighed = votes.with_columns(kind_weight(run, kind).alias("weight"))
        return fitted(run, weighed).predict().select("item_id", "label")

    consensus = run.dataset.consensus.model_dump(mode="json", exclude=ACCEPTING)
    return LabelSource(
        item_ids=evidence.items["item_id"].to_list(),
        votes=evidence.independent,
        aggregator=json.dumps(consensus, sort_keys=True),
        aggregate=aggregate,
    )
