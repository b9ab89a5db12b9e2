"""Labeling functions vote or abstain, whatever they do."""

import io
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import numpy as np
import polars as pl
import pytest
from PIL import Image

from assets.dataset_file.labelers import FunctionsLabeler as Section
from assets.dataset_file.ontology import Ontology
from assets.labelers import Item, functions, labeling_function
from assets.labelers.errors import LabelingFileInvalid
from assets.labelers.functions import FunctionsLabeler
from assets.labelers.interface import Ballots, Labeler, LabelerInput
from assets.labelers.registry import make
from quality.schema import ITEMS

HEAD = "from assets.labelers import Item, labeling_function\n"
CLASSES = ("positive", "negative")


def labeler(root: Path, code: str, *, limit_s: float = 5.0) -> FunctionsLabeler:
    (root / "labeling.py").write_text(HEAD + dedent(code), encoding="utf-8")
    section = Section(
        name="rules", kind="functions", path="labeling.py", time_limit_seconds=limit_s
    )
    return FunctionsLabeler(section, root)


def texts(*contents: str) -> LabelerInput:
    return items([(text, None, "text") for text in contents])


def items(rows: Sequence[tuple[str | None, bytes | None, str]]) -> LabelerInput:
    media = {f"media/{i}.png": data for i, (_, data, _) in enumerate(rows) if data}
    frame = pl.DataFrame(
        {
            "item_id": [sha256(repr(row).encode()).hexdigest() for row in rows],
            "content": [content for content, _, _ in rows],
            "uri": [f"media/{i}.png" if data else None for i, (_, data, _) in enumerate(rows)],
            "modality": [modality for _, _, modality in rows],
        },
        schema={name: ITEMS.columns[name] for name in ("item_id", "content", "uri", "modality")},
    )

    def features() -> None:
        raise AssertionError("functions need no features")

    return LabelerInput(frame, Ontology(classes=CLASSES), features, media.__getitem__)  # type: ignore[arg-type]


def labels(ballots: Ballots, actor: str) -> list[str | None]:
    return ballots.votes.filter(pl.col("actor") == actor)["label"].to_list()


def test_each_function_is_an_actor_that_votes_or_abstains(tmp_path: Path) -> None:
    rules = labeler(
        tmp_path,
        """
        @labeling_function
        def great(item: Item) -> str | None:
            return "positive" if "great" in item.text else None

        @labeling_function
        def never(item):
            return None
        """,
    )
    ballots = rules.vote(texts("great film", "dull film"))
    assert isinstance(rules, Labeler)
    assert labels(ballots, "function:great") == ["positive", None]
    assert labels(ballots, "function:never") == [None, None]
    assert ballots.coverage == {"function:great": 0.5, "function:never": 0.0}
    assert ballots.errors == ()


def test_votes_carry_the_version_that_the_labeler_states(tmp_path: Path) -> None:
    rules = labeler(tmp_path, "@labeling_function\ndef f(item): return None\n")
    ballots = rules.vote(texts("a"))
    assert ballots.votes.select("actor", "actor_version").rows() == [*rules.actors.items()]


def test_a_function_that_raises_abstains_there_and_is_counted(tmp_path: Path) -> None:
    rules = labeler(
        tmp_path,
        """
        @labeling_function
        def shaky(item):
            return "positive" if 1 / (len(item.text) - 1) else None
        """,
    )
    ballots = rules.vote(texts("a", "bb", "c"))
    assert labels(ballots, "function:shaky") == [None, "positive", None]
    (error,) = ballots.errors
    assert (error.actor, error.reason, error.count) == (
        "function:shaky",
        "raised ZeroDivisionError",
        2,
    )
    assert "on 2 items; first on" in str(error)
    assert "division by zero (line 5)" in str(error)


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        ("return 'positif'", "returned what is no class", "'positif'"),
        ("return 1", "returned what is no class", "1"),
        ("raise SystemExit(3)", "raised SystemExit", "3"),
        ("item.item_id = 'x'", "raised FrozenInstanceError", "item_id"),
        ("return item.image", "raised TypeError", "use item.text"),
        ("return item.row", "raised JSONDecodeError", "line 1"),
        ("import os; os._exit(7)", "ended its process with exit code 7", "process"),
    ],
)
def test_what_is_no_vote_is_an_abstention_with_its_reason(
    tmp_path: Path, body: str, reason: str, detail: str
) -> None:
    rules = labeler(tmp_path, f"@labeling_function\ndef f(item): {body}\n")
    ballots = rules.vote(texts("a"))
    assert labels(ballots, "function:f") == [None]
    (error,) = ballots.errors
    assert error.reason == reason
    assert detail in error.examples[0][1]


def test_a_function_that_hangs_is_stopped_and_the_others_go_on(tmp_path: Path) -> None:
    rules = labeler(
        tmp_path,
        """
        @labeling_function
        def hangs(item):
            while "slow" in item.text:
                pass
            return "negative"

        @labeling_function
        def quick(item):
            return "positive"
        """,
        limit_s=0.1,
    )
    ballots = rules.vote(texts("slow", "fast"))
    assert labels(ballots, "function:hangs") == [None, "negative"]
    assert labels(ballots, "function:quick") == ["positive", "positive"]
    assert [(e.reason, e.count) for e in ballots.errors] == [("took longer than 0.1 s", 1)]


def test_a_function_that_will_not_be_interrupted_is_stopped_with_its_process(
    tmp_path: Path,
) -> None:
    rules = labeler(
        tmp_path,
        """
        import signal

        @labeling_function
        def deaf(item):
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            while "slow" in item.text:
                pass
            return "negative"
        """,
        limit_s=0.1,
    )
    ballots = rules.vote(texts("fast", "slow", "quick"))
    assert labels(ballots, "function:deaf") == ["negative", None, "negative"]
    assert [(e.reason, e.count) for e in ballots.errors] == [("took longer than 0.1 s", 1)]


def test_a_function_that_always_hangs_is_not_called_for_ever(tmp_path: Path) -> None:
    rules = labeler(
        tmp_path, "import time\n@labeling_function\ndef f(item): time.sleep(60)\n", limit_s=0.02
    )
    ballots = rules.vote(texts(*(str(i) for i in range(70))))
    assert [(e.reason, e.count) for e in ballots.errors] == [
        ("took longer than 0.02 s", 10),
        ("was not called any more after 10 stops", 60),
    ]


def test_a_function_cannot_outlive_its_limit_by_catching_everything(tmp_path: Path) -> None:
    code = """
    import time

    @labeling_function
    def stubborn(item):
        while True:
            try:
                time.sleep(60)
            except Exception:
                pass
    """
    ballots = labeler(tmp_path, code, limit_s=0.05).vote(texts("a"))
    assert ballots.errors[0].reason == "took longer than 0.05 s"


@pytest.mark.parametrize(
    ("code", "line", "reason"),
    [
        ("def f(:\n", 2, "SyntaxError"),
        ("x = 1\nimport no_such_module\n", 3, "no_such_module"),
        ("raise SystemExit\n", 2, "SystemExit"),
        ("labeling_function(print)\n", 2, "has to be a function"),
        ("x = 1\n", None, "decorate one with @labeling_function"),
        ("@labeling_function\ndef f(): return None\n", 2, "has to take one item"),
        ("@labeling_function(name='a b')\ndef f(item): return None\n", 2, "letters, digits"),
        ("import os; os._exit(3)\n", None, "ended the process with exit code 3"),
        (
            "@labeling_function\ndef f(item): return None\n" * 2,
            4,
            "'f' is declared in line 2 already",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, code: str, line: int | None, reason: str
) -> None:
    with pytest.raises(LabelingFileInvalid, match=r"labeling\.py") as caught:
        labeler(tmp_path, code).vote(texts("a"))
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_images_are_grey_levels_and_rows_are_read_only(tmp_path: Path) -> None:
    png = io.BytesIO()
    Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).save(png, "PNG")
    rules = labeler(
        tmp_path,
        """
        @labeling_function
        def grey(item):
            assert not item.image.flags.writeable
            return "positive" if item.image.tolist() == [[0, 255]] else "negative"

        @labeling_function
        def old(item):
            return "positive" if item.row["age"] > 40 else None
        """,
    )
    given = items([(None, png.getvalue(), "image"), ('{"age":44}', None, "tabular")])
    ballots = rules.vote(given)
    assert labels(ballots, "function:grey") == ["positive", None]
    assert labels(ballots, "function:old") == [None, "positive"]


def test_functions_may_import_from_the_project_and_print(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text("GOOD = {'great'}\n", encoding="utf-8")
    code = """
    from words import GOOD

    def maker(word):
        @labeling_function(name=f"has_{word}")
        def has(item):
            print(item.text)
            return "positive" if word in item.text else None

    for word in sorted(GOOD):
        maker(word)
    """
    rules = labeler(tmp_path, code)
    before = rules.version
    assert labels(rules.vote(texts("great")), "function:has_great") == ["positive"]
    (tmp_path / "words.py").write_text("GOOD = {'great', 'fine'}\n", encoding="utf-8")
    assert labeler(tmp_path, code).version != before


def runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return state.stdout.strip()[:1] not in (b"", b"Z")


def test_the_worker_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    labeler(tmp_path, "@labeling_function\ndef f(item): return None\n")
    code = (
        "import os, sys; sys.path[:0] = sys.argv[2].split(':')\n"
        "from pathlib import Path\n"
        "from assets.labelers.worker_process import WorkerProcess\n"
        "worker = WorkerProcess('rules', Path(sys.argv[1]), Path('labeling.py'))\n"
        "print(worker._process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), ":".join(sys.path)]
    pid = int(subprocess.run(command, capture_output=True, check=True).stdout)
    for _ in range(100):
        if not runs(pid):
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")


def test_large_pictures_are_sent_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "CHUNK_BYTES", 10)
    rules = labeler(tmp_path, "@labeling_function\ndef f(item): return 'positive'\n")
    given = items([(None, bytes([n]) * 4, "image") for n in range(5)])
    told: list[tuple[int, int]] = []
    ballots = rules.vote(replace(given, progress=lambda *at: told.append(at)))
    assert [done for done, _ in told] == [2, 4, 5]
    assert labels(ballots, "function:f") == ["positive"] * 5


def test_a_file_may_have_the_name_of_a_module_of_python(tmp_path: Path) -> None:
    code = (
        HEAD + "import random\n@labeling_function\ndef f(item): return random.choice(['positive'])"
    )
    (tmp_path / "random.py").write_text(code, encoding="utf-8")
    section = Section(name="rules", kind="functions", path="random.py")
    ballots = FunctionsLabeler(section, tmp_path).vote(texts("a"))
    assert labels(ballots, "function:f") == ["positive"]


def test_a_wrapped_function_is_declared_under_its_own_name(tmp_path: Path) -> None:
    code = """
    from functools import lru_cache

    @labeling_function
    @lru_cache
    def cached(item):
        return "positive"
    """
    assert list(labeler(tmp_path, code).actors) == ["function:cached"]


def test_the_same_file_gives_the_same_votes_in_any_process(tmp_path: Path) -> None:
    code = "@labeling_function\ndef f(item): return {'positive', 'negative'}.pop()\n"
    rules = labeler(tmp_path, code)
    first, second = (rules.vote(texts("a", "b")) for _ in range(2))
    assert first.votes.equals(second.votes)


def test_no_items_give_no_votes_of_the_same_schema(tmp_path: Path) -> None:
    rules = labeler(tmp_path, "@labeling_function\ndef f(item): return None\n")
    assert rules.vote(texts()).votes.schema == rules.vote(texts("a")).votes.schema


def test_progress_is_told_in_items(tmp_path: Path) -> None:
    rules = labeler(tmp_path, "@labeling_function\ndef f(item): return None\n")
    told: list[tuple[int, int]] = []
    given = texts(*(str(i) for i in range(100)))
    watched = replace(given, progress=lambda *at: told.append(at))
    rules.vote(watched)
    assert told == [(64, 100), (100, 100)]


def test_a_declared_function_stays_callable() -> None:
    def shout(item: Item) -> str | None:
        return item.text.upper()

    assert labeling_function(shout)(Item("id", content="a")) == "A"


def test_the_registry_makes_it_from_its_section(tmp_path: Path) -> None:
    section = Section(name="rules", kind="functions", path="labeling.py")
    assert isinstance(make(section, tmp_path), FunctionsLabeler)
