"""The candidate snapshot: all its tables, its recipe, and the gate's judgment of them."""

import json
from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.evidence import last_release
from assets.gate import CHECKS, WARNINGS, Judgment, judge, results
from assets.label_change import label_change_objects
from assets.learning_curve import learning_curve_metadata, learning_curve_objects
from assets.metadata import column_schema, commit_metadata, picture, sample
from assets.ports import Frames, Stores
from assets.recipe import RECIPE, canonical_json, digest, recipe
from assets.runs import Run, group, key, open_run, owners
from assets.scores import scores_at
from quality.lineage.buckets import cut
from quality.lineage.labels import history_rows
from quality.schema import HISTORY, LABELS, SCORES, VOTES


def snapshot_asset(dataset: Dataset, deps: Sequence[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `snapshot` asset of a dataset, gated by blocking checks."""

    @dg.asset(
        key=key(dataset, "snapshot"),
        deps=deps,
        group_name=group(dataset, "release"),
        owners=owners(dataset),
        kinds={"lakefs", "duckdb", "greatexpectations"},
        description=(
            "What would be released: labels, scores, the history of every label, reports and "
            "recipe on the run's branch, and the gate's receipt. Nothing on main moves here."
        ),
        check_specs=[
            *(
                dg.AssetCheckSpec(
                    name, asset=key(dataset, "snapshot"), blocking=True, description=claim
                )
                for name, claim in CHECKS.items()
            ),
            *(
                dg.AssetCheckSpec(name, asset=key(dataset, "snapshot"), description=claim)
                for name, claim in WARNINGS.items()
            ),
        ],
    )
    def snapshot(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        frames: dg.ResourceParam[Frames],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        commit = run.write(_tables(run, run.head()), message="Candidate snapshot", asset="snapshot")
        judgment = judge(run, commit, frames)
        commit = run.write(judgment.objects(), message="The gate's receipt", asset="snapshot")
        context.log.info("gate: %s", "passed" if judgment.passed else "failed")
        return dg.MaterializeResult(
            data_version=dg.DataVersion(judgment.receipt["data_sha256"]),
            metadata=_metadata(run, commit, judgment, frames),
            check_results=results(judgment),
        )

    return snapshot


def _tables(run: Run, at: str) -> dict[str, bytes]:
    """Scores, history, recipe and what changed the labels; the labels are on the branch already."""
    report = json.loads(run.store.read(at, "reports/consensus.json"))
    made_by = recipe(run.dataset, report["parameters"])
    buckets = run.dataset.storage.buckets
    return {
        **dict(cut(scores_at(run, at), SCORES.name, buckets)),
        **dict(cut(_history(run, at, report["release"], digest(made_by)), HISTORY.name, buckets)),
        RECIPE: canonical_json(made_by),
        **label_change_objects(run, at, report["folded_at"]),
        **learning_curve_objects(run, at, report["release"]),
    }


def _history(run: Run, at: str, release: str, recipe_sha256: str) -> pl.DataFrame:
    last = last_release(run.store)
    if last is None:
        before, votes_before, old, old_recipe = (
            LABELS.empty(),
            VOTES.empty(),
            HISTORY.empty(),
            recipe_sha256,
        )
    else:
        before, votes_before, old = (run.table(t, at=last[1]) for t in (LABELS, VOTES, HISTORY))
        old_recipe = digest(json.loads(run.store.read(last[1], RECIPE)))
    rows = history_rows(
        run.table(LABELS, at=at),
        before,
        run.table(VOTES, at=at).join(votes_before, on="vote_id", how="anti"),
        release=release,
        recipe_changed=recipe_sha256 != old_recipe,
        recipe_sha256=recipe_sha256,
        mapping=run.dataset.carries,
    )
    return pl.concat([old, rows])


def _metadata(run: Run, commit: str, judgment: Judgment, frames: Frames) -> dict[str, Any]:
    from quality.pictures.bars import label_distribution

    # A region's class, where labels are sets of regions.
    named = "regions JOIN labels USING (item_id)" if run.dataset.has_regions else "labels"
    column = "regions.label" if run.dataset.has_regions else "label"
    by_class = frames.query(
        run.store,
        f"SELECT {column}, count(*) AS n FROM {named} WHERE state IN ('auto', 'human') "  # noqa: S608 - both are written above
        f"GROUP BY {column} ORDER BY {column}",
        at=commit,
    )
    found = dict(by_class.iter_rows())
    return {
        **commit_metadata(run, commit),
        **learning_curve_metadata(run, commit),
        "dagster/row_count": judgment.n_labels,
        "dagster/column_schema": column_schema(LABELS),
        "gate": dg.MetadataValue.md(judgment.markdown),
        "receipt": dg.MetadataValue.json(judgment.receipt),
        "accepted labels": picture(
            label_distribution({c: int(found.get(c, 0)) for c in run.dataset.classes})
        ),
        "states": sample(
            frames.query(
                run.store,
                "SELECT state, count(*) AS items, round(avg(confidence), 3) AS confidence "
                "FROM labels LEFT JOIN scores USING (item_id) GROUP BY state ORDER BY state",
                at=commit,
            )
        ),
    }
