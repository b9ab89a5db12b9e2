"""Dirichlet distributions over the last axis, for the variational methods."""

import numpy as np
from scipy.special import digamma, gammaln

from quality.consensus.expectation import Floats


def mean_log(concentration: Floats) -> Floats:
    """E[log p] under Dirichlet(concentration)."""
    total = concentration.sum(axis=-1, keepdims=True)
    expected: Floats = digamma(concentration) - digamma(total)
    return expected


def divergence(concentration: Floats, prior: Floats) -> float:
    """Kullback-Leibler divergence of Dirichlet(concentration) from Dirichlet(prior), summed.

    Args:
        concentration: [..., n].
        prior: [..., n], broadcast against it.
    """
    prior = np.broadcast_to(prior, concentration.shape)
    normalizers = _log_normalizer(prior) - _log_normalizer(concentration)
    return float(normalizers.sum() + ((concentration - prior) * mean_log(concentration)).sum())


def _log_normalizer(concentration: Floats) -> Floats:
    normalizer: Floats = gammaln(concentration).sum(axis=-1) - gammaln(concentration.sum(axis=-1))
    return normalizer
