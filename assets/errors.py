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
    """The store did not answer, after every retry; nothing was published."""


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
