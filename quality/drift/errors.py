"""What quality/drift raises."""

from quality.errors import QualityError


class DriftError(QualityError):
    """Samples or a policy that two-sample tests cannot work with.

    Attributes:
        facts: What was wrong, by name, for programs that read the error.
    """

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts
