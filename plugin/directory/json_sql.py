"""Lists and rows as JSON in queries, in the words of SQLite and of PostgreSQL.

A list is one parameter, so that the text of a query is the same for every list and the driver has
it prepared: JSON for SQLite, an array for PostgreSQL. A row of another table comes back as a JSON
array, all rows of a group as a JSON object. Truth is 0 or 1 in SQLite's.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Dialect, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine


def names_text(names: Sequence[str]) -> str:
    """Return a list as SQLite takes it."""
    return json.dumps(list(names), ensure_ascii=False)


class Names(TypeDecorator[Sequence[str]]):
    """A parameter that is a list of names."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Sequence[str]]:
        """Return the type that the database has for it."""
        plain: TypeEngine[Any] = ARRAY(Text) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(plain)

    def process_bind_param(
        self, value: Sequence[str] | None, dialect: Dialect
    ) -> Sequence[str] | str:
        """Return the list as the driver takes it; None is an empty one."""
        return list(value or ()) if dialect.name == "postgresql" else names_text(value or ())


class IsAmong(FunctionElement[bool]):
    """Whether a column has one of the names of a list."""

    type: TypeEngine[Any] = (
        NullType()
    )  # as a Boolean, SQLite would compare it with 1 and find no index for that
    inherit_cache = True


@compiles(IsAmong, "sqlite")
def _among_in_sqlite(element: IsAmong, compiler: SQLCompiler, **more: object) -> str:
    column, names = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({names}))"  # noqa: S608 - of bound parameters


@compiles(IsAmong, "postgresql")
def _among_in_postgresql(element: IsAmong, compiler: SQLCompiler, **more: object) -> str:
    column, names = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} = ANY ({names})"


class AsObject(FunctionElement[str]):
    """All rows of a group as one JSON object: the first column names the members."""

    type = Text()
    inherit_cache = True


@compiles(AsObject, "sqlite")
def _object_in_sqlite(element: AsObject, compiler: SQLCompiler, **more: object) -> str:
    return f"json_group_object({compiler.process(element.clauses, **more)})"


@compiles(AsObject, "postgresql")
def _object_in_postgresql(element: AsObject, compiler: SQLCompiler, **more: object) -> str:
    return f"json_object_agg({compiler.process(element.clauses, **more)})"


class AsArray(FunctionElement[str]):
    """Some columns of a row as a JSON array."""

    type = Text()
    inherit_cache = True


@compiles(AsArray, "sqlite")
def _array_in_sqlite(element: AsArray, compiler: SQLCompiler, **more: object) -> str:
    return f"json_array({compiler.process(element.clauses, **more)})"


@compiles(AsArray, "postgresql")
def _array_in_postgresql(element: AsArray, compiler: SQLCompiler, **more: object) -> str:
    return f"json_build_array({compiler.process(element.clauses, **more)})"


class Within(FunctionElement[str]):
    """What a subquery gives as JSON, as a part of another array and not as a text in it."""

    type = Text()
    inherit_cache = True


@compiles(Within, "sqlite")
def _within_in_sqlite(element: Within, compiler: SQLCompiler, **more: object) -> str:
    return f"json({compiler.process(element.clauses, **more)})"


@compiles(Within, "postgresql")
def _within_in_postgresql(element: Within, compiler: SQLCompiler, **more: object) -> str:
    return compiler.process(element.clauses, **more)
