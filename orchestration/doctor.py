"""What `hallmark doctor` looks at: each finding says what was seen, and what to do about it."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from assets.dataset_file.language_models import LanguageModelLabeler
from assets.dataset_file.loading import load_all
from assets.errors import StoreError
from assets.gate import gate_slips
from orchestration.errors import OrchestrationError
from orchestration.label_studio_server import LabelStudioFailed, LabelStudioServer
from orchestration.project import Project, connect, find_root, open_project
from orchestration.store import embedded
from orchestration.store.cache import digest_of
from orchestration.store.dataset import leftovers
from orchestration.store.merging import side_branch
from orchestration.store.objects import read_object, upload
from orchestration.store.repository import MAIN, Repository
from orchestration.store.stores import LakeFSStores

DISTRIBUTION = "hallmark"
GIB = 1 << 30
SCARCE_DISK_GIB, TIGHT_DISK_GIB = 1, 5
STALE = timedelta(days=1)
PATIENCE_SECONDS = 5.0
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What was looked at, in a few words.
        ok: False where something does not work; None where it works but wants attention.
        saw: What was seen.
        advice: What to do; empty where there is nothing to do.
    """

    name: str
    ok: bool | None
    saw: str
    advice: str = ""


def examine(
    folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Look at everything that a project needs; nothing is changed but a probe object, taken back.

    Args:
        folder: The project's folder; found as `find_root` does where it is None.
        environment: Environment variables; the process's own where it is None.
    """
    known = os.environ if environment is None else environment
    try:
        project = open_project(folder, known)
    except OrchestrationError as error:
        advice = "mend hallmark.yaml, or make a project with `hallmark init DIR`"
        return (_python(), _packages(), Finding("settings", False, str(error), advice))
    root = find_root(folder, known)
    return (
        _python(),
        _packages(),
        Finding("settings", True, f"{root / 'hallmark.yaml'} is valid"),
        _datasets(project),
        _disk(project),
        _dagster_home(project),
        *_label_studio(project, known),
        *_language_models(project, known),
        *_lakefs_as_it_was(project, known),
    )


def _python() -> Finding:
    version = sys.version.split()[0]
    try:
        wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return Finding("Python", None, f"{version}; Hallmark is not installed", "run `make setup`")
    if Requirement(f"python{wanted}").specifier.contains(version, prereleases=True):
        return Finding("Python", True, f"{version}, needed is {wanted}")
    return Finding("Python", False, f"{version}, needed is {wanted}", "use another Python")


def _packages() -> Finding:
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return Finding("packages", None, "Hallmark is not installed", "run `make setup`")
    wanted = [one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate()]
    unmet = [fault for one in wanted if (fault := _unmet(one))]
    if unmet:
        return Finding("packages", False, "; ".join(unmet), "run `make setup`")
    return Finding("packages", True, f"{len(wanted)} packages at versions that Hallmark takes")


def _unmet(wanted: Requirement) -> str:
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{wanted.name} is missing"
    if wanted.specifier.contains(version, prereleases=True):
        return ""
    return f"{wanted.name} is {version}, needed is {wanted.specifier}"


def _datasets(project: Project) -> Finding:
    loaded = load_all(project.datasets())
    if loaded.invalid:
        saw = "\n".join(str(error) for error in loaded.invalid)
        return Finding("dataset files", False, saw, "mend the lines that are named")
    if not loaded.datasets:
        advice = "copy one from examples/, see docs/dataset-file.md"
        return Finding("dataset files", None, f"none in {project.datasets()}", advice)
    slips = [slip for dataset in loaded.datasets.values() for slip in gate_slips(dataset)]
    if slips:
        advice = "mend the gate's expectations in the dataset file; no run could judge them"
        return Finding("dataset files", False, "\n".join(slips), advice)
    return Finding("dataset files", True, f"valid: {', '.join(loaded.datasets)}")


def _disk(project: Project) -> Finding:
    free = shutil.disk_usage(project.root).free / GIB
    saw = f"{free:.1f} GiB free at {project.root}"
    if free >= TIGHT_DISK_GIB:
        return Finding("disk", True, saw)
    ok = None if free >= SCARCE_DISK_GIB else False
    return Finding("disk", ok, saw, f"free some; {project.cache()} can be deleted")


def _dagster_home(project: Project) -> Finding:
    home = project.dagster_home()
    if not (home / "dagster.yaml").is_file():
        return Finding("Dagster home", None, f"no dagster.yaml in {home}", "run `hallmark up`")
    if not os.access(home, os.W_OK):
        return Finding("Dagster home", False, f"{home} is read-only", "make it writable")
    return Finding("Dagster home", True, str(home))


def _label_studio(project: Project, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether each dataset's project of Label Studio answers; nothing where none is named."""
    settings, name = project.settings.label_studio, "Label Studio"
    strange = sorted(settings.projects.keys() - load_all(project.datasets()).datasets.keys())
    if strange:
        saw = f"label_studio.projects names {', '.join(strange)}, which no sound dataset file is"
        yield Finding(name, False, saw, "mend the name there, or the dataset file")
    if settings.url is None or not settings.projects:
        return
    token = environment.get(settings.token_env)
    if not token:
        saw = f"{settings.url}, and no access token in {settings.token_env}"
        yield Finding(name, False, saw, "set it in the environment of whoever runs Hallmark")
        return
    server = LabelStudioServer(url=settings.url, token=token, budget_seconds=PATIENCE_SECONDS)
    for dataset, number in settings.projects.items():
        try:
            server.count(project=number, mark=("item_id", "doctor"))
        except LabelStudioFailed as error:
            yield Finding(name, False, f"{dataset}: {error}", "mend `label_studio:`, or start it")
        else:
            yield Finding(name, True, f"project {number} of {settings.url} answers for {dataset}")


def _language_models(project: Project, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether each language model has its key; nothing is sent, for an answer may cost money."""
    for dataset in load_all(project.datasets()).datasets.values():
        for spec in dataset.labelers:
            if not isinstance(spec, LanguageModelLabeler):
                continue
            name, key = f"llm:{spec.name} of {dataset.name}", spec.api_key_variable
            if key and not environment.get(key):
                advice = f"set {key} in the environment of `hallmark up`; until then it abstains"
                yield Finding(name, None, f"{spec.endpoint} wants a key, {key} is not set", advice)
            else:
                yield Finding(name, True, f"{spec.model} at {spec.endpoint}, not asked")


def _lakefs_as_it_was(project: Project, environment: Mapping[str, str]) -> list[Finding]:
    """Findings about lakeFS; an embedded server that was started to look is stopped again."""
    folder = project.lakefs_data()
    ran = bool(project.settings.lakefs.endpoint) or embedded.running(folder)
    try:
        return [*_lakefs(project, environment)]
    finally:
        if not ran:
            embedded.stop(folder)


def _lakefs(project: Project, environment: Mapping[str, str]) -> Iterator[Finding]:
    """The server and what lies on it; where it cannot be reached, that alone."""
    impatient = project.settings.lakefs.model_copy(update={"patience_seconds": PATIENCE_SECONDS})
    quick = Project(project.root, project.settings.model_copy(update={"lakefs": impatient}))
    try:
        stores = connect(quick, environment)
        facts = stores.connection.facts
    except (OrchestrationError, StoreError) as error:
        yield Finding("lakeFS", False, str(error), "start it, or mend `lakefs:` in hallmark.yaml")
        return
    kind = "embedded" if not project.settings.lakefs.endpoint else "real"
    where = f"{stores.connection.endpoint.url}, version {facts.version}, data on {facts.blockstore}"
    yield Finding("lakeFS", True, f"{kind} server at {where}")
    there = [*_repositories(project, stores)]
    yield _guarded("pre-signed URLs", lambda: _pre_signed(stores, there))
    yield _guarded("leftover branches", lambda: _leftovers(there))
    if kind == "embedded":
        yield _blobs(project)


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (OrchestrationError, StoreError, OSError) as error:
        return Finding(name, False, str(error), "see the server's log")


def _repositories(project: Project, stores: LakeFSStores) -> Iterator[Repository]:
    for name in load_all(project.datasets()).datasets:
        repository = stores.repository(name)
        if repository.branch_head(MAIN):
            yield repository


def _pre_signed(stores: LakeFSStores, there: list[Repository]) -> Finding:
    """Really sends an object there and back, on a branch that is dropped again."""
    if not stores.connection.facts.pre_sign:
        return Finding("pre-signed URLs", True, "not offered: bytes go through the server")
    if not there:
        advice = "look again after the first ingestion"
        return Finding("pre-signed URLs", None, "offered, but there is no dataset to try", advice)
    content = b"Hallmark looks whether this object comes back."
    with side_branch(there[0], MAIN) as side:
        upload(there[0], side, "doctor/probe", content, digest_of(content))
        back = read_object(there[0], side, "doctor/probe")
    if back == content:
        return Finding("pre-signed URLs", True, "an object went to the object store and came back")
    advice = "compare the object store's address as lakeFS and as this machine see it"
    return Finding("pre-signed URLs", False, "other bytes came back than were sent", advice)


def _leftovers(there: list[Repository]) -> Finding:
    oldest = datetime.now(UTC) - STALE
    names = [
        f"{repository.dataset}/{name}"
        for repository in there
        for name in leftovers(repository, oldest)
    ]
    if not names:
        return Finding("leftover branches", True, "none older than a day")
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    saw = f"{', '.join(names[:SHOWN])}{more}: runs that were not published"
    return Finding("leftover branches", None, saw, "look at them, then let the janitor drop them")


def _blobs(project: Project) -> Finding:
    status, words = embedded.check(project.lakefs_data())
    try:
        report = json.loads(words)
    except ValueError:
        return Finding(
            "stored objects", False, words or f"exit status {status}", "see that message"
        )
    if not report["damaged"]:
        saw = f"{report['blobs']} blobs ({report['bytes'] / GIB:.2f} GiB) read, none damaged"
        return Finding("stored objects", True, saw)
    named = [f"{one['what']} {one['name'][:16]}: {one['why']}" for one in report["damaged"]]
    used = sorted({user for one in report["damaged"] for user in one["used_by"]})
    saw = f"{len(named)} damaged: {'; '.join(named[:SHOWN])}; needed by {', '.join(used[:SHOWN])}"
    return Finding(
        "stored objects", False, saw, "restore the folder from a backup, or push from a copy"
    )
