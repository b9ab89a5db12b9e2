import doctest
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quality" / "consensus.md"


def test_the_pages_example_gives_what_it_shows():
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert (results.failed, results.attempted > 10) == (0, True)
