"""What quality/outliers/ raises."""

from quality.errors import QualityError


class OutlierError(QualityError):
    """Items that no outliers can be looked for among.

    Attributes:
        expected: What the input should have been.
    """

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(f"outliers: expected {expected}")
