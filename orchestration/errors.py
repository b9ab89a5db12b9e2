"""What orchestration/ raises: one base class, facts as attributes."""

from difflib import get_close_matches
from pathlib import Path

from assets.dataset_file.faults import Fault


class OrchestrationError(RuntimeError):
    """The chain cannot be run as asked; every subclass carries its facts as attributes."""


class ProjectNotFound(OrchestrationError, FileNotFoundError):
    """No folder with a hallmark.yaml where one was looked for.

    Attributes:
        searched: The folder that was named, or that the search began in.
    """

    def __init__(self, searched: Path, *, named: bool) -> None:
        self.searched = searched
        above = "" if named else " or above it"
        super().__init__(
            f"no hallmark.yaml in {searched}{above}; make a project with "
            "`hallmark init DIR`, or name one with --project DIR or HALLMARK_PROJECT"
        )


class ReviewFileMissing(OrchestrationError, FileNotFoundError):
    """A review export was named that is not there.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"'{path}' is not a file; name a review export")


class NotAnActor(OrchestrationError, ValueError):
    """A name that is to be somebody's who votes is none.

    Attributes:
        name: What was given.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"'{name}' names no actor; give kind and name, for example human:ana or model:linear"
        )


class NobodyVoted(OrchestrationError, LookupError):
    """Votes are to be taken back of somebody who has cast none.

    Attributes:
        actor: Who was named.
        voters: Who has voted.
    """

    def __init__(self, actor: str, voters: tuple[str, ...]) -> None:
        self.actor = actor
        self.voters = voters
        close = get_close_matches(actor, voters, n=1)
        meant = f"did you mean '{close[0]}'?" if close else f"who has: {', '.join(voters[:10])}"
        super().__init__(
            f"no vote of '{actor}' is on record, {meant}; nothing was written. Votes that wait in "
            "reviews/ are on record after `hallmark review import`"
        )


class SettingsInvalid(OrchestrationError, ValueError):
    """hallmark.yaml cannot be used as it is.

    Attributes:
        path: The file.
        faults: All that is wrong with it, in the file's order.
    """

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        self.path = path
        self.faults = faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n  ".join([f"{path}: {count}", *map(str, faults)]))


class KeysMissing(OrchestrationError):
    """lakeFS is to be asked, but the environment does not say who is asking.

    Attributes:
        endpoint: The server.
        variables: Environment variables that are not set.
    """

    def __init__(self, endpoint: str, variables: tuple[str, ...]) -> None:
        self.endpoint = endpoint
        self.variables = variables
        super().__init__(
            f"no keys for lakeFS at {endpoint}: set {' and '.join(variables)} in the environment; "
            "keys are never read from hallmark.yaml"
        )


class EmbeddedLakeFSFailed(OrchestrationError):
    """The embedded lakeFS server did not start.

    Attributes:
        folder: Where its data is.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        super().__init__(f"{reason}; its data is in {folder}, see `hallmark doctor`")


class QueryFault(OrchestrationError, ValueError):
    """A query over a dataset's tables cannot be answered.

    Attributes:
        sql: The query.
        reason: What DuckDB says about it.
    """

    def __init__(self, sql: str, reason: str, tables: tuple[str, ...]) -> None:
        self.sql = sql
        self.reason = reason
        super().__init__(
            f"{reason}\nThe tables are {', '.join(tables)}; `DESCRIBE votes` shows one."
        )


class PushRefused(OrchestrationError):
    """The target already holds a history that is not the source's.

    Attributes:
        repository: The target's repository.
        commit: The target's commit that the source does not know.
    """

    def __init__(self, repository: str, commit: str) -> None:
        self.repository = repository
        self.commit = commit
        super().__init__(
            f"repository '{repository}' on the target has a commit of its own on main, "
            f"{commit[:12]}; push into an empty repository, for example with another "
            "repository_prefix"
        )


class PushMismatch(OrchestrationError):
    """A commit arrived on the target otherwise than it is on the source.

    Attributes:
        commit: The source's commit.
        paths: The paths that differ.
    """

    def __init__(self, commit: str, paths: tuple[str, ...]) -> None:
        self.commit = commit
        self.paths = paths
        super().__init__(
            f"commit {commit[:12]} arrived otherwise in {len(paths)} paths, for example "
            f"{list(paths[:5])}; the source is untouched; push again into an empty repository"
        )


class NothingLearns(OrchestrationError, ValueError):
    """A dataset has no labeler that learns from releases, so there is nothing to retrain.

    Attributes:
        dataset: Its name.
    """

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset
        super().__init__(
            f"no labeler of '{dataset}' learns from releases; add one (docs/labeling.md), or leave "
            "retraining out"
        )
