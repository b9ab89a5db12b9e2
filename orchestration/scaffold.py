"""Makes a project's folder, empty or from an example."""

import shutil
from pathlib import Path

from orchestration.errors import OrchestrationError
from orchestration.settings import FILE_NAME

IN_A_WHEEL = Path(__file__).parent / "examples"
EXAMPLES = IN_A_WHEEL if IN_A_WHEEL.is_dir() else Path(__file__).parents[1] / "examples"
FOLDERS = ("datasets", "labeling", "inbox", "reviews")
SETTINGS = """\
# Where the versions are kept and how the project runs. All that is left out has a default:
# the embedded lakeFS in .hallmark/lakefs, the Dagster UI on 127.0.0.1:3000.
"""
IGNORED = ".hallmark/\n"


class FolderTaken(OrchestrationError, ValueError):
    """A project cannot be made in a folder that holds something else.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not empty; name a folder that is not there yet")


class ExampleUnknown(OrchestrationError, ValueError):
    """There is no example of this name.

    Attributes:
        name: What was asked for.
        known: What there is.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no example '{name}'; there are: empty, {', '.join(known)}")


def examples() -> tuple[str, ...]:
    """Names of the examples that come with Hallmark."""
    return tuple(sorted(p.parent.name for p in EXAMPLES.glob(f"*/{FILE_NAME}")))


def scaffold(folder: Path, example: str = "empty") -> Path:
    """Make a project's folder; its absolute path.

    Raises:
        FolderTaken: the folder holds something.
        ExampleUnknown: there is no such example.
    """
    if example != "empty" and example not in examples():
        raise ExampleUnknown(example, examples())
    if folder.exists() and any(folder.iterdir()):
        raise FolderTaken(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if example == "empty":
        (folder / FILE_NAME).write_text(SETTINGS, encoding="utf-8")
    else:
        ignore = shutil.ignore_patterns(".hallmark", "__pycache__")
        shutil.copytree(EXAMPLES / example, folder, dirs_exist_ok=True, ignore=ignore)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")
    return folder.resolve()
