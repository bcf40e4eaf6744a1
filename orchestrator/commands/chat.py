"""`orch chat`, and `orch` alone: an interactive session in a plain terminal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.commands.session_mode import SessionMode, mode_of
from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.wiring import Desktop, Options

app = typer.Typer(rich_markup_mode=None, add_completion=False)
PROMPT = "› "
MORE = "… "


@app.command(epilog="Example: orch chat --project ~/code/heron --mode workspace")
def chat(
    project: Annotated[
        Path | None,
        typer.Option(help="Folder to work in (default: this one).", show_default=False, readable=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    mode: Annotated[SessionMode | None, typer.Option(help="What may happen without a question.")] = None,
) -> None:
    """Talk with the model. Type / and a word for commands, /help for the list."""
    from orchestrator.wiring import Options

    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("A session needs a terminal.", 'Without one, use `orch ask "PROMPT"`.')
    options: Options | None = Options(project=project or Path(), model=model, mode=mode_of(mode))
    take_pastes_whole()
    with asyncio.Runner() as runner, history():
        signal.signal(signal.SIGTERM, leave)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, leave)
        while options is not None:
            options = _session(runner, options)


def leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _session(runner: asyncio.Runner, options: Options) -> Options | None:
    """One session to its end; returns the options of the next, or None to leave."""
    from orchestrator import wiring
    from orchestrator.commands.approve import Person, approver
    from orchestrator.commands.console import Plain

    renderer = Plain(sys.stdout, sys.stderr)
    person = approver(None)
    options = replace(options, reviewer=person if isinstance(person, Person) else None)
    manager = wiring.desktop(options, person)
    desktop = runner.run(manager.__aenter__())
    reason = "failed"
    try:
        runner.run(_open(desktop, renderer))
        following = _talk(runner, desktop, renderer)
        reason = "done"
        return replace(options, **following) if following is not None else None  # type: ignore[arg-type]
    finally:
        try:
            for event in runner.run(desktop.session.close(reason)):
                renderer.show(event)
        finally:
            runner.run(manager.__aexit__(None, None, None))


async def _open(desktop: Desktop, renderer: object) -> None:
    from orchestrator.commands.console import Plain
    from orchestrator.commands.running import play

    assert isinstance(renderer, Plain)
    for notice in desktop.notices:
        renderer.show(notice)
    await play(desktop.session.open(), renderer)
    desktop.session.warm_up()


def _talk(runner: asyncio.Runner, desktop: Desktop, renderer: object) -> dict[str, object] | None:
    """Read lines until the user leaves; returns changed options when a new session is wanted."""
    left = False  # Ctrl+C at an empty prompt: the second one leaves
    while True:
        try:
            line = read_prompt()
        except EOFError:
            print(file=sys.stderr)
            return None
        except KeyboardInterrupt:
            if left:
                print(file=sys.stderr)
                return None
            left = True
            print("\n(Ctrl+C again to leave, or /quit)", file=sys.stderr)
            continue
        left = False
        if not line.strip():
            continue
        try:
            if not line.startswith("/") or (following := _command(line, desktop)) is _PLAY:
                runner.run(_turn(desktop, line, renderer))
            elif following is not _STAY:
                return following
        except OrchError as error:
            print(f"orch: {plain(str(error))}", file=sys.stderr)


_STAY: dict[str, object] = {"stay": True}
_PLAY: dict[str, object] = {"play": True}


def _command(line: str, desktop: Desktop) -> dict[str, object] | None:
    """Run a `/` command; as `_talk` returns, or `_STAY`, or `_PLAY` when the line is a prompt."""
    from orchestrator.agent.slash import Back, Fresh, Play, Said, handle
    from orchestrator.wiring import check_model

    outcome = handle(line, desktop.session)
    if isinstance(outcome, Said | Back):
        print(plain(outcome.text), file=sys.stderr)
        return _STAY
    if isinstance(outcome, Play):
        return _PLAY
    if not isinstance(outcome, Fresh):
        return None
    if outcome.model is None:
        return {}
    check_model(outcome.model)  # an unknown name must not end this session
    return {"model": outcome.model}


async def _turn(desktop: Desktop, line: str, renderer: object) -> None:
    from orchestrator.commands.console import Plain
    from orchestrator.commands.running import Interrupts, play

    assert isinstance(renderer, Plain)
    with Interrupts(desktop.session).caught(), contextlib.suppress(asyncio.CancelledError):
        try:
            await play(desktop.session.turn(line), renderer)
        finally:
            renderer.end_line()


def read_prompt() -> str:
    """One prompt; a line that ends in a backslash goes on in the next, and a pasted block is one."""
    typed_ahead = _waiting()  # while the model answered: those lines are prompts of their own
    text = input(PROMPT)
    while text.endswith("\\") or (not typed_ahead and _waiting()):
        text = text.removesuffix("\\") + "\n" + input(MORE)
    return text.rstrip("\n").encode("utf-8", "replace").decode()


def _waiting() -> bool:
    """Whether a line can be read at once."""
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.kbhit()
    import select

    return bool(select.select([sys.stdin], [], [], 0)[0])


def take_pastes_whole() -> None:
    """Let the terminal mark what is pasted, so that its newlines do not end the prompt."""
    with contextlib.suppress(ImportError):  # Windows
        import readline

        if "libedit" not in (readline.__doc__ or ""):
            readline.parse_and_bind("set enable-bracketed-paste on")  # Python switches it off


@contextlib.contextmanager
def history():  # type: ignore[no-untyped-def]
    """Line editing and history across sessions, where the platform has readline."""
    from orchestrator.paths import home
    from orchestrator.tui.history import History, decoded

    try:
        import readline
    except ImportError:  # Windows
        yield
        return
    kept = History(home().history)
    for entry in kept.entries():
        readline.add_history(entry)
    before = readline.get_current_history_length()
    try:
        yield
    finally:  # appended: the app and other sessions may have added theirs meanwhile
        numbers = range(before + 1, readline.get_current_history_length() + 1)
        lines = (readline.get_history_item(number) or "" for number in numbers)
        for entry in decoded("".join(line.replace("\n", "\\\n") + "\n" for line in lines)):
            kept.append(entry)
