"""What assets/ raises: one base class, facts as attributes."""


class AssetError(RuntimeError):
    """A stage of the chain cannot go on; every subclass carries its facts as attributes."""


class StoreError(AssetError):
    """The dataset store did not do what was asked.

    Attributes:
        dataset: Name of the dataset.
        operation: What was asked, in a few words.
    """

    def __init__(self, dataset: str, operation: str, message: str) -> None:
        self.dataset = dataset
        self.operation = operation
        super().__init__(f"dataset '{dataset}': {operation}: {message}")


class StoreUnavailable(StoreError):
    """The store did not answer, after every retry; what was asked can be asked again."""


class StoreRefused(StoreError):
    """The store answered that it will not do this; asking again does not help.

    Attributes:
        status: HTTP status of the answer; 0 where the answer never came.
        reason: What the store said.
    """

    def __init__(self, dataset: str, operation: str, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        hint = _HINTS.get(status, "")
        super().__init__(dataset, operation, f"HTTP {status}: {reason}{hint}")


_HINTS = {
    401: "; the access key or its secret is wrong: see `hallmark doctor`",
    403: "; this key may not do that, or the branch is protected",
    410: "; the object's data is gone: run `hallmark doctor`",
    412: "; a hook or a condition on the server refused it",
}


class RefNotFound(StoreError, LookupError):
    """No branch, tag or commit has this name.

    Attributes:
        ref: The name that was looked up.
    """

    def __init__(self, dataset: str, ref: str) -> None:
        self.ref = ref
        super().__init__(
            dataset,
            f"resolve '{ref}'",
            "no such branch, tag or commit; `hallmark releases` lists the releases",
        )


class ObjectMissing(StoreError, FileNotFoundError):
    """A path is not in the commit it was read at.

    Attributes:
        path: The path.
        commit: The commit id.
    """

    def __init__(self, dataset: str, path: str, commit: str) -> None:
        self.path = path
        self.commit = commit
        super().__init__(dataset, f"read '{path}' at {commit[:12]}", "no such object")


class ObjectCorrupt(StoreError):
    """The bytes of an object are not those that its digest names.

    Attributes:
        path: The path.
        expected_sha256: The digest in the object's metadata.
        actual_sha256: The digest of the bytes that came.
    """

    def __init__(self, dataset: str, path: str, expected: str, actual: str) -> None:
        self.path = path
        self.expected_sha256 = expected
        self.actual_sha256 = actual
        super().__init__(
            dataset,
            f"read '{path}'",
            f"expected SHA-256 {expected}, got {actual}; run `hallmark doctor`",
        )


class MainMoved(StoreError):
    """Main has a newer commit than the branch was brought up to date with.

    Attributes:
        expected: The commit of main that the branch contains.
        actual: The commit that main has now.
    """

    def __init__(self, dataset: str, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            dataset,
            "publish",
            f"main moved from {expected[:12]} to {actual[:12]} meanwhile; "
            "bring the branch up to date, audit it again, then publish",
        )


class MergeConflict(StoreError):
    """Both sides of a merge changed the same paths; neither was touched.

    Attributes:
        paths: The paths.
    """

    def __init__(self, dataset: str, operation: str, paths: tuple[str, ...]) -> None:
        self.paths = paths
        super().__init__(
            dataset,
            operation,
            f"{len(paths)} paths were changed on both sides, for example {list(paths[:5])}; "
            "one of the two runs must be done again",
        )


class TagTaken(StoreError):
    """The tag names another commit already.

    Attributes:
        name: The tag.
        expected: The commit that it was to name.
        actual: The commit that it names.
    """

    def __init__(self, dataset: str, name: str, expected: str, actual: str) -> None:
        self.name = name
        self.expected = expected
        self.actual = actual
        super().__init__(
            dataset,
            f"tag '{name}'",
            f"it names {actual[:12]} already, not {expected[:12]}; releases are never renamed",
        )


class PublishMismatch(StoreError):
    """What a merge published is not what was audited.

    Attributes:
        missing: Paths that were audited but are not on main as audited.
        unexpected: Paths that changed on main without having been audited.
    """

    def __init__(self, dataset: str, missing: tuple[str, ...], unexpected: tuple[str, ...]) -> None:
        self.missing = missing
        self.unexpected = unexpected
        super().__init__(
            dataset,
            "publish",
            f"the merge lost {list(missing[:5])} and added {list(unexpected[:5])}; "
            "main needs a look before anything else is published",
        )
