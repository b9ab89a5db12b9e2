"""What quality.agreement raises."""

from collections.abc import Sequence

from quality.errors import QualityError


class AgreementError(QualityError):
    """Votes or ratings that agreement cannot be computed from."""


class MissingColumnsError(AgreementError):
    """The votes lack columns that agreement reads."""

    def __init__(self, missing: Sequence[str], present: Sequence[str]) -> None:
        self.missing, self.present = tuple(missing), tuple(present)
        super().__init__(
            f"votes lack the columns {list(missing)}; found {list(present)}. "
            "Give each vote an item, an actor and a label (null where the actor abstained)."
        )


class UnknownLabelError(AgreementError):
    """Votes name classes that the ontology does not have."""

    def __init__(self, unknown: Sequence[str], classes: Sequence[str]) -> None:
        self.unknown, self.classes = tuple(unknown), tuple(classes)
        super().__init__(
            f"{len(unknown)} labels are outside the classes, first {list(unknown[:5])}; "
            f"expected one of {list(classes[:20])}. Set these votes aside or extend the ontology."
        )


class UnknownFigureError(AgreementError):
    """A figure was asked for by a name or a scope that the report does not hold."""

    def __init__(self, asked: str, known: Sequence[str], *, what: str) -> None:
        self.asked, self.known, self.what = asked, tuple(known), what
        super().__init__(f"no {what} is called {asked!r}; this report holds {list(known)}")
