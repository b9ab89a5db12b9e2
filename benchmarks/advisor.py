"""The advisor's choice against the best of the four strategies, all of them tried.

Digits (scikit-learn's) with an encoder that learned letters (benchmarks/glyphs.py), and sentences
out of film reviews (../shared/data/sentiment, left out where it is missing) with the packaged text
encoder. Regret is the accuracy that its choice lacks of the best one's, on items held out. All on
one thread, gold labels, few epochs: what fine-tuning reaches with more patience is not shown.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assets.dataset_file.models import Dataset
from assets.dataset_file.pretrained import PretrainedLabeler
from assets.features import FeatureMatrix, Workspace, featurize
from assets.labelers.pretrained import PretrainedTrainer
from benchmarks import glyphs
from benchmarks.sentences import CACHE, CLASSES, DATA, ENCODER, crowd_sentences, other_sentences

STRATEGIES = ("probe", "partial", "full", "scratch")
DIGITS = tuple("0123456789")
MANY = 150
DIGIT_SIZES = (50, 150, 500, 1_200)
SENTENCE_SIZES = (20, 40, 150, 500)
FOR_DIGITS = {
    "epochs": 12,
    "learning_rate": 0.001,
    "scratch_learning_rate": 0.003,
    "batch_size": 32,
}
FOR_SENTENCES = {"epochs": 3, "learning_rate": 0.00005, "scratch_learning_rate": 0.0005}


def columns(both: FeatureMatrix, kind: str, version: str) -> FeatureMatrix:
    """The embeddings or the inputs out of both."""
    wanted = "embedding" if kind == "embeddings" else "input"
    some = [i for i, name in enumerate(both.names) if name.startswith(wanted)]
    names = tuple(both.names[i] for i in some)
    return FeatureMatrix(both.item_ids, names, both.matrix[:, some], kind, version)


def trial(
    spec: PretrainedLabeler,
    known: FeatureMatrix,
    labels: list[str],
    judged: FeatureMatrix,
    truth: np.ndarray,
    *,
    classes: tuple[str, ...],
) -> dict[str, Any]:
    """Accuracy of each strategy, what the advisor chose and why, and what the choice lacks."""
    found: dict[str, Any] = {}
    for strategy in STRATEGIES:
        named = spec.model_copy(update={"strategy": strategy})
        kind = named.features_of(Dataset.model_fields["features"].default).kind
        started = time.perf_counter()
        model = PretrainedTrainer(named).fit(columns(known, kind, "v"), labels, classes=classes)
        seconds = time.perf_counter() - started
        chosen = model.predict_proba(columns(judged, kind, "v")).argmax(axis=1)
        found[strategy] = {"accuracy": float((chosen == truth).mean()), "seconds": seconds}
    advice = PretrainedTrainer(spec).advice(known, labels, classes=classes)
    best = max(found[strategy]["accuracy"] for strategy in STRATEGIES)
    return {
        **found,
        "advice": advice.strategy,
        "why": advice.reason,
        "shift": advice.evidence.shift,
        "regret": best - found[advice.strategy]["accuracy"],
    }


def digits(repeats: int) -> dict[int, list[dict[str, Any]]]:
    """Trials on handwritten digits; the last 597 are held out."""
    from sklearn.datasets import load_digits

    folder = CACHE / "glyphs"
    print(f"the encoder names {glyphs.learned(folder):.3f} of other letters right", flush=True)
    encoder = {"source": str(folder), "backbone": "benchmarks.glyphs.net"}
    data = load_digits()
    truth = np.array(data.target)

    def media(uri: str) -> bytes:
        from PIL import Image

        buffer = BytesIO()
        gray = np.round(data.images[int(uri)] * 255 / 16).astype(np.uint8)
        Image.fromarray(gray).save(buffer, "PNG")
        return buffer.getvalue()

    names = [str(i) for i in range(len(truth))]
    items = pl.DataFrame({"item_id": names, "uri": names}).with_columns(
        content=pl.lit(None, pl.String)
    )
    spec, both = _prepared("image", DIGITS, encoder, items, media, settings=FOR_DIGITS)
    judged = np.arange(1_200, len(truth))
    found: dict[int, list[dict[str, Any]]] = {}
    for size in DIGIT_SIZES:
        for seed in range(repeats):
            known = np.random.default_rng(seed).choice(1_200, size, replace=False)
            labels = [DIGITS[code] for code in truth[known]]
            found.setdefault(size, []).append(
                trial(
                    spec, both.take(known), labels, both.take(judged), truth[judged], classes=DIGITS
                )
            )
            print("digits", size, _line(found[size][-1]), flush=True)
    return found


def sentences(repeats: int, held_out: int) -> dict[int, list[dict[str, Any]]]:
    """Trials on film-review sentences; above MANY labels once, for it takes minutes."""
    crowd, test = crowd_sentences(), other_sentences(held_out)
    spec = PretrainedLabeler.model_validate(
        {"name": "enc", "kind": "pretrained", "encoder": ENCODER, **FOR_SENTENCES}
    )
    judged = test.features("embeddings_and_inputs")
    found: dict[int, list[dict[str, Any]]] = {}
    for size in SENTENCE_SIZES:
        for seed in range(repeats if size <= MANY else 1):
            drawn = np.random.default_rng(seed).choice(len(crowd.ids), size, replace=False)
            known = crowd.take(drawn)
            labels = [CLASSES[code] for code in known.gold]
            features = known.features("embeddings_and_inputs")
            found.setdefault(size, []).append(
                trial(spec, features, labels, judged, test.gold, classes=CLASSES)
            )
            print("sentences", size, _line(found[size][-1]), flush=True)
    return found


def _prepared(
    modality: str,
    classes: tuple[str, ...],
    encoder: dict[str, Any],
    items: pl.DataFrame,
    media: Callable[[str], bytes],
    *,
    settings: dict[str, Any],
) -> tuple[PretrainedLabeler, FeatureMatrix]:
    spec = PretrainedLabeler.model_validate(
        {"name": "enc", "kind": "pretrained", "encoder": encoder, **settings}
    )
    dataset = Dataset.model_validate(
        {
            "name": "things",
            "modality": modality,
            "ontology": {"classes": classes},
            "features": {"kind": "embeddings_and_inputs", "encoder": encoder},
        }
    )
    return spec, featurize(items, dataset, media, Workspace())


def _line(found: dict[str, Any]) -> str:
    figures = " ".join(
        f"{s} {found[s]['accuracy']:.3f} ({found[s]['seconds']:.0f} s)" for s in STRATEGIES
    )
    return f"{figures} | shift {found['shift']:.2f} | {found['why']} | regret {found['regret']:.3f}"


def _summary(name: str, found: dict[int, list[dict[str, Any]]]) -> None:
    for size, runs in found.items():
        means = {s: statistics.mean(run[s]["accuracy"] for run in runs) for s in STRATEGIES}
        regret = statistics.mean(run["regret"] for run in runs)
        chosen = ", ".join(sorted({run["advice"] for run in runs}))
        figures = " ".join(f"{s} {value:.3f}" for s, value in means.items())
        print(f"{name} {size}: {figures} | advised {chosen} | regret {regret:.3f} of {len(runs)}")


def main() -> None:
    """Print each trial and the means; --json keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=500)
    parser.add_argument("--only", choices=["digits", "sentences"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if options.only != "sentences":
        found["digits"] = digits(options.repeats)
        _summary("digits", found["digits"])
    if options.only != "digits" and DATA.is_dir():
        found["sentences"] = sentences(options.repeats, options.held_out)
        _summary("sentences", found["sentences"])
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
