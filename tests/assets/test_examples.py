"""The examples hold, and their functions are worth what their files say."""

import importlib.util
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from assets.dataset_file.labelers import FunctionsLabeler
from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset
from assets.labelers.functions import FunctionsLabeler as Functions
from assets.labelers.interface import LabelerInput
from assets.labelers.registry import make
from quality.ontology.terms import TermMatcher

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SENTIMENT = ROOT.parent / "shared" / "data" / "sentiment"
FIGURES = re.compile(r"^    (\w+)\s+\S+\s+(\d\.\d\d)\s+(\d\.\d\d)$", re.MULTILINE)


def dataset(name: str) -> Dataset:
    return load(EXAMPLES / name / "datasets" / f"{name}.yaml")


def stated(name: str) -> dict[str, tuple[float, float]]:
    """What the docstring of an example's functions states: right and covers, by actor."""
    text = (EXAMPLES / name / "labeling" / f"{name}.py").read_text(encoding="utf-8")
    return {f"function:{f}": (float(r), float(c)) for f, r, c in FIGURES.findall(text)}


def votes(name: str, contents: Sequence[str | bytes]) -> pl.DataFrame:
    """Votes of the example's functions; an item's id is its place."""
    media = {f"{i}.png": data for i, data in enumerate(contents) if isinstance(data, bytes)}
    items = pl.DataFrame(
        {
            "item_id": [str(i) for i in range(len(contents))],
            "content": [c if isinstance(c, str) else None for c in contents],
            "uri": [f"{i}.png" if isinstance(c, bytes) else None for i, c in enumerate(contents)],
        },
        schema={"item_id": pl.String, "content": pl.String, "uri": pl.String},
    )
    spec = next(s for s in dataset(name).labelers if isinstance(s, FunctionsLabeler))
    given = LabelerInput(items, dataset(name).ontology, lambda: None, media.__getitem__)  # type: ignore[arg-type, return-value]
    ballots = Functions(spec, EXAMPLES / name).vote(given)
    assert ballots.errors == ()
    return ballots.votes


def measured(cast: pl.DataFrame, truth: Sequence[str]) -> Iterator[tuple[str, tuple[float, float]]]:
    true = pl.DataFrame({"item_id": [str(i) for i in range(len(truth))], "truth": list(truth)})
    for (actor,), own in cast.join(true, on="item_id").group_by("actor"):
        named = own.drop_nulls("label")
        right = (named["label"] == named["truth"]).mean()
        yield str(actor), (float(str(right)), named.height / own.height)


def check_figures(name: str, found: Mapping[str, tuple[float, float]]) -> None:
    assert found.keys() == stated(name).keys()
    for actor, figures in stated(name).items():
        assert found[actor] == pytest.approx(figures, abs=0.0051), actor


def png(pixels: np.ndarray, *, side: int = 8, ground: float = 0.0) -> bytes:
    light = ground + (1 - ground) * pixels.reshape(8, 8) / 16
    image = Image.fromarray(np.round(light * 255).astype(np.uint8))
    buffer = io.BytesIO()
    image.resize((side, side), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["digits", "reviews", "shapes"])
def test_an_example_is_a_project_without_faults(name: str) -> None:
    for spec in dataset(name).labelers:
        assert make(spec, EXAMPLES / name)


@pytest.mark.parametrize("name", ["digits", "reviews"])
def test_what_an_example_keeps_behind_marks_has_no_faults(name: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    path = tmp_path / name / "datasets" / f"{name}.yaml"
    said = path.read_text(encoding="utf-8")
    whole = re.sub(r"(?m)^( *)# (- |  |reviewers:)", r"\1\2", said)
    path.write_text(whole, encoding="utf-8")
    found = load(path)
    assert len(found.labelers) > len(dataset(name).labelers)
    for spec in found.labelers:
        assert make(spec, EXAMPLES / name)


def test_the_digit_functions_are_worth_what_their_file_says() -> None:
    pixels, labels = load_digits(return_X_y=True)
    cast = votes("digits", [png(row) for row in pixels[900:]])
    check_figures("digits", dict(measured(cast, [str(label) for label in labels[900:]])))


def test_the_digit_functions_see_the_same_in_a_larger_or_paler_picture() -> None:
    pixels = load_digits(return_X_y=True)[0][:60]
    plain = votes("digits", [png(row) for row in pixels])
    large = votes("digits", [png(row, side=32) for row in pixels])
    pale = votes("digits", [png(row, ground=0.35) for row in pixels])
    assert plain["label"].equals(large["label"])
    assert (plain["label"].eq_missing(pale["label"])).mean() > 0.97  # type: ignore[operator]


def test_the_review_functions_are_worth_what_their_file_says() -> None:
    if not SENTIMENT.is_dir():
        pytest.skip(f"the sentences are not at {SENTIMENT}")
    lines = (SENTIMENT / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    gold = dict(pl.read_csv(SENTIMENT / "gold.csv").iter_rows())
    cast = votes("reviews", [item["text"] for item in items])
    check_figures("reviews", dict(measured(cast, [gold[item["id"]] for item in items])))


def test_the_terms_of_the_review_classes_are_worth_what_their_file_says() -> None:
    if not SENTIMENT.is_dir():
        pytest.skip(f"the sentences are not at {SENTIMENT}")
    lines = (SENTIMENT / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    gold = dict(pl.read_csv(SENTIMENT / "gold.csv").iter_rows())
    matcher = TermMatcher(dataset("reviews").ontology.taxonomy, match_names=False)
    named = matcher.find(pl.Series([item["text"] for item in items])).drop_nulls("label")
    truth = pl.Series([gold[items[i]["id"]] for i in named["text"]])
    said = (EXAMPLES / "reviews/datasets/reviews.yaml").read_text(encoding="utf-8")
    stated = re.search(r"right on (\d+) of 100 of its votes, on (\d+) of 100 sentences", said)
    assert stated is not None
    right = float(str((named["label"] == truth).mean()))
    assert [round(100 * right), round(100 * named.height / len(items))] == [
        *map(int, stated.groups())
    ]


def test_the_terms_of_the_review_classes_are_no_words_of_the_rules() -> None:
    rules = (EXAMPLES / "reviews/labeling/reviews.py").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z]+", rules.partition("def words")[0]))
    terms = [term for c in dataset("reviews").ontology.classes for term in c.terms]
    assert len(terms) == len(set(terms)) > 50
    assert not words.intersection(terms)


def test_the_invented_reviews_get_votes_of_both_classes() -> None:
    lines = (EXAMPLES / "reviews/inbox/reviews/invented.jsonl").read_text(encoding="utf-8")
    texts = [json.loads(line)["text"] for line in lines.splitlines()]
    assert len(set(texts)) == 40
    cast = votes("reviews", texts).drop_nulls("label")
    assert set(cast["label"]) == {"positive", "negative"}
    assert cast["item_id"].n_unique() >= 20


def test_the_functions_of_the_examples_can_be_called_like_any_other() -> None:
    path = EXAMPLES / "reviews/labeling/reviews.py"
    spec = importlib.util.spec_from_file_location("example_reviews", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    item = module.Item("id", content="It is not funny.")
    assert module.denies_merit(item) == "negative"
    assert module.leaning("a superb, dull film") == 0


def drawing() -> Any:
    """The script that makes the example of shapes, as a module."""
    path = EXAMPLES / "shapes/labeling/draw.py"
    spec = importlib.util.spec_from_file_location("example_shapes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_shapes"] = module
    spec.loader.exec_module(module)
    return module


def test_the_shapes_are_what_their_script_draws(tmp_path: Path) -> None:
    draw = drawing()
    draw.write(tmp_path)
    for path in sorted((EXAMPLES / "shapes/predictions").iterdir()):
        assert (tmp_path / "predictions" / path.name).read_text() == path.read_text()
    for path in sorted((EXAMPLES / "shapes/inbox/shapes").iterdir()):
        with Image.open(path) as kept, Image.open(tmp_path / "inbox/shapes" / path.name) as again:
            assert np.array_equal(np.asarray(kept), np.asarray(again)), path.name


def test_the_shapes_detectors_speak_of_every_picture_and_are_taken_whole() -> None:
    folder = EXAMPLES / "shapes/inbox/shapes"
    names = [path.name for path in sorted(folder.iterdir())]
    items = pl.DataFrame({"item_id": names, "uri": names, "source_uri": names})
    found = dataset("shapes")
    given = LabelerInput(
        items,
        found.ontology,
        lambda: None,  # type: ignore[arg-type, return-value]
        lambda uri: (folder / uri).read_bytes(),
    )
    for spec in found.labelers:
        ballots = make(spec, EXAMPLES / "shapes").vote(given)  # type: ignore[union-attr]
        assert ballots.errors == ()
        assert ballots.votes["label"].null_count() == 0
        assert ballots.votes["region"].str.contains("box").sum() > 15
