"""A probe on a packaged encoder against TF-IDF, and what it adds to crowd answers.

Sentences out of film reviews with answers of 203 crowd workers (../shared/data/sentiment; without
it there is nothing to measure). Labels to learn from are the workers' only, by Dawid-Skene over the
answers on the drawn items; gold judges. Embeddings are made once and kept in the temporary folder.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import polars as pl

from assets.dataset_file.models import Dataset
from assets.labelers.interface import LabelerInput
from assets.labelers.registry import make
from benchmarks.sentences import (
    CLASSES,
    DATA,
    ENCODER,
    Sentences,
    answers,
    crowd_sentences,
    other_sentences,
)
from quality.consensus.aggregators import make as aggregator
from quality.transfer.probe import cross_validated, fit_probe

SIZES = (100, 500, 2_000)
VOTES_AN_ITEM = (1, 2, 3, None)
TFIDF_STRENGTHS = np.logspace(-1, 2, 4)


def crowd_labels(votes: pl.DataFrame) -> dict[str, int]:
    """The workers' label of each item, by Dawid-Skene."""
    found = aggregator("dawid_skene", CLASSES).fit(votes).predict().drop_nulls("label")
    return {item: CLASSES.index(label) for item, label in found.select("item_id", "label").rows()}


def votes_of(most: int | None = None, seed: int = 0) -> pl.DataFrame:
    """The workers' votes; of each item at most so many, drawn."""
    votes = answers().rename({"item": "item_id", "worker": "actor"})
    votes = votes.with_columns(weight=pl.lit(1.0))
    if most is None:
        return votes
    drawn = votes.sample(fraction=1.0, shuffle=True, seed=seed)
    return drawn.group_by("item_id", maintain_order=True).head(most).sort("item_id", "actor")


def tfidf_accuracy(known: Sentences, codes: np.ndarray, test: Sentences) -> float:
    """Logistic regression on TF-IDF of words and pairs of words, its strength cross-validated."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegressionCV(
            Cs=TFIDF_STRENGTHS,
            cv=3,
            scoring="neg_log_loss",
            max_iter=500,
            use_legacy_attributes=False,
            l1_ratios=(0,),
        ),
    )
    model.fit(known.texts, codes)
    return float((model.predict(test.texts) == test.gold).mean())


def probes(repeats: int) -> dict[str, list[dict[str, float]]]:
    """Accuracy on other sentences' gold, of models that learned from crowd labels alone."""
    crowd, test, votes = crowd_sentences(), other_sentences(2_000), votes_of()
    rows, judged = crowd.features("embeddings").matrix, test.features("embeddings").matrix
    found: dict[str, list[dict[str, float]]] = {}
    for size in SIZES:
        for seed in range(repeats):
            drawn = np.random.default_rng(seed).choice(len(crowd.ids), size, replace=False)
            known = crowd.take(drawn)
            labels = crowd_labels(votes.filter(pl.col("item_id").is_in(known.ids)))
            kept = np.array([i for i, name in enumerate(known.ids) if name in labels])
            codes = np.array([labels[known.ids[i]] for i in kept])
            started = time.perf_counter()
            probe = fit_probe(rows[drawn[kept]], codes, seed=seed)
            found.setdefault(str(size), []).append(
                {
                    "labels right": float((codes == known.gold[kept]).mean()),
                    "probe": float(
                        (probe.predict_proba(judged).argmax(axis=1) == test.gold).mean()
                    ),
                    "TF-IDF": tfidf_accuracy(known.take(kept), codes, test),
                    "probe s": time.perf_counter() - started,
                }
            )
    return found


def consensus() -> list[dict[str, float | int | str]]:
    """Labels right of all sentences, by votes an item: the crowd alone, and with the probe.

    The probe learns the workers' labels by Dawid-Skene; what CROWDLAB hears of it is out of fold.
    """
    crowd = crowd_sentences()
    rows = crowd.features("embeddings").matrix
    gold = pl.DataFrame({"item_id": crowd.ids, "gold": [CLASSES[code] for code in crowd.gold]})
    found: list[dict[str, float | int | str]] = []
    for most in VOTES_AN_ITEM:
        votes = votes_of(most)
        labels = crowd_labels(votes)
        codes = np.array([labels.get(name, 0) for name in crowd.ids])
        probabilities = cross_validated(rows, codes, folds=5, seed=0)
        heard = pl.DataFrame({"item_id": crowd.ids, "probabilities": probabilities.tolist()})
        crowdlab = aggregator("crowdlab", CLASSES)
        estimates = {
            "majority": aggregator("majority", CLASSES).fit(votes),
            "dawid_skene": aggregator("dawid_skene", CLASSES).fit(votes),
            "crowdlab": crowdlab.fit(votes, predictions=heard),  # type: ignore[call-arg]
            "dawid_skene + probe": aggregator("dawid_skene", CLASSES).fit(
                pl.concat([votes, _vote_of(crowd.ids, probabilities)])
            ),
        }
        found.append(
            {
                "votes": votes.height,
                "an item": "all" if most is None else most,
                "probe alone": float((probabilities.argmax(axis=1) == crowd.gold).mean()),
                **{name: _right(estimate.predict(), gold) for name, estimate in estimates.items()},
            }
        )
    return found


def _vote_of(ids: list[str], probabilities: np.ndarray) -> pl.DataFrame:
    """The probe as one more actor, which votes for the likelier class of every item."""
    labels = [CLASSES[code] for code in probabilities.argmax(axis=1)]
    return pl.DataFrame({"item_id": ids, "actor": "model:probe", "label": labels, "weight": 1.0})


def _right(estimate: pl.DataFrame, gold: pl.DataFrame) -> float:
    """Share of all sentences whose label is right; a tie is not."""
    joined = gold.join(estimate.select("item_id", "label"), on="item_id", how="left")
    return float(str((joined["label"] == joined["gold"]).fill_null(value=False).mean()))


def zero_shot() -> dict[str, float]:
    """Coverage and accuracy without any label."""
    test = other_sentences(2_000)
    dataset = Dataset.model_validate(
        {
            "name": "sentences",
            "modality": "text",
            "ontology": {"classes": CLASSES},
            "labelers": [
                {
                    "name": "likeness",
                    "kind": "zero_shot",
                    "encoder": ENCODER,
                    "descriptions": {
                        "positive": "The writer loves this film.",
                        "negative": "The writer hates this film.",
                    },
                }
            ],
        }
    )
    voter = make(dataset.labelers[0], Path())
    features = test.features("embeddings")
    given = LabelerInput(pl.DataFrame(), dataset.ontology, lambda: features, lambda _: b"")
    labels = voter.vote(given).votes["label"].to_list()  # type: ignore[union-attr]
    named = [CLASSES[code] == label for code, label in zip(test.gold, labels, strict=True) if label]
    return {"coverage": len(named) / len(labels), "right": statistics.mean(named)}


def main() -> None:
    """Print the tables; --json keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"nothing to measure on: there is no {DATA}")
        return
    learned, folded, described = probes(options.repeats), consensus(), zero_shot()
    for size, runs in learned.items():
        told = {name: statistics.mean(run[name] for run in runs) for name in runs[0]}
        spread = statistics.stdev([r["probe"] - r["TF-IDF"] for r in runs]) if runs[1:] else 0.0
        wins = sum(run["probe"] > run["TF-IDF"] for run in runs)
        figures = ", ".join(f"{name} {value:.3f}" for name, value in told.items())
        print(
            f"{size:>5} crowd labels: {figures}; better in {wins} of {len(runs)}, sd {spread:.3f}"
        )
    for row in folded:
        print(
            ", ".join(
                f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()
            )
        )
    print("zero-shot", ", ".join(f"{name} {value:.3f}" for name, value in described.items()))
    if options.json:
        found = {"probe": learned, "consensus": folded, "zero-shot": described}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
