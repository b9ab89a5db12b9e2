"""SQL over a dataset at any of its versions: DuckDB, the tables as views over cached Parquet."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import duckdb
import polars as pl
from duckdb import ConstantExpression, DuckDBPyConnection, DuckDBPyRelation, StarExpression

from assets.ports import DatasetStore
from orchestration.errors import QueryFault
from quality.schema import PREDICTIONS, TABLES

# MULTI is what PIVOT becomes; no statement can reach outside the connection's memory anyway.
READING = ("SELECT", "EXPLAIN", "MULTI")


def query(store: DatasetStore, sql: str, at: str = "main") -> pl.DataFrame:
    """What one query over a dataset's tables answers.

    The tables are items, votes, labels, scores, history and predictions, the last with a column
    `labeler` more. A table that a version does not have yet is empty.

    Args:
        store: The dataset.
        sql: One statement that reads, in DuckDB's SQL.
        at: Release, branch or commit.

    Raises:
        QueryFault: the query cannot be answered; says where it is wrong.
        RefNotFound: there is no such version.
    """
    mentioned = {name for name in TABLES if re.search(rf"\b{name}\b", sql, re.IGNORECASE)}
    with _connection(store, store.head(at), mentioned) as connection:
        try:
            return _answer(connection, sql)
        except duckdb.Error as error:
            raise QueryFault(sql, str(error), tuple(TABLES)) from error


def _answer(connection: DuckDBPyConnection, sql: str) -> pl.DataFrame:
    kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    if len(kinds) != 1 or kinds[0] not in READING:
        found = ", ".join(kinds) or "nothing"
        raise QueryFault(sql, f"expected one statement that reads, found {found}", tuple(TABLES))
    relation = connection.sql(sql)
    return pl.DataFrame() if relation is None else pl.DataFrame(relation.to_arrow_table())


@contextmanager
def _connection(
    store: DatasetStore, commit: str, mentioned: set[str]
) -> Iterator[DuckDBPyConnection]:
    """A connection that sees the tables and nothing else; those not mentioned are not fetched."""
    files = {name: _files(store, commit, name) if name in mentioned else {} for name in TABLES}
    with duckdb.connect(":memory:") as connection:
        paths = [str(path) for table in files.values() for path in table.values()]
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET allowed_paths = ?", [paths])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for name, table in files.items():
            _make_view(connection, name, table)
        yield connection


def _files(store: DatasetStore, commit: str, table: str) -> dict[str, Path]:
    listed = (one.path for one in store.listing(commit, f"{table}/"))
    files = store.fetch(commit, [path for path in listed if path.endswith(".parquet")])
    return dict(sorted(files.items()))


def _make_view(connection: DuckDBPyConnection, name: str, files: dict[str, Path]) -> None:
    if not files:
        connection.register(name, _empty(name).to_arrow())
    elif name == PREDICTIONS.name:
        _predictions(connection, files).create_view(name)
    else:
        _parquet(connection, [*files.values()]).create_view(name)


def _empty(name: str) -> pl.DataFrame:
    frame = TABLES[name].empty()
    return frame.with_columns(labeler=pl.lit("")) if name == PREDICTIONS.name else frame


def _parquet(connection: DuckDBPyConnection, files: list[Path]) -> DuckDBPyRelation:
    # By name, so that a version written before a column was added still reads.
    return connection.read_parquet([str(file) for file in files], union_by_name=True)


def _predictions(connection: DuckDBPyConnection, files: dict[str, Path]) -> DuckDBPyRelation:
    """All labelers' predictions; which labeler it was says the path: predictions/LABELER/..."""
    parts = []
    for labeler, paths in groupby(files, key=lambda path: path.split("/")[1]):
        name = ConstantExpression(labeler).alias("labeler")
        part = _parquet(connection, [files[path] for path in paths])
        parts.append(part.select(StarExpression(), name))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.union(part)
    return whole
