"""Calibrated thresholds: silent at the stated rate on what accepted batches differ by anyway."""

import numpy as np
import polars as pl
import pytest

from quality.drift.errors import DriftError
from quality.drift.policy import DriftPolicy, Thresholds
from quality.drift.report import DriftReport, drift_report
from quality.drift.thresholds import calibrated_thresholds

EVERYTHING = DriftPolicy(min_effect=0, watch_effect=0)


def batch(rng: np.random.Generator, rows: int = 100, daily: float = 0.0) -> pl.DataFrame:
    days = rng.normal(0, daily, 4) if daily else np.zeros(4)
    columns = {f"f{k}": rng.normal(days[k], 1, rows) for k in range(4)}
    return pl.DataFrame({**columns, "source": rng.choice(["web", "app"], rows)})


def alarms(
    thresholds: Thresholds | None, past: list[pl.DataFrame], daily: float, tries: int
) -> int:
    policy = DriftPolicy(min_effect=0, watch_effect=0, alpha=0.1, thresholds=thresholds)
    reference, found = pl.concat(past), 0
    for seed in range(tries):
        current = batch(np.random.default_rng(1000 + seed), daily=daily)
        found += drift_report(reference, current, seed=0, policy=policy).verdict == "drift"
    return found


def calibrated(past: list[pl.DataFrame], rate: float = 0.1) -> Thresholds:
    return calibrated_thresholds(
        past, seed=0, policy=EVERYTHING, false_alarm_rate=rate, permutations=99
    )


def test_thresholds_alarm_about_as_often_as_stated() -> None:
    rng = np.random.default_rng(0)
    past = [batch(rng) for _ in range(5)]
    # 10 of 100 expected; the bar itself is estimated from 99 exchanges.
    assert alarms(calibrated(past), past, daily=0, tries=100) <= 20


def test_thresholds_know_what_healthy_batches_differ_by() -> None:
    rng = np.random.default_rng(0)
    past = [batch(rng, daily=0.4) for _ in range(20)]
    assert alarms(None, past, daily=0.4, tries=40) >= 20
    assert alarms(calibrated(past), past, daily=0.4, tries=40) <= 10


def test_a_batch_far_from_all_accepted_ones_is_still_drift() -> None:
    rng = np.random.default_rng(0)
    past = [batch(rng, daily=0.2) for _ in range(6)]
    policy = DriftPolicy(thresholds=calibrated(past))
    moved = batch(rng).with_columns(pl.col("f0") + 2)
    result = drift_report(pl.concat(past), moved, seed=0, policy=policy)
    assert [row.name for row in result.features if row.drifted] == ["f0"]


def test_no_accepted_batch_lies_beyond_the_thresholds() -> None:
    rng = np.random.default_rng(0)
    past = [batch(rng, daily=0.4) for _ in range(6)]
    thresholds = calibrated(past)
    policy = DriftPolicy(min_effect=0, watch_effect=0, thresholds=thresholds)
    for number, current in enumerate(past):
        rest = pl.concat([other for k, other in enumerate(past) if k != number])
        assert drift_report(rest, current, seed=0, policy=policy).verdict == "none"
    assert thresholds.batch_rate == pytest.approx(1 / 7)


def test_a_smaller_sample_gets_a_higher_threshold_and_a_larger_one_keeps_its_own() -> None:
    thresholds = Thresholds({"x": 0.1}, 0.01, 0.01, 1000, 1000, 9)
    assert thresholds.effect_for("x", 1000, 1000) == pytest.approx(0.1)
    assert thresholds.effect_for("x", 250, 250) == pytest.approx(0.2)
    assert thresholds.effect_for("x", 10**6, 10**6) == pytest.approx(0.1)
    assert thresholds.effect_for("y", 1000, 1000) is None


def moved_by_a_threshold_of(effect: float) -> DriftReport:
    """Everybody was `a` and is `b`; a column is named as the question of the labels is."""
    before, now = (pl.DataFrame({"label": [name] * 100}) for name in "ab")
    policy = DriftPolicy(thresholds=Thresholds({"label": effect}, 0.01, 0.01, 100, 100, 9))
    return drift_report(before, now, seed=0, policy=policy, labels=(before, now))


def test_the_threshold_of_a_column_named_label_is_not_that_of_the_labels() -> None:
    report = moved_by_a_threshold_of(1.0)
    assert (report.features[0].threshold, report.features[0].drifted) == (1.0, False)
    assert report.label is not None
    assert (report.label.threshold, report.label.drifted) == (None, True)


def test_the_reasons_say_whether_a_threshold_or_a_p_value_decided() -> None:
    by_threshold, by_p = sorted(moved_by_a_threshold_of(0.2).reasons, key=lambda r: "p " in r)
    assert "accepted batches seldom move by more than 20.0%" in by_threshold
    assert "corrected p" in by_p


def test_the_same_seed_gives_the_same_thresholds() -> None:
    rng = np.random.default_rng(0)
    past = [batch(rng) for _ in range(3)]
    assert calibrated(past) == calibrated(past)


@pytest.mark.parametrize(
    ("past", "rate", "words"),
    [
        ([{"x": [1.0] * 60}], 0.1, "1 accepted batches"),
        ([{"x": [1.0] * 60}, {"x": [1.0] * 9}], 0.1, "1 batches have fewer than 50 rows"),
        ([{"x": [1.0] * 60}, {"y": [1.0] * 60}], 0.1, "differ in their columns"),
        ([{"x": [1.0] * 60}] * 2, 0.001, "99 permutations cannot tell"),
        ([{"x": [1.0] * 60}] * 2, 0.0, "within 0 to 1"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(past, rate, words) -> None:
    with pytest.raises(DriftError, match=words):
        calibrated([pl.DataFrame(columns) for columns in past], rate)
