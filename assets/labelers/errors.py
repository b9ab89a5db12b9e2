"""What labelers raise."""

from collections.abc import Iterable
from pathlib import Path

from assets.errors import AssetError


class LabelerError(AssetError):
    """A labeler cannot vote or learn.

    Attributes:
        labeler: Its name in the dataset file.
    """

    def __init__(self, labeler: str, message: str) -> None:
        self.labeler = labeler
        super().__init__(f"labeler '{labeler}': {message}")


class LabelingFileInvalid(LabelerError):
    """A file of labeling functions cannot be used; the dataset's other labelers go on.

    Attributes:
        path: The file.
        line: Line of the fault where one is known.
        reason: What is wrong.
    """

    def __init__(self, labeler: str, path: Path, line: int | None, reason: str) -> None:
        self.path = path
        self.line = line
        self.reason = reason
        where = f"{path}:{line}" if line else str(path)
        super().__init__(labeler, f"{where}: {reason}")


class WorkerFailed(LabelerError):
    """The process that runs labeling functions ended outside of any function.

    Attributes:
        exit_code: Its exit code; negative is the signal that killed it.
    """

    def __init__(self, labeler: str, exit_code: int | None) -> None:
        self.exit_code = exit_code
        super().__init__(
            labeler,
            f"the process of its functions ended with exit code {exit_code} outside of any "
            "function; see its output above, and whether memory ran out, then run again",
        )


class EstimatorInvalid(LabelerError):
    """The estimator of the dataset file cannot be made.

    Attributes:
        estimator: Its import path.
        reason: What is wrong.
    """

    def __init__(self, labeler: str, estimator: str, reason: str) -> None:
        self.estimator = estimator
        self.reason = reason
        super().__init__(labeler, f"estimator '{estimator}': {reason}")


class TrainingFailed(LabelerError):
    """No model came of the training data.

    Attributes:
        reason: Why.
    """

    def __init__(self, labeler: str, reason: str) -> None:
        self.reason = reason
        super().__init__(labeler, f"cannot learn: {reason}")


class FeaturesChanged(LabelerError):
    """A model was given features that are made otherwise than those it learned from.

    Attributes:
        expected: Version of the features it learned from.
        actual: Version of the features it was given.
    """

    def __init__(self, labeler: str, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            labeler,
            f"learned from features of version {expected[:12]} and was given {actual[:12]}: their "
            "settings or their code changed since; train it again",
        )


class ModelUntrusted(LabelerError):
    """A stored model's bytes are not those of the version that was asked for: it is not loaded.

    Attributes:
        expected: The version asked for.
        actual: The version that the bytes have.
    """

    def __init__(self, labeler: str, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            labeler,
            f"the stored files are version {actual[:12]}, expected {expected[:12]}; "
            "not loaded, because loading a model can run code. Train it again",
        )


class ModelUnreadable(LabelerError):
    """A stored model is whole, and yet cannot be used here.

    Attributes:
        reason: Why.
    """

    def __init__(self, labeler: str, reason: str) -> None:
        self.reason = reason
        super().__init__(labeler, f"the stored model cannot be used: {reason}; train it again")


class KindUnknown(LabelerError, LookupError):
    """No labeler of this kind is registered.

    Attributes:
        kind: The kind asked for.
        known: The kinds there are.
    """

    def __init__(self, labeler: str, kind: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.known = tuple(known)
        super().__init__(labeler, f"unknown kind '{kind}', expected one of {self.known}")


class PredictionsUnreadable(LabelerError):
    """A file of predictions cannot be used; the dataset's other labelers go on.

    Attributes:
        path: The file.
        reason: What is wrong.
    """

    def __init__(self, labeler: str, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(labeler, f"{path}: {reason}")
