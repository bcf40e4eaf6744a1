"""`run`: Python code, as in a REPL."""

from __future__ import annotations

import ast
import builtins
import os
import shutil
import sys
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import syntax, walk
from orchestrator.tools.command import Commands
from orchestrator.tools.shell import Shell, labels_of
from orchestrator.tools.shell_line import background
from orchestrator.tools.text import unfence
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

_MOST = 100_000  # Linux takes 128 KiB in one argument
_FOLDERS = 50
# Prints the value of a last bare expression, since small models forget `print`; and shows only
# their own frames of a traceback.
_DRIVER = """
import ast, linecache, sys, traceback
sys.path[0] = ''
source = sys.argv.pop(1)
sys.path += sys.argv[1:]
sys.argv[:] = ['<code>']
linecache.cache['<code>'] = (len(source), None, source.splitlines(True), '<code>')
space = {'__name__': '__main__', '__builtins__': __builtins__}
try:
    tree = ast.parse(source, '<code>')
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, '<code>', 'exec'), space)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), '<code>', 'eval'), space)
        if value is not None:
            print(repr(value))
except SystemExit:
    raise
except BaseException as error:
    sys.stdout.flush()
    frames = error.__traceback__ and error.__traceback__.tb_next
    shown = None if isinstance(error, SyntaxError) and error.filename == '<code>' else frames
    traceback.print_exception(type(error), error, shown)
    sys.exit(1)
"""


class Run:
    spec = ToolSpec("run", "compute with Python", (Parameter("code", "Python"),), "command")

    def __init__(self, root: Path, commands: Commands, shell: Shell) -> None:
        self._root = root
        self._shell = shell
        self._commands = commands

    def is_command(self, call: ToolCall) -> bool:
        """Whether the code is a command line for the shell, and will be given to it."""
        return _is_command(_code(call))

    def preview(self, call: ToolCall) -> Preview:
        code, confined = _code(call), self._commands.confined
        if _is_command(code):
            return Preview("shell", code, confined, labels_of(code), network=confined)
        return Preview("run Python", code, confined, ("unknown",), network=confined)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        code = _code(call)
        if len(code.encode("utf-8", "replace")) > _MOST or "\0" in code:
            raise ToolError(
                "The code is too long or holds a NUL character.", "Write it to a file and run that."
            )
        if _is_command(code):
            return await self._shell.run(ToolCall(Shell.spec.name, {"command": code}), sink)
        argv = [interpreter(self._root), "-c", _DRIVER, code, *self._folders()]
        return await self._commands.run(argv, sink)

    def _folders(self) -> list[str]:
        """Folders of the project that hold Python files: small models leave the package's name out."""
        found = (path.rpartition("/")[0] for path in walk.project_files(self._root) if path.endswith(".py"))
        return [str(self._root.resolve() / folder) for folder in dict.fromkeys(found) if folder][:_FOLDERS]


def _is_command(code: str) -> bool:
    """Whether it is a command line and no Python: one line, a program is called so, and it would fail."""
    words = code.split()
    if (asked := background(code)) is not None and asked.what != "start":
        return True  # "jobs %1" is a remainder in Python
    if not words or "\n" in code.strip() or (len(words) > 1 and words[1].startswith("=")):
        return False
    if shutil.which(words[0]) is None and not words[0].startswith("./"):
        return False
    return bool(syntax.error(code, Path("code.py"))) or _only_names(code)


def _only_names(code: str) -> bool:
    """`ls -la` is Python, too: a difference of two names that nobody has defined."""
    names = [node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    plain = (ast.Module, ast.Expr, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Name, ast.Load)
    return (
        bool(names)
        and not any(hasattr(builtins, name) for name in names)
        and all(isinstance(node, plain) for node in ast.walk(ast.parse(code)))
    )


def _code(call: ToolCall) -> str:
    code = str(call.arguments["code"])
    fenced = unfence(code)
    return syntax.unclosed(fenced[1] if fenced else code, Path("code.py"))


def interpreter(root: Path) -> str:
    """The project's own Python if it has a virtual environment, else the one on the path."""
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    for folder in (".venv", "venv"):
        if os.access(candidate := root.resolve() / folder / inside, os.X_OK):
            return str(candidate)
    return "python" if sys.platform == "win32" else "python3"
