"""Drift statistics against scipy, Evidently and NannyML: 50 columns, side by side.

Run with an interpreter that has the peers: pip install "pandas<3" evidently nannyml, then
PYTHONPATH=. python -m benchmarks.drift [words of the lines wanted, by default all]
"""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measure import Task, contest

COLUMNS = 50
HERE = "benchmarks.drift"


def sampled(rows: int, dtype: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Two samples (rows, 50) of one source, columnar."""
    rng = np.random.default_rng(0)
    one, two = (rng.normal(size=(COLUMNS, rows)).astype(dtype).T for _ in range(2))
    return one, two


def our_ks(rows: int, dtype: str = "float64") -> Task:
    from quality.drift.matrix import ks_columns

    one, two = sampled(rows, dtype)
    return lambda: ks_columns(one, two)


def scipy_ks(rows: int, dtype: str = "float64") -> Task:
    from scipy.stats import ks_2samp

    one, two = sampled(rows, dtype)

    def task() -> Any:
        tests = [ks_2samp(a, b) for a, b in zip(one.T, two.T, strict=True)]
        return [test.statistic for test in tests], [test.pvalue for test in tests]

    return task


def our_ks_distances(rows: int) -> Task:
    task = our_ks(rows)
    return lambda: task()[0]


def evidently_ks(rows: int) -> Task:
    import pandas as pd
    from evidently.legacy.calculations.stattests import ks_stat_test
    from evidently.legacy.core import ColumnType

    one, two = (pd.DataFrame(side) for side in sampled(rows, "float64"))
    function = ks_stat_test.func
    return lambda: [function(one[k], two[k], ColumnType.Numerical, 0.05)[0] for k in one]


def our_ks_p_values(rows: int) -> Task:
    task = our_ks(rows)
    return lambda: task()[1]


def nannyml_ks(rows: int) -> Task:
    import pandas as pd
    from nannyml.drift.univariate.methods import KolmogorovSmirnovStatistic

    one, two = (pd.DataFrame(side) for side in sampled(rows, "float64"))

    def distance(column: int) -> float:
        method = KolmogorovSmirnovStatistic(chunker=None, threshold=None)
        return float(method._fit(one[column])._calculate(two[column]))  # noqa: SLF001

    return lambda: [distance(column) for column in one]


def our_psi(rows: int) -> Task:
    from quality.drift.matrix import psi_columns

    one, two = sampled(rows, "float64")
    return lambda: psi_columns(one, two)


def evidently_psi(rows: int) -> Task:
    import pandas as pd
    from evidently.legacy.calculations.stattests import psi_stat_test
    from evidently.legacy.core import ColumnType

    one, two = (pd.DataFrame(side) for side in sampled(rows, "float64"))
    function = psi_stat_test.func
    return lambda: [function(one[k], two[k], ColumnType.Numerical, 0.1)[0] for k in one]


def our_wasserstein(rows: int) -> Task:
    from quality.drift.ordered import wasserstein

    one, two = sampled(rows, "float64")
    return lambda: [wasserstein(a, b) for a, b in zip(one.T, two.T, strict=True)]


def scipy_wasserstein(rows: int) -> Task:
    from scipy.stats import wasserstein_distance

    one, two = sampled(rows, "float64")
    return lambda: [wasserstein_distance(a, b) for a, b in zip(one.T, two.T, strict=True)]


def our_report(rows: int) -> Task:
    import polars as pl

    from quality.drift.policy import DriftPolicy
    from quality.drift.report import drift_report

    one, two = (pl.DataFrame(side) for side in sampled(rows, "float64"))

    def task() -> list[float]:
        report = drift_report(one, two, seed=0, policy=DriftPolicy())
        return [row.p_value or 0.0 for row in report.features]

    return task


def evidently_report(rows: int) -> Task:
    import pandas as pd
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    names = [f"c{k}" for k in range(COLUMNS)]
    one, two = (pd.DataFrame(side, columns=names) for side in sampled(rows, "float64"))

    def task() -> list[float]:
        report = Report([DataDriftPreset(num_method="ks")])
        result = report.run(Dataset.from_pandas(two), Dataset.from_pandas(one)).dict()
        values = {m["config"].get("column"): m["value"] for m in result["metrics"]}
        return [float(values[name]) for name in names]

    return task


def main(wanted: str = "") -> None:
    """Prints a line per comparison whose title holds what is wanted."""
    for rows in (10_000, 100_000):
        size = f"{rows:,} x {COLUMNS}"

        def against(title: str, ours: str, peer: str, size: str = size, **more: Any) -> None:
            if wanted not in title:
                return
            contest(f"{title}, {size}", f"{HERE}:{ours}", f"{HERE}:{peer}", **more)

        against("KS and p, scipy", "our_ks", "scipy_ks", rows=rows)
        against("KS and p, float32, scipy", "our_ks", "scipy_ks", rows=rows, dtype="float32")
        against("KS p, Evidently's bare test", "our_ks_p_values", "evidently_ks", rows=rows)
        against("KS distance, NannyML (binned)", "our_ks_distances", "nannyml_ks", rows=rows)
        against("PSI, Evidently's bare test", "our_psi", "evidently_psi", rows=rows)
        against("Wasserstein, scipy", "our_wasserstein", "scipy_wasserstein", rows=rows)
        against("Report, Evidently", "our_report", "evidently_report", rows=rows, repeats=2)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
