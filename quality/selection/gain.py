"""A new item, or another vote on an old one: what one more vote is worth.

A vote of an actor who is right with chance q, else names any other class alike, turns the chances p
of an item's classes into sharper ones. Its worth is how much more often the best guess will then be
right: sum_j max_c p_c P(j | c) - max_c p_c. The same measure holds for an item without votes (p
from a model, or uniform) and for one with many, so the two compete fairly. After Sheng, Provost
and Ipeirotis, Get another label?, KDD 2008, and Lin, Mausam and Weld, Re-active learning, AAAI
2016.
"""

import numpy as np

from quality.probabilities import Floats
from quality.selection.errors import SelectionError


def vote_gain(probabilities: Floats, accuracy: float) -> Floats:
    """(n,) expected rise of the chance that the best guess is right, by one more vote.

    Args:
        probabilities: (n, n_classes) what is known of each item before the vote.
        accuracy: Chance that the actor names the right class, from 0 to 1.

    Raises:
        SelectionError: The accuracy is no chance.
    """
    if not 0 <= accuracy <= 1:
        raise SelectionError(f"accuracy is {accuracy}; expected a chance from 0 to 1.")
    n_classes = probabilities.shape[1]
    if n_classes <= 1:
        return np.zeros(len(probabilities))
    error = (1 - accuracy) / (n_classes - 1)
    top = np.partition(probabilities, n_classes - 2, axis=1)
    first, second = top[:, -1:], top[:, -2:-1]
    rival = np.where(probabilities == first, second, first)
    after = np.maximum(accuracy * probabilities, error * rival).sum(axis=1)
    return np.asarray(np.maximum(after - first[:, 0], 0.0))
