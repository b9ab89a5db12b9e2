"""Kernels compiled on first use, kept on disk where there is a place to keep them."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., object])


@cache
def _compiled(kernel: Callable[..., object]) -> Any:
    from numba import njit

    try:
        return njit(cache=True, nogil=True, error_model="numpy")(kernel)
    except RuntimeError:  # numba has no folder that it may write to: compile once per process
        return njit(nogil=True, error_model="numpy")(kernel)


def compiled(kernel: F) -> F:
    """The kernel as machine code that runs outside the interpreter lock.

    Plain Python without calls to other functions of ours; no fast-math, so that the order of
    every sum is the one written.
    """
    machine_code: F = _compiled(kernel)
    return machine_code
