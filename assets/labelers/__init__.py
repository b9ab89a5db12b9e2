"""Who votes beside people; labeling functions are declared with `labeling_function`."""

from assets.labelers.labeling_function import Item, labeling_function

__all__ = ["Item", "labeling_function"]
