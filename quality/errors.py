"""What quality/ raises: one base class, facts as attributes."""


class QualityError(ValueError):
    """Input that quality/ cannot work with; every subclass carries its facts as attributes."""
