"""Synthetic items: made of the last release's labels, marked, and voted for by their source."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.evidence import ACCEPTED, gather, labels_now, last_release
from assets.ingestion.images import media_path
from assets.metadata import commit_metadata, counts, picture, sample
from assets.ports import Stores
from assets.recipe import code_version
from assets.runs import Run, group, key, open_run, owners
from assets.synthetic.growth import Growth, NewItem, Stock, counted, grown
from assets.synthetic.standing import made_labels, versions
from quality.ledger import with_vote_ids
from quality.lineage.buckets import to_parquet
from quality.schema import ITEMS, LABELS, VOTES
from quality.synthetic.labels import SPLIT, synthetic
from quality.synthetic.origin import with_origins

SHOWN = 40


def synthetic_items_asset(dataset: Dataset, deps: list[dg.AssetDep]) -> dg.AssetsDefinition:
    """The `synthetic_items` asset of a dataset that has sources of them."""

    @dg.asset(
        key=key(dataset, "synthetic_items"),
        deps=deps,
        group_name=group(dataset, "synthetic"),
        owners=owners(dataset),
        kinds={"lakefs", "parquet"},
        description=(
            "Items that are made of the train split of the last release, or out of templates, "
            "with the class that they are made as. They are marked, never leave the train split, "
            "and nobody's quality is measured on them."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "every_class_got_its_items",
                asset=key(dataset, "synthetic_items"),
                description="No source lacked examples, or new content, for a class.",
            )
        ],
    )
    def synthetic_items(
        context: dg.AssetExecutionContext, stores: dg.ResourceParam[Stores]
    ) -> dg.MaterializeResult:
        run = open_run(context, stores, dataset)
        at, last = run.head(), last_release(run.store)
        growth = grown(dataset, _stock(run, at, last), lambda uri: run.store.read(at, uri))
        rows = _item_rows(run, at, growth)
        commit = at
        if growth.items:
            objects = _objects(run, growth, rows, None if last is None else last[0])
            message = f"{rows.height} synthetic items"
            commit = run.write(objects, message=message, asset="synthetic_items")
        context.log.info("%d synthetic items made", rows.height)
        return dg.MaterializeResult(
            metadata={**commit_metadata(run, commit, "items/"), **_metadata(rows, growth)},
            check_results=[_check(growth)],
        )

    return synthetic_items


def _stock(run: Run, at: str, last: tuple[str, str] | None) -> Stock:
    """The last release's labels, and what there is at a commit."""
    labels = LABELS.empty() if last is None else run.table(LABELS, at=last[1])
    labels = labels_now(run.dataset, labels)
    taught = labels.filter(pl.col("state").is_in(ACCEPTED) & (pl.col("split") == SPLIT))
    evidence = gather(run, at)
    real = evidence.items
    standing = synthetic(made_labels(run, at, evidence.made, labels)).join(
        with_origins(run.synthetic_items(at=at)).select("item_id", "source", "number"),
        on="item_id",
    )
    return Stock(
        examples=real.join(taught.select("item_id", "label"), on="item_id").sort("item_id"),
        standing=standing.with_columns(pl.format("synthetic:{}", "source").alias("actor")),
        real=set(real["item_id"]),
        made=set(standing["item_id"]),
    )


def _item_rows(run: Run, at: str, growth: Growth) -> pl.DataFrame:
    parents = {
        i: (g, lic)
        for i, g, lic in run.items(at=at).select("item_id", "group_id", "licence").rows()
    }
    now = datetime.now(UTC)
    return ITEMS.frame([_row(run, new, parents, now) for new in growth.items])


def _row(
    run: Run, new: NewItem, parents: dict[str, tuple[str, str | None]], now: datetime
) -> dict[str, object]:
    first = new.origin.parents[0] if new.origin.parents else None
    group_id, licence = parents[first] if first else (new.item_id, run.dataset.ingestion.licence)
    return {
        "item_id": new.item_id,
        "content": new.made.content,
        "uri": None if new.made.media is None else media_path(new.item_id, ".png"),
        "modality": run.dataset.modality,
        "source_uri": new.origin.uri,
        "source_sha256": new.item_id,
        "group_id": group_id,
        "licence": licence,
        "ingested_at": now,
    }


def _objects(run: Run, growth: Growth, rows: pl.DataFrame, release: str | None) -> dict[str, bytes]:
    votes = _votes(run, growth, release)
    # Of the votes, not of the items: another version of a source may make the same items again.
    digest = sha256("".join(votes["vote_id"]).encode()).hexdigest()[:12]
    batch = f"batch=synthetic-{digest}"
    media = {
        media_path(new.item_id, ".png"): new.made.media
        for new in growth.items
        if new.made.media is not None
    }
    return {
        f"items/{batch}/part-000.parquet": to_parquet(rows.sort("item_id")),
        f"votes/synthetic/{batch}/part-000.parquet": to_parquet(votes),
        **media,
    }


def _votes(run: Run, growth: Growth, release: str | None) -> pl.DataFrame:
    """One vote an item, of the source that made it."""
    now, version = datetime.now(UTC), versions(run.dataset)
    common = {
        "kind": "vote",
        "actor_kind": "synthetic",
        "trained_on": release,
        "ontology_version": run.dataset.ontology.version,
        "imported_at": now,
        "run_id": run.id,
        "code_version": code_version(),
    }
    cast = [
        {
            "item_id": new.item_id,
            "actor": new.actor,
            "actor_version": version[new.actor],
            "label": new.origin.label,
            **common,
        }
        for new in growth.items
    ]
    votes = with_vote_ids(pl.DataFrame(cast, schema=dict(VOTES.columns)))
    return VOTES.check(votes.select(list(VOTES.columns)).sort("item_id", "actor"))


def _metadata(rows: pl.DataFrame, growth: Growth) -> dict[str, Any]:
    by_class = pl.Series([n.origin.label for n in growth.items], dtype=pl.String).value_counts()
    return {
        "dagster/row_count": rows.height,
        "made": rows.height,
        "by class": counts(dict(by_class.iter_rows())),
        "skipped": sum(growth.skipped.values()),
        "why draws were skipped": sample(counted(growth.skipped), rows=50),
        **_shown(growth),
    }


def _shown(growth: Growth) -> dict[str, Any]:
    """The first items of each class in turn."""
    from quality.pictures.contact_sheet import contact_sheet

    few = growth.items[:: max(1, len(growth.items) // SHOWN)][:SHOWN]
    if not few:
        return {}
    if few[0].made.media is None:
        rows = [(n.origin.source, n.origin.label, n.made.content) for n in few]
        frame = pl.DataFrame(rows, schema=["source", "class", "content"], orient="row")
        return {"examples": sample(frame, rows=SHOWN)}
    images = [n.made.media for n in few if n.made.media is not None]
    captions = [f"{n.origin.label} ({n.origin.source})" for n in few]
    return {"examples": picture(contact_sheet(images, captions, title="Synthetic items"))}


def _check(growth: Growth) -> dg.AssetCheckResult:
    lacking = counted(growth.lacking)
    return dg.AssetCheckResult(
        check_name="every_class_got_its_items",
        passed=lacking.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"lacking": int(lacking["items"].sum()), "why": sample(lacking, rows=50)},
    )
