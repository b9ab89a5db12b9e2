"""What quality/duplicates raises."""

from quality.errors import QualityError


class DuplicatesError(QualityError):
    """Items that cannot be compared with one another.

    Attributes:
        facts: What was wrong, by name, for programs that read the error.
    """

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts
