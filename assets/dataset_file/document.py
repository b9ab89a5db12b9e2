"""A YAML file as plain data that remembers where each value stands.

Scalars follow YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema), which is
what people expect: `no`, `on` and `12:30` are text, `1e-3` is a number.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Position:
    """Where something stands; lines and columns count from 1.

    Attributes:
        written: The scalar as it is written, None for a mapping or a list.
    """

    line: int
    column: int | None = None
    written: str | None = None


@dataclass(frozen=True)
class Misread:
    """A place of the file that is not the YAML it has to be."""

    at: Position
    key: KeyPath
    expected: str


@dataclass(frozen=True)
class Document:
    """What a file says.

    Attributes:
        data: Mappings, lists and scalars; None where nothing could be read.
        values: Position of every value by its key path; `()` is the whole.
        keys: Position of every mapping key, by the key path of its value.
        misread: What is wrong with the file as YAML, in the file's order.
    """

    data: Any
    values: Mapping[KeyPath, Position] = field(default_factory=dict)
    keys: Mapping[KeyPath, Position] = field(default_factory=dict)
    misread: tuple[Misread, ...] = ()


class _CoreLoader(yaml.SafeLoader):
    """Composes nodes only; aliases are refused, so a small file cannot grow into a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases are not supported", problem_mark=mark)
        return super().compose_node(parent, index)


_CoreLoader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


def _whole_number(text: str) -> int:
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _number(text: str) -> float:
    return float(re.sub(r"\.(inf|nan)$", r"\1", text.lower()))


_SCALARS: dict[str, Callable[[str], Any]] = {
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _whole_number,
    _TAG + "float": _number,
    _TAG + "str": str,
}
_TAGS = {*_SCALARS, _TAG + "map", _TAG + "seq"}


def read(content: bytes) -> Document:
    """What the bytes of a YAML file say; what is wrong with them stands in `misread`."""
    try:
        text = content.decode("utf-8-sig")
        node = yaml.compose(text, Loader=_CoreLoader)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Document(None, misread=(Misread(Position(line), (), "text in UTF-8"),))
    except RecursionError:
        return Document(None, misread=(Misread(Position(1), (), "less nesting"),))
    except yaml.YAMLError as error:
        return Document(None, misread=(_syntax(error, text),))
    if node is None:
        return Document(None, misread=(Misread(Position(1), (), "a mapping; it is empty"),))
    return _Reader().document(node)


def _syntax(error: yaml.YAMLError, text: str) -> Misread:
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        return Misread(Position(line), (), f"printable text; found the character {error.character}")
    if not isinstance(error, yaml.MarkedYAMLError):
        return Misread(Position(1), (), f"valid YAML ({error})")
    problem = error.problem or "it cannot be read"
    if "'\\t'" in problem:
        problem = "indent with spaces, a tab stands here"
    elif error.context:
        where = f" that began in line {error.context_mark.line + 1}" if error.context_mark else ""
        problem = f"{problem}, {error.context}{where}"
    mark = error.problem_mark or error.context_mark
    at = Position(mark.line + 1, mark.column + 1) if mark else Position(1)
    return Misread(at, (), f"valid YAML ({problem})")


class _Reader:
    """Turns nodes into data, and notes positions and faults on the way."""

    def __init__(self) -> None:
        self.values: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self.misread: list[Misread] = []

    def document(self, node: yaml.Node) -> Document:
        data = self._value(node, ())
        return Document(data, self.values, self.keys, tuple(self.misread))

    def _value(self, node: yaml.Node, key: KeyPath) -> Any:
        self.values[key] = _position(node)
        if node.tag not in _TAGS:
            self._refuse(node, key)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(child, (*key, i)) for i, child in enumerate(node.value)]
        return self._scalar(node, key)

    def _mapping(self, node: yaml.MappingNode, key: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, child in node.value:
            at = _position(name)
            if not isinstance(name, yaml.ScalarNode):
                self.misread.append(Misread(at, key, "a plain name as key"))
                continue
            place = (*key, name.value)
            if name.value in data:
                first = self.keys[place].line
                expected = f"each key once; it stands in line {first} already"
                self.misread.append(Misread(at, place, expected))
                continue
            self.keys[place] = at
            data[name.value] = self._value(child, place)
        return data

    def _scalar(self, node: yaml.Node, key: KeyPath) -> Any:
        try:
            return _SCALARS[node.tag](node.value)
        except ValueError:
            self._refuse(node, key)
            return None

    def _refuse(self, node: yaml.Node, key: KeyPath) -> None:
        tag = node.tag.replace(_TAG, "!!")
        expected = f"a plain value; as '{tag}' it cannot be read"
        self.misread.append(Misread(_position(node), key, expected))


def _position(node: yaml.Node) -> Position:
    mark = node.start_mark
    written = node.value if isinstance(node, yaml.ScalarNode) else None
    return Position(mark.line + 1, mark.column + 1, written)
