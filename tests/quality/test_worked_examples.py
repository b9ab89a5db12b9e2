"""The worked examples of these pages print what the pages say."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "quality"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    "page", ["agreement", "drift", "duplicates", "evaluation", "label_issues", "selection"]
)
def test_a_worked_example_prints_what_its_page_says(page: str) -> None:
    found = EXAMPLE.findall((DOCS / f"{page}.md").read_text(encoding="utf-8"))
    assert found
    for code, shown in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, {})  # noqa: S102
        assert printed.getvalue().strip() == shown.strip()
