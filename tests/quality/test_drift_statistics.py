"""Drift statistics against scipy, published formulas and cases counted by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from quality.drift.chi_square import chi_square
from quality.drift.correction import benjamini_hochberg, correct, holm
from quality.drift.divergence import jensen_shannon, psi, total_variation
from quality.drift.errors import DriftError
from quality.drift.kolmogorov import ks_p_values
from quality.drift.matrix import ks_columns, psi_columns
from quality.drift.ordered import ks, ordered, wasserstein

TIED = st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=150)
COUNTS = st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(lambda c: sum(c) > 0)


@given(TIED, TIED)
def test_ks_and_wasserstein_equal_scipys_whatever_the_ties(
    one: list[float], two: list[float]
) -> None:
    pair = ordered(one, two)
    expected = stats.ks_2samp(one, two, method="asymp")
    assert pair.ks_distance() == pytest.approx(expected.statistic, abs=1e-12)
    assert pair.wasserstein() == pytest.approx(stats.wasserstein_distance(one, two), abs=1e-9)


@pytest.mark.parametrize(("n", "m", "shift"), [(60, 90, 0.3), (3000, 900, 0.05), (9000, 9000, 0.2)])
def test_ks_p_value_equals_scipys(n: int, m: int, shift: float) -> None:
    rng = np.random.default_rng(n)
    one, two = rng.normal(size=n), rng.normal(shift, size=m)
    ours, theirs = ks(one, two), stats.ks_2samp(one, two, method="asymp")
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-6)


@pytest.mark.parametrize("n", [1000, 4000, 100_000])
def test_expansion_of_the_ks_distribution_is_exact_to_1e_7(n: int) -> None:
    gaps = np.linspace(0.05, 6, 30) / math.sqrt(n)
    assert ks_p_values(gaps, 2 * n, 2 * n) == pytest.approx(stats.kstwo.sf(gaps, n), abs=1e-7)


def test_far_tail_of_the_ks_distribution_errs_upward_only() -> None:
    gaps = np.sqrt(np.array([11.0, 20.0, 40.0]) / 5000)
    exact = stats.kstwo.sf(gaps, 5000)
    assert (ks_p_values(gaps, 10_000, 10_000) >= exact).all()
    assert ks_p_values(gaps, 10_000, 10_000) == pytest.approx(exact, rel=0.5)


def test_ks_of_many_columns_is_that_of_each() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(300, 4)), rng.normal(0.2, size=(200, 4))
    distances, p_values = ks_columns(one, two)
    each = [ks(one[:, j], two[:, j]) for j in range(4)]
    assert distances.tolist() == [test.statistic for test in each]
    assert p_values.tolist() == [test.p_value for test in each]


def test_psi_of_many_columns_is_that_of_each() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(300, 3)), rng.normal(0.2, size=(200, 3))
    each = [psi(*ordered(one[:, j], two[:, j]).bin_counts(10)) for j in range(3)]
    assert psi_columns(one, two).tolist() == each


def test_matrices_of_two_widths_are_refused() -> None:
    with pytest.raises(DriftError, match="one width"):
        ks_columns(np.zeros((5, 2)), np.zeros((5, 3)))


def test_ks_of_float32_against_float64_compares_the_values() -> None:
    assert ks(np.array([1, 2], np.float32), np.array([1.0, 2.0])).statistic == 0


def test_wasserstein_of_a_shifted_sample_is_the_shift() -> None:
    assert wasserstein([0.0, 1.0, 5.0], [2.0, 3.0, 7.0]) == pytest.approx(2.0)


@pytest.mark.parametrize("sample", [[], [[1.0]], [1.0, math.nan]])
def test_a_sample_that_cannot_be_ordered_is_refused(sample: list[float]) -> None:
    with pytest.raises(DriftError):
        ks(sample, [1.0])


def test_wasserstein_to_an_infinity_is_refused() -> None:
    with pytest.raises(DriftError, match="infinity"):
        wasserstein([1.0], [math.inf])


def test_quantile_bins_of_a_constant_column_see_values_on_both_sides() -> None:
    reference, current = ordered([5.0] * 4, [4.0, 5.0, 6.0]).bin_counts(10)
    assert reference.tolist() == [0, 4, 0]
    assert current.tolist() == [1, 1, 1]


@given(TIED, TIED, st.integers(2, 12))
def test_quantile_bins_lose_no_value(one: list[float], two: list[float], bins: int) -> None:
    reference, current = ordered(one, two).bin_counts(bins)
    assert (reference.sum(), current.sum()) == (len(one), len(two))


@settings(max_examples=50)
@given(COUNTS, COUNTS)
def test_jensen_shannon_equals_scipys(one: list[int], two: list[int]) -> None:
    expected = distance.jensenshannon(one, two, base=2)
    assert jensen_shannon(one, two) == pytest.approx(np.nan_to_num(expected), abs=1e-6)


def test_psi_by_hand() -> None:
    # Halves added: shares 10.5/31, 20.5/31 against 20.5/31, 10.5/31.
    expected = 2 * (10 / 31) * math.log(20.5 / 10.5)
    assert psi([10, 20], [20, 10]) == pytest.approx(expected)


@given(COUNTS)
def test_a_distribution_lies_no_distance_from_itself(counts: list[int]) -> None:
    assert psi(counts, counts) == 0
    assert jensen_shannon(counts, counts) == 0
    assert total_variation(counts, counts) == 0


def test_distributions_with_nothing_in_common_lie_a_whole_apart() -> None:
    assert total_variation([5, 0], [0, 9]) == 1
    assert jensen_shannon([5, 0], [0, 9]) == pytest.approx(1)


@pytest.mark.parametrize(("one", "two"), [([1], [1, 2]), ([0, 0], [1, 2]), ([1, -1], [1, 2])])
def test_counts_that_are_no_counts_are_refused(one: list[int], two: list[int]) -> None:
    with pytest.raises(DriftError):
        psi(one, two)


def test_chi_square_equals_scipys_contingency_table() -> None:
    table = [[30, 14, 25], [20, 40, 31]]
    expected = stats.chi2_contingency(table, correction=False)
    ours = chi_square(*table)
    assert ours.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert ours.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_chi_square_pools_classes_expected_fewer_than_five_times() -> None:
    test = chi_square([100, 100, 1, 2], [100, 100, 3, 0])
    assert (test.classes, test.pooled) == (3, 2)


def test_chi_square_of_one_class_is_not_known() -> None:
    assert chi_square([10, 0], [12, 0]).p_value is None


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])


def test_benjamini_hochberg_equals_scipys() -> None:
    p_values = np.random.default_rng(0).random(40)
    expected = stats.false_discovery_control(p_values)
    assert benjamini_hochberg(p_values).tolist() == pytest.approx(expected.tolist())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_corrected_p_value_is_never_below_its_own(p_values: list[float]) -> None:
    family, false = (correct(p_values, how) for how in ("holm", "benjamini_hochberg"))
    assert (family >= np.array(p_values)).all()
    assert (family >= false - 1e-12).all()


@pytest.mark.parametrize("p_values", [[-0.1], [1.1], [math.nan]])
def test_what_is_no_p_value_is_refused(p_values: list[float]) -> None:
    with pytest.raises(DriftError):
        correct(p_values, "holm")
