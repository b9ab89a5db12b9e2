"""What quality/synthetic/ raises."""

from quality.errors import QualityError


class TemplateInvalid(QualityError):
    """A template cannot be filled.

    Attributes:
        template: The template.
        expected: What it should be, to be read after "expected".
    """

    def __init__(self, template: str, expected: str) -> None:
        self.template = template
        self.expected = expected
        super().__init__(f"template {template!r}: expected {expected}")
