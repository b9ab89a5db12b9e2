"""When the trained labelers learn again, and on what: only ever a release that holds."""

import json
from dataclasses import dataclass

import polars as pl

from assets.dataset_file.models import Dataset
from assets.errors import AssetError
from assets.evidence import ACCEPTED, labels_now, last_release
from assets.gate import data_sha256
from assets.models import champion_at
from assets.ports import DatasetStore
from assets.release import receipt_holds
from quality.schema import LABELS
from quality.synthetic.labels import synthetic


class NotReleased(AssetError, ValueError):
    """Training was asked for on something that is no release with a holding receipt.

    Attributes:
        ref: What was asked for.
        reason: Why it is refused.
    """

    def __init__(self, dataset: str, ref: str, reason: str) -> None:
        self.ref = ref
        self.reason = reason
        super().__init__(
            f"dataset '{dataset}': will not train on '{ref}': {reason}. Models learn from "
            "releases only; `hallmark releases` lists them"
        )


@dataclass(frozen=True)
class TrainingSet:
    """The accepted labels of one release.

    Attributes:
        release: Name of the release.
        commit: Its commit id.
        data_sha256: Digest of the release's data: equal data under another commit has the same.
        labels: item_id, label, split of every accepted label.
        made: item_id, label of every synthetic item that stands; of the train split all.
    """

    release: str
    commit: str
    data_sha256: str
    labels: pl.DataFrame
    made: pl.DataFrame

    def split(self, name: str) -> pl.DataFrame:
        """Accepted labels of one split, sorted by item."""
        return self.labels.filter(pl.col("split") == name).sort("item_id")


@dataclass(frozen=True)
class Due:
    """Whether retraining is due, and why."""

    due: bool
    new_labels: int
    drift: str
    reason: str


def released_training_set(
    store: DatasetStore, dataset: Dataset, ref: str | None = None
) -> TrainingSet:
    """The training set of a release, by default the last one.

    Raises:
        NotReleased: the ref is no release, nothing is released, or its receipt does not match
            its data.
    """
    last = last_release(store)
    if ref is None and last is None:
        raise NotReleased(dataset.name, "main", "nothing is released yet")
    name = ref or (last[0] if last else "")
    commit = store.releases().get(name)
    if commit is None:
        raise NotReleased(dataset.name, name, "it is not the name of a release")
    if not receipt_holds(store, commit):
        raise NotReleased(dataset.name, name, "its receipt does not match its data")
    labels = _labels(store, dataset, commit)
    made = synthetic(labels).select("item_id", "label").sort("item_id")
    return TrainingSet(name, commit, data_sha256(store, commit), _accepted(labels), made)


def accepted_labels(store: DatasetStore, dataset: Dataset, commit: str) -> pl.DataFrame:
    """item_id, label and split of the accepted labels at a commit, in the classes of today."""
    return _accepted(_labels(store, dataset, commit))


def _labels(store: DatasetStore, dataset: Dataset, commit: str) -> pl.DataFrame:
    table = store.table(commit, f"{LABELS.name}/")
    return labels_now(dataset, LABELS.empty() if table is None else table.collect())


def _accepted(labels: pl.DataFrame) -> pl.DataFrame:
    return labels.filter(pl.col("state").is_in(ACCEPTED)).select("item_id", "label", "split")


def is_due(store: DatasetStore, dataset: Dataset, found: TrainingSet, labelers: list[str]) -> Due:
    """Whether there are enough new labels since any champion learned, or drift asks for it."""
    champions = [champion_at(store, store.head(), name) for name in labelers]
    releases = store.releases()
    new = max(
        (
            found.labels.height
            if c is None
            else _new_labels(store, dataset, releases[c.trained_on], found)
            for c in champions
        ),
        default=0,
    )
    drift = str(json.loads(store.read(found.commit, "reports/drift.json"))["verdict"])
    enough = new >= dataset.retraining.min_new_labels
    asked = dataset.retraining.on_drift and drift == "drift"
    reason = (
        f"{new} accepted labels are new or changed since the champions learned "
        f"(min_new_labels {dataset.retraining.min_new_labels}); drift verdict: {drift}"
    )
    return Due(due=enough or asked, new_labels=new, drift=drift, reason=reason)


def _new_labels(store: DatasetStore, dataset: Dataset, learned_at: str, found: TrainingSet) -> int:
    known = accepted_labels(store, dataset, learned_at)
    return found.labels.join(known, on=["item_id", "label"], how="anti").height
