"""Votes: one asset a labeler, made from the dataset file, one partition a batch."""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.chat import ChatEndpoints
from assets.dataset_file.models import Dataset, Labeler
from assets.encoders.errors import EncoderError
from assets.evidence import ACCEPTED, labels_now, last_release
from assets.labelers.errors import LabelerError, ModelUntrusted
from assets.labelers.interface import KNOWN, ActorErrors, Ballots, LabelerInput, Trainer
from assets.labelers.interface import Labeler as Voter
from assets.labelers.registry import make
from assets.metadata import commit_metadata, counts, sample, table_metadata
from assets.models import champion_of
from assets.ports import ProjectFolder, Stores
from assets.recipe import canonical_json, code_version
from assets.regions.votes import votes_by_class
from assets.runs import Run, group, key, open_run, owners
from quality.ledger import with_vote_ids
from quality.lineage.buckets import to_parquet
from quality.schema import LABELS, PREDICTIONS, VOTES

PROGRESS_SECONDS = 5.0
_MENDED = (
    "The batch goes on without its votes; once it is mended, materialize this asset and `batch` "
    "for the partition again"
)


def votes_asset(
    dataset: Dataset, spec: Labeler, root: Path, batches: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """The votes of one labeler on batches of items."""
    name = f"votes_{spec.name}"

    @dg.asset(
        key=key(dataset, name),
        deps=[key(dataset, "items")],
        partitions_def=batches,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=group(dataset, "labeling"),
        owners=owners(dataset),
        kinds={spec.icon},
        description=spec.description or f"Votes of the labeler {spec.name} ({spec.kind}).",
        check_specs=[
            dg.AssetCheckSpec(
                "no_actor_failed_on_an_item",
                asset=key(dataset, name),
                description="No actor abstained because it raised, hung or answered nonsense.",
            )
        ],
    )
    def votes(
        context: dg.AssetExecutionContext,
        stores: dg.ResourceParam[Stores],
        project: dg.ResourceParam[ProjectFolder],
        chat: dg.ResourceParam[ChatEndpoints],
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        see = partial(_input, context, run, spec, project=project, chat=chat)
        try:
            voter = _voter(run, spec, root)
            if voter is None:
                return _no_votes(run, "no champion yet: the first retraining makes one")
            cast = {b: voter.vote(see(b)) for b in context.partition_keys}
        except ModelUntrusted:
            raise
        except (EncoderError, LabelerError) as error:
            context.log.warning("%s casts no votes: %s", spec.name, error)
            return _no_votes(run, f"{error}. {_MENDED}", usable=False)
        frames = {b: _ledger_rows(run, ballots) for b, ballots in cast.items()}
        commit = run.write(
            _objects(spec.name, voter.version, cast, frames) | _costs(spec.name, run, cast),
            message=f"Votes of {spec.name} on {len(cast)} batches",
            asset=name,
        )
        return _result(run, commit, list(cast.values()), pl.concat(frames.values()))

    return votes


def _voter(run: Run, spec: Labeler, root: Path) -> Voter | None:
    made = make(spec, root)
    if not isinstance(made, Trainer):
        return made
    return champion_of(run.store, run.head(), spec.name, made)


def _no_votes(run: Run, note: str, *, usable: bool = True) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            **commit_metadata(run, run.head()),
            "dagster/row_count": 0,
            "note": note,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="no_actor_failed_on_an_item",
                passed=usable,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"what happened": note},
            )
        ],
    )


def _input(
    context: dg.AssetExecutionContext,
    run: Run,
    spec: Labeler,
    batch: str,
    *,
    project: ProjectFolder,
    chat: ChatEndpoints,
) -> LabelerInput:
    from assets.features.featurize import featurize
    from assets.features.workspace import Workspace

    at = run.head()
    workspace = Workspace(project.root, project.cache(), context.log.info)
    items = run.items(at=at, below=f"items/batch={batch}/")
    seen = run.dataset.model_copy(update={"features": spec.features_of(run.dataset.features)})
    told = [time.monotonic()]

    def media(uri: str) -> bytes:
        return run.store.read(at, uri)

    def progress(done: int, total: int) -> None:
        if time.monotonic() - told[0] > PROGRESS_SECONDS:
            told[0] = time.monotonic()
            context.log.info("%s: %d of %d items", batch, done, total)

    return LabelerInput(
        items=items,
        ontology=run.dataset.ontology,
        features=lambda: featurize(items, seen, media, workspace),
        media=media,
        progress=progress,
        known=lambda: _known(run),
        cache=project.cache(),
        chat=chat,
        say=lambda message: context.log.info("%s: %s", batch, message),
    )


def _known(run: Run) -> pl.DataFrame:
    """Items of the train split with the label that the last release accepted."""
    last = last_release(run.store)
    if last is None:
        return KNOWN.empty()
    labels = labels_now(run.dataset, run.table(LABELS, at=last[1]))
    taught = labels.filter(pl.col("state").is_in(ACCEPTED) & (pl.col("split") == "train"))
    known = run.items(at=last[1]).join(taught.select("item_id", "label", "state"), on="item_id")
    return KNOWN.check(known.sort("item_id"))


def _ledger_rows(run: Run, ballots: Ballots) -> pl.DataFrame:
    at = pl.lit(datetime.now(UTC)).cast(VOTES.columns["imported_at"])
    absent = {
        name: pl.lit(None, VOTES.columns[name])
        for name in ("region", "shown_prediction", "lead_time_s", "origin", "retracts", "cast_at")
        if name not in ballots.votes.columns
    }
    rows = ballots.votes.with_columns(
        kind=pl.lit("vote"),
        ontology_version=pl.lit(run.dataset.ontology.version),
        imported_at=at,
        run_id=pl.lit(run.id),
        code_version=pl.lit(code_version()),
        **absent,
    )
    return VOTES.check(with_vote_ids(rows).select(list(VOTES.columns)))


def _objects(
    labeler: str, version: str, cast: Mapping[str, Ballots], frames: Mapping[str, pl.DataFrame]
) -> dict[str, bytes]:
    objects = {}
    for batch, ballots in cast.items():
        place = f"{labeler}/batch={batch}/{version[:16]}.parquet"
        objects[f"votes/labeler={place}"] = to_parquet(frames[batch].sort("item_id", "actor"))
        if ballots.predictions is not None:
            checked = PREDICTIONS.check(ballots.predictions)
            objects[f"predictions/{place}"] = to_parquet(checked.sort("item_id"))
    return objects


def _costs(labeler: str, run: Run, cast: Mapping[str, Ballots]) -> dict[str, bytes]:
    """What the votes cost: a file a batch and run, so that no run's cost is overwritten."""
    return {
        f"reports/costs/{labeler}/batch={batch}/{run.id}.json": canonical_json(ballots.cost)
        for batch, ballots in cast.items()
        if ballots.cost is not None
    }


def _result(
    run: Run, commit: str, cast: list[Ballots], frame: pl.DataFrame
) -> dg.MaterializeResult:
    errors = [error for ballots in cast for error in ballots.errors]
    costs = [dict(ballots.cost) for ballots in cast if ballots.cost is not None]
    named = frame.filter(pl.col("label").is_not_null())
    coverage = frame.group_by("actor").agg(
        pl.len().alias("items"),
        pl.col("label").is_not_null().mean().alias("coverage"),
        pl.col("actor_version").first().alias("version"),
    )
    return dg.MaterializeResult(
        metadata={
            **commit_metadata(run, commit, "votes/"),
            **table_metadata(VOTES, frame, ["item_id", "actor", "label", "score", "trained_on"]),
            "votes": named.height,
            "abstentions": frame.height - named.height,
            "why abstained": _bullets(a for ballots in cast for a in ballots.abstentions),
            "by class": counts(votes_by_class(run.dataset, frame)),
            "actors": sample(coverage.sort("actor"), rows=50),
            **({"cost": dg.MetadataValue.json(costs)} if costs else {}),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="no_actor_failed_on_an_item",
                passed=not errors,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "failures": sum(e.count for e in errors),
                    "what happened": _bullets(errors),
                },
            )
        ],
    )


def _bullets(told: Iterable[ActorErrors]) -> dg.MetadataValue[Any]:
    lines = [f"- {json.dumps(str(each), ensure_ascii=False)}" for each in told]
    return dg.MetadataValue.md("\n".join(lines) or "nothing")
