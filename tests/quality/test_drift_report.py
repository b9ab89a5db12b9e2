"""The drift report: what it notices, when it stays silent, and what it says."""

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from quality.drift.errors import DriftError
from quality.drift.policy import DriftPolicy
from quality.drift.report import DriftReport, drift_report

POLICY = DriftPolicy()


def frame(rng: np.random.Generator, rows: int, shift: float = 0.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "length": rng.normal(shift, 1, rows),
            "count": rng.poisson(4, rows),
            "source": rng.choice(["web", "mail", "app"], rows, p=[0.5, 0.3, 0.2]),
        }
    )


def report(reference: pl.DataFrame, current: pl.DataFrame, **more: Any) -> DriftReport:
    return drift_report(reference, current, seed=1, policy=more.pop("policy", POLICY), **more)


def test_a_shifted_column_is_drift_and_the_others_are_not() -> None:
    rng = np.random.default_rng(0)
    result = report(frame(rng, 2000), frame(rng, 1000, shift=0.5))
    assert result.verdict == "drift"
    assert [row.name for row in result.features if row.drifted] == ["length"]
    assert result.reasons[0].startswith("length: ")


def test_a_tiny_sample_is_too_few_however_far_it_lies() -> None:
    rng = np.random.default_rng(0)
    result = report(frame(rng, 2000), frame(rng, 20, shift=9))
    assert (result.verdict, result.features) == ("too_few", ())
    assert "20 now" in result.reasons[0]


def test_small_samples_of_one_source_are_silent() -> None:
    verdicts = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        verdicts.append(report(frame(rng, 60), frame(rng, 60)).verdict)
    assert verdicts.count("drift") + verdicts.count("watch") <= 3


def test_a_huge_sample_of_one_source_is_silent() -> None:
    rng = np.random.default_rng(0)
    assert report(frame(rng, 1_000_000), frame(rng, 1_000_000)).verdict == "none"


def test_a_huge_sample_that_differs_by_a_hair_is_silent() -> None:
    rng = np.random.default_rng(0)
    result = report(frame(rng, 500_000), frame(rng, 500_000, shift=0.02))
    assert result.verdict == "none"
    assert (result.features[0].corrected_p or 1) < POLICY.alpha


def test_a_difference_below_the_bar_is_watched() -> None:
    rng = np.random.default_rng(0)
    result = report(frame(rng, 20_000), frame(rng, 20_000, shift=0.19))
    assert result.verdict == "watch"
    assert "below the bar" in result.reasons[0]


def test_alpha_holds_for_a_report_of_many_columns() -> None:
    policy = DriftPolicy(alpha=0.1, min_effect=0, watch_effect=0)
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        one, two = rng.normal(size=(2, 80, 10))
        alarms += report(pl.DataFrame(one), pl.DataFrame(two), policy=policy).verdict == "drift"
    # 20 expected at most; 33 would be three standard deviations more.
    assert alarms < 33


def test_a_column_that_goes_missing_is_drift() -> None:
    rng = np.random.default_rng(0)
    current = frame(rng, 1000).with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then("length").alias("length")
    )
    result = report(frame(rng, 1000), current)
    assert result.reasons == (result.reasons[0],)
    assert "missing values went from 0% to 50%" in result.reasons[0]


@pytest.mark.parametrize("value", [None, math.nan])
def test_null_and_nan_are_missing_alike(value: float | None) -> None:
    rng = np.random.default_rng(0)
    current = pl.DataFrame({"x": [*rng.normal(size=99), value]})
    row = report(pl.DataFrame({"x": rng.normal(size=100)}), current).features[0]
    assert row.missing_current == pytest.approx(0.01)


def test_infinite_values_are_compared_but_for_the_distance_in_units() -> None:
    values = [math.inf, *np.arange(99.0)]
    row = report(pl.DataFrame({"x": values}), pl.DataFrame({"x": values})).features[0]
    assert (row.statistic, row.wasserstein) == (0.0, None)


def test_a_new_class_is_named() -> None:
    one = pl.DataFrame({"source": ["web"] * 100 + ["mail"] * 100})
    two = pl.DataFrame({"source": ["web"] * 100 + ["fax"] * 100})
    result = report(one, two)
    assert result.verdict == "drift"
    assert "not in the reference: 'fax'" in result.reasons[0]


@pytest.mark.parametrize(
    ("current", "words"),
    [
        (pl.DataFrame({"y": [1.0] * 60}), "gone"),
        (pl.DataFrame({"x": ["a"] * 60}), "was Float64 in the reference and is String now"),
    ],
)
def test_a_column_that_changed_its_form_is_drift(current: pl.DataFrame, words: str) -> None:
    result = report(pl.DataFrame({"x": [1.0] * 60}), current)
    assert result.verdict == "drift"
    assert words in " ".join(result.reasons)


def test_identifiers_and_times_are_left_out_with_a_reason() -> None:
    one = pl.DataFrame({"id": [f"a{i}" for i in range(1200)]}).with_columns(
        at=pl.datetime(2024, 1, 1)
    )
    two = one.with_columns(pl.col("id") + "b")
    rows = report(one, two).features
    assert [row.kind for row in rows] == ["other", "other"]
    assert all(row.reason and not row.drifted for row in rows)


def test_shifted_embeddings_are_drift() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(500, 16)), rng.normal(0.3, size=(400, 16))
    result = report(frame(rng, 500), frame(rng, 400), embeddings=(one, two))
    assert result.embedding is not None
    assert result.embedding.drifted
    assert result.verdict == "drift"


def test_embeddings_of_one_source_are_silent_however_many() -> None:
    rng = np.random.default_rng(0)
    one, two = frame(rng, 100), frame(rng, 100)
    for rows in (60, 200_000):
        embeddings = tuple(rng.normal(size=(2, rows, 4)).astype(np.float32))
        assert report(one, two, embeddings=embeddings).verdict == "none"


def test_few_embeddings_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    embeddings = (rng.normal(size=(30, 4)), rng.normal(9, 1, size=(30, 4)))
    result = report(frame(rng, 100), frame(rng, 100), embeddings=embeddings)
    assert result.verdict == "none"
    assert result.embedding is not None
    assert result.embedding.reason == "only 30 and 30 embeddings, 50 are needed"


def test_labels_may_come_as_counts_or_as_frames() -> None:
    rng = np.random.default_rng(0)
    one, two = frame(rng, 300), frame(rng, 300)
    labels = (
        pl.DataFrame({"label": ["a"] * 90 + ["b"] * 10}),
        pl.DataFrame({"label": ["b"] * 100}),
    )
    counts = ({"a": 90, "b": 10}, {"b": 100})
    first, second = report(one, two, labels=labels), report(one, two, labels=counts)
    assert first.label == second.label
    assert first.label is not None
    assert first.label.drifted


def test_falling_confidence_is_drift() -> None:
    rng = np.random.default_rng(0)
    confidence = (rng.beta(8, 2, 400), rng.beta(4, 3, 400))
    result = report(frame(rng, 400), frame(rng, 400), confidence=confidence)
    assert result.confidence is not None
    assert result.confidence.drifted


def test_few_labels_and_no_confidences_are_no_drift() -> None:
    rng = np.random.default_rng(0)
    result = report(
        frame(rng, 300),
        frame(rng, 300),
        labels=({"a": 300}, {"b": 5}),
        confidence=(rng.random(300), np.array([])),
    )
    assert result.verdict == "none"
    for row in (result.label, result.confidence):
        assert row is not None
        assert row.reason
        assert row.p_value is None


def test_the_order_of_rows_and_columns_and_the_names_of_classes_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    one, two = frame(rng, 500), frame(rng, 400, shift=0.2)
    straight = report(one, two).features
    renamed = pl.col("source").replace({"web": "z", "mail": "y"})
    mixed = [
        side.sample(fraction=1, shuffle=True, seed=3)
        .select(reversed(side.columns))
        .with_columns(renamed)
        for side in (one, two)
    ]
    for before, after in zip(straight, reversed(report(*mixed).features), strict=True):
        assert before.name == after.name
        assert after.effect == pytest.approx(before.effect)
        assert after.corrected_p == pytest.approx(before.corrected_p)


def test_a_report_is_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    embeddings = (rng.normal(size=(200, 8)), rng.normal(size=(200, 8)))
    one, two = frame(rng, 200), frame(rng, 200)
    first, second = (report(one, two, embeddings=embeddings) for _ in range(2))
    assert first.to_json() == second.to_json()


def test_a_report_as_json_holds_the_verdict_and_every_column() -> None:
    rng = np.random.default_rng(0)
    read = json.loads(report(frame(rng, 100), frame(rng, 100)).to_json())
    assert read["verdict"] == "none"
    assert [row["name"] for row in read["features"]] == ["length", "count", "source"]


def test_a_report_as_markdown_has_a_row_for_each_column() -> None:
    rng = np.random.default_rng(0)
    text = report(frame(rng, 100), frame(rng, 100, shift=3)).to_markdown()
    assert text.startswith("**Drift**: 100 rows now against 100 in the reference.")
    assert text.count("\n| ") == 4


@pytest.mark.parametrize("rows", [100, 5])
def test_a_report_has_a_picture_even_of_nothing(rows: int) -> None:
    rng = np.random.default_rng(0)
    assert report(frame(rng, rows), frame(rng, rows, shift=3)).picture()[1:4] == b"PNG"


def test_empty_frames_are_too_few() -> None:
    assert report(pl.DataFrame(), pl.DataFrame()).verdict == "too_few"


def test_broken_embeddings_are_refused_with_their_count() -> None:
    rng = np.random.default_rng(0)
    broken = np.full((100, 2), math.nan)
    with pytest.raises(DriftError, match="100 of 100 rows of the current"):
        report(frame(rng, 100), frame(rng, 100), embeddings=(np.zeros((100, 2)), broken))


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0}, {"min_n": 1}, {"min_effect": 2}, {"permutations": 99}]
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DriftError, match=next(iter(wrong))):
        DriftPolicy(**wrong)
