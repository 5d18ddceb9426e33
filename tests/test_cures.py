"""The rows of `tests/cures` are such that taking each cure out means something."""

from __future__ import annotations

import ast
import functools

from tests.cures import DOCUMENT, ROOT, load, with_table

ROWS = load()


@functools.cache
def source(file: str) -> str:
    """The text of a file of the tree."""
    return (ROOT / file).read_text("utf-8")


@functools.cache
def functions(file: str) -> set[str]:
    """The functions at the top of a file."""
    return {each.name for each in ast.parse(source(file)).body if isinstance(each, ast.FunctionDef)}


def test_each_row_names_a_test_and_a_cure_that_are_there() -> None:
    """The test exists; what is cut stands exactly once in its file; the rest still compiles."""
    for row in ROWS:
        file, _, name = row.test.partition("::")
        assert name.startswith("test_"), row
        assert name in functions(file), row
        assert row.cut != row.put, row
        without = row.without_cure(source(row.file))
        if row.file.endswith(".py"):
            compile(without, row.file, "exec")


def test_there_are_at_least_sixty_and_none_twice() -> None:
    """A fault is said once."""
    assert len(ROWS) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len({(row.test, row.file, row.cut, row.put) for row in ROWS}) == len(ROWS)


def test_the_table_of_the_document_is_that_of_the_rows() -> None:
    """`python -m tests.cures --write` brings it up to date."""
    document = source(DOCUMENT)

    assert with_table(document, ROWS) == document
