"""What quality/evaluation raises."""

from quality.errors import QualityError


class EvaluationError(QualityError):
    """Predictions, truths or confidences that cannot be judged.

    Attributes:
        facts: What was wrong, by name, for programs that read the error.
    """

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts
