"""A labeling function's version moves with the code that it depends on, and with nothing else."""

from assets.labelers.source_digest import function_versions

SOURCE = '''
"""About these."""
WORDS = {"great"}

@labeling_function
def one(item):
    """Says one."""
    return "a" if item.text in WORDS else None

@labeling_function
def two(item):
    return one(item)

@labeling_function
def three(item):
    return None
'''


def versions(source: str = SOURCE, imported: dict[str, str] | None = None) -> dict[str, str]:
    return function_versions(source, ("one", "two", "three"), imported or {})


def changed(old: str, new: str) -> set[str]:
    assert old in SOURCE
    before, after = versions(), versions(SOURCE.replace(old, new))
    return {name for name in before if before[name] != after[name]}


def test_each_function_has_its_own_version() -> None:
    assert len(set(versions().values())) == 3


def test_a_changed_function_moves_itself_and_whoever_names_it() -> None:
    assert changed('return "a"', 'return "b"') == {"one", "two"}
    assert changed("    return None", "    return 'b'") == {"three"}


def test_a_changed_constant_moves_every_function() -> None:
    assert changed('{"great"}', '{"fine"}') == {"one", "two", "three"}


def test_comments_docstrings_and_layout_move_nothing() -> None:
    assert changed('"""Says one."""', '"""Says 1."""  # a comment') == set()
    assert changed('WORDS = {"great"}', "WORDS = {\n    'great'\n}") == set()


def test_a_changed_module_of_the_project_moves_every_function() -> None:
    before, after = versions(imported={"words": "A = 1"}), versions(imported={"words": "A = 2"})
    assert [name for name in before if before[name] == after[name]] == []


def test_a_function_made_in_a_loop_depends_on_the_whole_file() -> None:
    before = function_versions(SOURCE, ("made",), {})
    after = function_versions(SOURCE.replace("return None", "return 'b'"), ("made",), {})
    assert before != after


def test_versions_are_the_same_in_every_supported_python() -> None:
    source = "@f\ndef one(item: Item, /, *, n: int = 0) -> str | None:\n    return f'{n:>3}' or x\n"
    version = "b9c9cf9525d36a88d142fc6e6750ba75198b2de9ed1f520e79e0b9cd37a90ac0"
    assert function_versions(source, ("one",), {}) == {"one": version}
