"""Which synthetic items stand, and which version of its source made each."""

import hashlib
import json
from pathlib import Path

import polars as pl

from assets.dataset_file.models import Dataset
from assets.dataset_file.synthetic import SyntheticSource
from assets.evidence import last_release, next_release
from assets.runs import Run
from quality.schema import LABELS
from quality.synthetic import images, origin, rows, templates
from quality.synthetic.labels import synthetic_labels

_SCIENCE = tuple(Path(str(module.__file__)) for module in (images, origin, rows, templates))
_MAKING = tuple(Path(__file__).with_name(f"{n}.py") for n in ("makers", "pictures", "table_rows"))


def source_version(source: SyntheticSource) -> str:
    """Digest of a source's settings and of the code that makes its items."""
    settings = source.model_dump(mode="json", exclude={"description"})
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in (*_SCIENCE, *_MAKING):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def versions(dataset: Dataset) -> dict[str, str]:
    """Version of each synthetic actor that the dataset file names."""
    return {source.actor: source_version(source) for source in dataset.synthetic}


def made_labels(run: Run, at: str, votes: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The labels of the synthetic items at a commit.

    Args:
        run: The run.
        at: Where the items are.
        votes: The synthetic votes that count.
        labels: The labels of the real items.
    """
    last = last_release(run.store)
    return synthetic_labels(
        run.synthetic_items(at=at),
        votes,
        labels,
        LABELS.empty() if last is None else run.table(LABELS, at=last[1]),
        versions=versions(run.dataset),
        classes=run.dataset.classes,
        ontology_version=run.dataset.ontology.version,
        release=next_release(run.store),
    )
