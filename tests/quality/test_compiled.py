import numba
import numpy as np

from quality.compiled import compiled


def doubled(values):
    total = 0.0
    for value in values:
        total += 2 * value
    return total


def tripled(values):
    total = 0.0
    for value in values:
        total += 3 * value
    return total


def test_a_kernel_is_compiled_once():
    assert compiled(doubled)(np.arange(4.0)) == 12
    assert compiled(doubled) is compiled(doubled)


def test_a_kernel_runs_also_where_nothing_may_be_written(monkeypatch):
    njit = numba.njit

    def nowhere_to_write(*functions, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*functions, **options)

    monkeypatch.setattr(numba, "njit", nowhere_to_write)
    assert compiled(tripled)(np.arange(4.0)) == 18
