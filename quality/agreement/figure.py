"""One figure with its uncertainty, or the reason why there is none."""

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One agreement figure.

    Attributes:
        name: Which figure, for example `krippendorff_alpha`.
        value: The figure, or None where it cannot be computed.
        low: Lower end of the 95 % interval from resampling items, or None.
        high: Upper end of the same interval, or None.
        n_items: Items the figure rests on: those with votes that can be compared.
        n_actors: Actors whose votes it rests on.
        reason: Why the value, or only its interval, is missing; None where both stand.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n_items: int
    n_actors: int
    reason: str | None

    def __str__(self) -> str:
        if self.value is None:
            return f"none: {self.reason}"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_json(self) -> dict[str, float | int | str | None]:
        """The figure as plain JSON values; a missing one is null, never NaN."""
        return asdict(self)


def defined(value: float) -> float | None:
    """The value, or None where it is NaN or infinite."""
    return float(value) if math.isfinite(value) else None
