"""Synthetic items for one thinned class of the digits: what they bring its recall, and the rest.

One class keeps 5 labels for training, the nine others all of theirs. A logistic regression and a
random forest learn them as they are, with the class weighed, and with items made by each kind
of source until the class has as many as asked for. Judged on 540 digits that no source saw.

python -m benchmarks.synthetic --seeds 5 --classes 3 8 9
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import mean, stdev
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.dataset_file.models import Dataset
from assets.features.pixels import pixels
from assets.synthetic.growth import Stock, grown
from assets.synthetic.pictures import png_of
from quality.schema import ITEMS

KEPT = 5
TEST = 540
SIDE = 8
SOURCES: dict[str, dict[str, Any]] = {
    "augment": {"kind": "augment"},
    "augment, elastic": {"kind": "augment", "elastic": 0.05},
    "augment, too far": {"kind": "augment", "shift": 0.3, "rotate_degrees": 60.0},
    "mix": {"kind": "mix"},
    "interpolate": {"kind": "interpolate"},
}


@dataclass(frozen=True)
class Digits:
    """Digits as items, with what they are."""

    items: pl.DataFrame
    media: dict[str, bytes]

    @staticmethod
    def load() -> "Digits":
        from sklearn.datasets import load_digits

        bundle: Any = load_digits()
        files = [png_of(image / 16) for image in bundle.images]
        ids = [sha256(file).hexdigest() for file in files]
        empty = dict.fromkeys(ITEMS.columns)
        rows = [
            {**empty, "item_id": i, "uri": i, "label": str(t)}
            for i, t in zip(ids, bundle.target, strict=True)
        ]
        frame = pl.DataFrame(rows, schema={**ITEMS.columns, "label": pl.String})
        return Digits(
            frame.unique("item_id", maintain_order=True), dict(zip(ids, files, strict=True))
        )

    def features(self, items: pl.DataFrame) -> NDArray[np.float32]:
        return pixels(items, self.media.__getitem__, side=SIDE)


def dataset(source: dict[str, Any], label: str, seed: int, up_to: float) -> Dataset:
    """A dataset file that asks for one kind of items of one class."""
    made = {"name": "made", "classes": [label], "up_to": up_to, "seed": seed, **source}
    classes = [str(digit) for digit in range(10)]
    return Dataset.model_validate(
        {
            "name": "digits",
            "modality": "image",
            "ontology": {"classes": classes},
            "features": {"image_side": SIDE},
            "synthetic": [made],
        }
    )


def thinned(digits: Digits, label: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Train with few of one class, and test."""
    order = np.random.default_rng(seed).permutation(digits.items.height)
    test, train = digits.items[order[:TEST]], digits.items[order[TEST:]]
    few = train.filter(label=label).head(KEPT)
    return pl.concat([train.filter(pl.col("label") != label), few]), test


def with_made(
    digits: Digits, train: pl.DataFrame, spec: Dataset
) -> tuple[NDArray[np.float32], list[str]]:
    """Features and labels of train and of what a source makes of it."""
    nothing = pl.DataFrame(schema={"actor": pl.String, "label": pl.String, "number": pl.Int64})
    stock = Stock(train, nothing, real=set(digits.items["item_id"]), made=set())
    new = grown(spec, stock, digits.media.__getitem__).items
    media = {n.item_id: n.made.media or b"" for n in new}
    rows = pl.DataFrame({"item_id": [*media], "uri": [*media]})
    features = pixels(rows, media.__getitem__, side=SIDE)
    labels = [*train["label"], *(n.origin.label for n in new)]
    return np.vstack([digits.features(train), features]), labels


def contenders(
    digits: Digits, train: pl.DataFrame, label: str, seed: int, up_to: float
) -> Iterator[tuple[str, NDArray[np.float32], list[str], str | None]]:
    """Name, features, labels and class weights of each way."""
    plain, labels = digits.features(train), train["label"].to_list()
    yield "as it is", plain, labels, None
    yield "class weights", plain, labels, "balanced"
    for name, source in SOURCES.items():
        made = with_made(digits, train, dataset(source, label, seed, up_to))
        yield name, *made, None


def models(weights: str | None, seed: int) -> dict[str, Any]:
    """The estimators, fresh."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "logistic": LogisticRegression(max_iter=300, class_weight=weights),
        "forest": RandomForestClassifier(200, random_state=seed, class_weight=weights),
    }


def measure(digits: Digits, labels: Sequence[str], seeds: int, up_to: float) -> pl.DataFrame:
    """Recall of the thinned class and accuracy of the others, a row a fit."""
    rows = []
    for label in labels:
        for seed in range(seeds):
            train, test = thinned(digits, label, seed)
            seen, truth = digits.features(test), test["label"].cast(pl.Int64).to_numpy()
            rare = truth == int(label)
            for way, features, given, weights in contenders(digits, train, label, seed, up_to):
                for name, model in models(weights, seed).items():
                    right = model.fit(features, np.array(given, int)).predict(seen) == truth
                    rows.append((name, way, label, seed, right[rare].mean(), right[~rare].mean()))
    names = ["model", "way", "label", "seed", "recall", "others"]
    return pl.DataFrame(rows, schema=names, orient="row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--classes", nargs="+", default=["3", "8", "9"])
    parser.add_argument("--up-to", type=float, default=0.5)
    options = parser.parse_args()
    found = measure(Digits.load(), options.classes, options.seeds, options.up_to)
    print(f"{KEPT} labels of one class ({', '.join(options.classes)}), {options.seeds} seeds each")
    for (model, way), part in found.group_by("model", "way", maintain_order=True):
        recall, others = part["recall"].to_list(), part["others"].to_list()
        spread = f"+- {stdev(recall):.3f}" if len(recall) > 1 else ""
        print(
            f"{model:10s} {way:18s} recall {mean(recall):.3f} {spread}  others {mean(others):.3f}"
        )


if __name__ == "__main__":
    main()
