"""What is wrong with regions."""

from quality.errors import QualityError


class RegionInvalid(QualityError):
    """A region, or the text of a set of regions, cannot be.

    Attributes:
        value: What was given.
        reason: What is wrong with it.
    """

    def __init__(self, value: object, reason: str) -> None:
        self.value = value
        self.reason = reason
        super().__init__(f"no region: {reason}; got {str(value)[:120]}")
