"""What truth inference raises: every error carries its facts as attributes."""

from quality.errors import QualityError


class ConsensusError(QualityError):
    """Anything that truth inference cannot work with."""


class ParameterError(ConsensusError):
    """A parameter of an aggregator that it does not have, or a value that it cannot take.

    Attributes:
        parameter: the parameter's name.
        value: what was given.
    """

    def __init__(self, parameter: str, value: object, expected: str) -> None:
        super().__init__(f"{parameter} is {value!r}; expected {expected}.")
        self.parameter = parameter
        self.value = value


class NotFittedError(ConsensusError):
    """A result was asked of an aggregator that has seen no votes.

    Attributes:
        method: the aggregator's name.
    """

    def __init__(self, method: str) -> None:
        super().__init__(f"This {method} aggregator has no result yet: call fit(votes) first.")
        self.method = method


class StartError(ConsensusError):
    """A warm start that does not belong to the aggregator or is damaged.

    Attributes:
        method: the aggregator that was to start from it.
    """

    def __init__(self, method: str, fault: str) -> None:
        super().__init__(
            f"The {method} aggregator cannot start from this: {fault}. Start it cold "
            f"(start=None), or give the start_ of an earlier {method} fit."
        )
        self.method = method


class PredictionsError(ConsensusError):
    """A classifier's probabilities that are none.

    Attributes:
        n_rows: how many rows are at fault (0 where the frame itself is).
    """

    def __init__(self, fault: str, *, n_rows: int = 0) -> None:
        super().__init__(
            f"The classifier's predictions cannot be used: {fault}. Expected item_id String, once "
            "each, and probabilities List(Float64), one per class in ontology order, from 0 to 1 "
            "and summing to 1."
        )
        self.n_rows = n_rows
