"""What quality.agreement raises."""

from collections.abc import Sequence

from quality.errors import QualityError


class AgreementError(QualityError):
    """Votes or ratings that agreement cannot be computed from."""


class UnknownFigureError(AgreementError):
    """A figure was asked for by a name or a scope that the report does not hold."""

    def __init__(self, asked: str, known: Sequence[str], *, what: str) -> None:
        self.asked, self.known, self.what = asked, tuple(known), what
        super().__init__(f"no {what} is called {asked!r}; this report holds {list(known)}")
