"""A run: its dataset, its branch of the store, and what it writes there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl

from assets.dataset_file.models import Dataset
from assets.ports import DatasetStore, RunBranch, Stores
from quality.schema import ITEMS, Table
from quality.synthetic.origin import is_synthetic


@dataclass(frozen=True)
class Run:
    """One Dagster run over one dataset, re-executions from failure included.

    Attributes:
        id: The root run's id: a re-execution finds the branch of the run that failed.
    """

    dataset: Dataset
    store: DatasetStore
    id: str
    branch: RunBranch

    def head(self) -> str:
        """Commit id of the run's branch now."""
        return self.store.head(self.branch.name)

    def table(self, table: Table, *, at: str, below: str | None = None) -> pl.DataFrame:
        """A table at a commit, checked; empty where there is none."""
        found = self.store.table(at, below or f"{table.name}/")
        return table.empty() if found is None else table.check(found.collect())

    def items(self, *, at: str, below: str | None = None) -> pl.DataFrame:
        """The items at a commit, each once: two batches taken in side by side may share some.

        Synthetic items are none of them.
        """
        found = self.store.table(at, below or f"{ITEMS.name}/")
        return ITEMS.empty() if found is None else _each_once(found.filter(~is_synthetic()))

    def synthetic_items(self, *, at: str) -> pl.DataFrame:
        """The synthetic items at a commit; one that came in as a real item, too, is none."""
        found = self.store.table(at, f"{ITEMS.name}/")
        if found is None:
            return ITEMS.empty()
        real = found.filter(~is_synthetic()).select("item_id")
        return _each_once(found.filter(is_synthetic()).join(real, on="item_id", how="anti"))

    def write(
        self,
        objects: Mapping[str, bytes | Path],
        *,
        message: str,
        asset: str,
        delete: Iterable[str] = (),
    ) -> str:
        """Commit objects to the run's branch; the commit id."""
        metadata = {"run_id": self.id, "asset": asset}
        return self.store.write(
            self.branch.name, objects, message=message, metadata=metadata, delete=delete
        )


def _each_once(items: pl.LazyFrame) -> pl.DataFrame:
    oldest_first = items.sort("item_id", "ingested_at", "source_uri")
    return ITEMS.check(oldest_first.unique("item_id", keep="first", maintain_order=True).collect())


def root_run_id(context: dg.AssetExecutionContext) -> str:
    """Id of the run that this one re-executes, or its own."""
    return context.run.root_run_id or context.run.run_id


def open_run(
    context: dg.AssetExecutionContext, stores: Stores, dataset: Dataset, *, part: str | None = None
) -> Run:
    """The run of an asset, its branch made from main by the first asset that asks.

    Args:
        context: The asset's context.
        stores: All datasets' stores.
        dataset: The dataset.
        part: Names a part of the run that publishes by itself, on a branch of its own.
    """
    store = stores.of(dataset.name)
    run_id = "-".join(filter(None, (root_run_id(context), part)))
    return Run(dataset=dataset, store=store, id=run_id, branch=store.branch(run_id))


def key(dataset: Dataset, name: str) -> dg.AssetKey:
    """Key of one of the dataset's assets."""
    return dg.AssetKey([dataset.name, name])


def group(dataset: Dataset, stage: str) -> str:
    """Dagster group of one stage of the dataset."""
    return f"{dataset.name}_{stage}"


def owners(dataset: Dataset) -> list[str]:
    """Owners as Dagster wants them: e-mail addresses, or team:NAME."""
    return list(dataset.owners)
