"""Small files, one noun each: the largest file and class tell a sick codebase from a healthy one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "orchestrator"
FILES = sorted(ROOT.rglob("*.py"))
MOST_LINES, MOST_METHODS, MOST_FUNCTION_LINES = 400, 25, 90


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES, "which noun is missing?"
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "what is this file for?"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert len(methods) <= MOST_METHODS, node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_FUNCTION_LINES, node.name
