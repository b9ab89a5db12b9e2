"""How many synthetic items of which class are wanted."""

import math
from collections.abc import Mapping, Sequence


def rare_classes(labels: Mapping[str, int], up_to: float) -> tuple[str, ...]:
    """Classes with fewer labels than a share of the largest class's.

    Args:
        labels: Labels by class, those without any included.
        up_to: The share.
    """
    enough = up_to * max(labels.values(), default=0)
    return tuple(name for name, count in labels.items() if count < enough)


def wanted(
    labels: Mapping[str, int],
    made: Mapping[str, int],
    own: Mapping[str, int],
    *,
    classes: Sequence[str],
    count: int | None,
    up_to: float,
) -> dict[str, int]:
    """How many items of each class one source still has to make; classes with none left out.

    Args:
        labels: Labels of real items by class, those without any included.
        made: Standing synthetic items of all sources by class.
        own: Those of this source.
        classes: The classes asked for; none stands for the rare ones.
        count: How many of each class this source makes in all; None makes as many as bring a
            class, with all that was made, up to a share of the largest class.
        up_to: That share.
    """
    chosen = classes or rare_classes(labels, up_to)
    enough = math.ceil(up_to * max(labels.values(), default=0))
    missing = {
        name: count - own.get(name, 0)
        if count is not None
        else enough - labels.get(name, 0) - made.get(name, 0)
        for name in chosen
    }
    return {name: number for name, number in missing.items() if number > 0}
