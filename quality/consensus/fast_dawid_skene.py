"""Dawid and Skene's observers with each item settled on its likeliest class at every step."""

from quality.consensus.dawid_skene import DawidSkene


class FastDawidSkene(DawidSkene):
    """Dawid-Skene by classification EM: fewer passes, a little less exact.

    As DawidSkene, but expectation gives an item wholly to the class where p[k] * prod pi[a, k, l]
    is largest, evenly between tied classes. Ends when the likelihood of the assignments stands
    still. The probabilities given out are the soft ones under the final tables.

    V. B. Sinha, S. Rao and V. N. Balasubramanian, Fast Dawid-Skene: a fast vote aggregation
    scheme for sentiment classification (2018), https://arxiv.org/abs/1803.02781.
    """

    name = "fast_dawid_skene"
    hard = True
