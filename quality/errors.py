"""What quality/ raises: one base class, facts as attributes."""

from collections.abc import Mapping


class QualityError(ValueError):
    """Input that quality/ cannot work with; every subclass carries its facts as attributes."""


class ClassesError(QualityError):
    """Classes that votes cannot be coded with.

    Attributes:
        classes: the classes given.
    """

    def __init__(self, classes: tuple[str, ...], fault: str) -> None:
        super().__init__(
            f"The classes {list(classes)} do not fit: {fault}. List the ontology's classes, each "
            "once, and code the votes again where they change."
        )
        self.classes = classes


class VotesFrameError(QualityError):
    """The frame of votes lacks a column, or a column holds what it may not.

    Attributes:
        column: the column at fault.
        n_rows: how many rows are at fault (0 where the column itself is).
    """

    def __init__(self, message: str, *, column: str, n_rows: int = 0) -> None:
        super().__init__(message)
        self.column = column
        self.n_rows = n_rows


class UnknownLabelError(QualityError):
    """Votes for labels that are not among the classes.

    Attributes:
        counts: votes per unknown label.
        classes: the classes there are.
    """

    def __init__(self, counts: Mapping[str, int], classes: tuple[str, ...]) -> None:
        shown = ", ".join(f"{label!r} ({n} votes)" for label, n in list(counts.items())[:10])
        more = f" and {len(counts) - 10} more" if len(counts) > 10 else ""  # noqa: PLR2004
        super().__init__(
            f"Votes for labels outside the classes: {shown}{more}. The classes are "
            f"{list(classes)}. Set these votes aside, or add the labels to the ontology."
        )
        self.counts = dict(counts)
        self.classes = classes
