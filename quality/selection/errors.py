"""What quality.selection raises."""

from quality.errors import QualityError


class SelectionError(QualityError):
    """Scores, features, costs or a budget that nothing can be chosen by."""
