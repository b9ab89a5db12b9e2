"""The jobs of one dataset: what runs together, on which executor."""

from typing import Any

import dagster as dg

from assets.chain import Chain


def dataset_jobs(chain: Chain, executor: dg.ExecutorDefinition) -> list[Any]:
    """Ingest, relabel, import of reviews, snapshot, retraining."""
    name = chain.dataset.name
    selections = {
        "ingest": (chain.ingest, "Take in one batch and let every labeler vote on it."),
        "relabel": (chain.relabel, "Let champions and language models vote on batches again."),
        "import_reviews": (chain.import_reviews, "Take in what people answered."),
        "queue": (chain.queue, "Pick what people should look at; nothing is released."),
        "snapshot": (chain.snapshot, "Fold all votes, judge the snapshot, release it."),
        "retrain": (chain.retrain, "Train candidates on the last release; the better wins."),
    }
    return [
        dg.define_asset_job(
            f"{name}_{job}",
            selection=dg.AssetSelection.assets(*keys),
            executor_def=executor,
            description=description,
            tags={"hallmark/dataset": name, "hallmark/job": job},
        )
        for job, (keys, description) in selections.items()
        if keys
    ]
