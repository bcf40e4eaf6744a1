"""The emulated terminal without a widget: escape sequences, screen, scrollback, keys."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.tui.emulator import cells, key_codes
from orchestrator.tui.emulator.cells import Cell, Pen, Row, split, text_of, width_of
from orchestrator.tui.emulator.channel import MOST_WAITING, Channel
from orchestrator.tui.emulator.colours import drawn
from orchestrator.tui.emulator.escapes import Escapes
from orchestrator.tui.emulator.screen import EmulatedScreen
from orchestrator.tui.emulator.scrollback import LINE_CHARS, MOST_CHARS, MOST_LINES, Scrollback


class Terminal:
    """A screen with its parser and scrollback."""

    def __init__(self, columns: int = 20, lines: int = 5, *, returns: bool = False) -> None:
        self.past = Scrollback(columns)
        self.answers: list[str] = []
        self.screen = EmulatedScreen(
            columns, lines, self.past.add, answer=self.answers.append, returns=returns
        )
        self._escapes = Escapes(self.screen)

    def feed(self, *pieces: str) -> Terminal:
        for piece in pieces:
            self._escapes.feed(piece)
        return self

    @property
    def shown(self) -> list[str]:
        return [text_of(row.line) for row in self.screen.rows()]

    @property
    def history(self) -> list[str]:
        return [text_of(row.line) for row in self.past.rows]


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("one\r\ntwo", ["one", "two"]),
        ("10%\r50%\r100%\r\nok", ["100%", "ok"]),
        ("longer\rab\x1b[K", ["ab"]),
        ("a\tb\b\bX", ["a      Xb"]),
        ("a\r\nb\r\n\x1b[2A\x1b[2KA\r\n\x1b[2KB", ["A", "B"]),
        ("x" * 25, ["x" * 20, "xxxxx"]),
        ("\x1b[?7l" + "x" * 25 + "y", ["x" * 19 + "y"]),
        ("漢字" * 6, ["漢字" * 5, "漢字"]),
        ("漢\x1b[2Gx", [" x"]),
        ("漢字\x1b[1Gx", ["x 字"]),
        ("e\u0301 " + "o" + "\u0308" * 100, ["e\u0301 o" + "\u0308" * 7]),
        ("a\u200b\u202e\u2066\u2028b\x85\x00\x7f\ud800c", ["abc"]),
        ("ab\x1b[3b", ["abbbb"]),
        ("\x1b(0lqk\x1b(B q", ["┌─┐ q"]),
        ("abc\x1b[2D\x1b[@X", ["aXbc"]),
        ("abc\x1b[1G\x1b[P", ["bc"]),
        ("\x1b[4habc\x1b[1GX\x1b[4l", ["Xabc"]),
        ("1\r\n2\r\n3\x1b[2;3r\x1b[3;1H\n4\x1b[r", ["1", "3", "4"]),
        ("1\r\n2\x1b[H\x1b[L0", ["0", "1", "2"]),
        ("1\r\n2\x1b[H\x1bM0", ["0", "1", "2"]),
        ("a\x1b7b\x1b8c", ["ac"]),
        ("\x1b[3;4Hx", ["", "", "   x"]),
        ("ab\x1b[?1049hfull\x1b[?1049lc", ["abc"]),
        ("\x1b[?3h\x1b[?5hok", ["ok"]),
    ],
)
def test_what_a_program_draws(output: str, shown: list[str]) -> None:
    assert Terminal().feed(output).shown == shown
    assert Terminal().feed(*output).shown == shown


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]0;evil title\x07",
        "\x1b]0;evil title\x1b\\",
        "\x9d0;evil\x9c",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b]8;;http://evil\x1b\\",
        "\x1bP+q544e\x1b\\",
        "\x1b_Gf=24;AAAA\x1b\\",
        "\x1b^private\x1b\\",
        "\x1bXstring\x1b\\",
        "\x1b[>4;2m",
        "\x1b[?6n\x1b[?1;2c\x1b[>c\x1b[=c",
        "\x1b[1;2;3;4;5A" * 2,
        "\x1b[8;1;1t\x1b[22;0t",
        "\x1b[?1000h\x1b[?1006h\x1b[?9999h",
        "\x1b[5K\x1b[9J\x1b[;;;;;;;H",
        "\x1b#8\x1b[2J\x1b[3J\x1b[H",
        "\x1bc",
        "\x07\x0e\x0f\x1b=\x1b>\x1b%G",
    ],
)
def test_hostile_sequences_do_nothing(hostile: str) -> None:
    terminal = Terminal().feed(hostile, "\x1b[Hok")
    assert terminal.shown[:1] == ["ok"]
    assert not any("evil" in text or "AAAA" in text for text in terminal.shown + terminal.history)
    assert Terminal().feed(*hostile, "\x1b[Hok").shown[:1] == ["ok"]


@pytest.mark.parametrize("hostile", [("9" * 100_000, "A"), ("1;" * 10_000, "m\x1b[m")], ids=["long", "many"])
def test_numbers_without_end_do_nothing(hostile: tuple[str, str]) -> None:
    assert Terminal().feed("\x1b[", *hostile, "ok").shown == ["ok"]
    assert Terminal().feed("\x1b[" + "".join(hostile) + "ok").shown == ["ok"]


def test_a_title_that_never_ends_hides_one_line() -> None:
    assert Terminal().feed("\x1b]0;evil\r\nseen").shown == ["", "seen"]


def test_only_the_users_own_program_is_answered() -> None:
    terminal = Terminal().feed("ab\x1b[6n\x1b[c\x1b[5n")
    assert terminal.answers == ["\x1b[1;3R", "\x1b[?6c", "\x1b[0n"]
    silent = EmulatedScreen(20, 5, lambda row: None)
    Escapes(silent).feed("\x1b[6n")


@pytest.mark.parametrize(
    ("codes", "pen"),
    [
        ("31", Pen(fg="red")),
        ("97;42", Pen(fg="bright_white", bg="green")),
        ("1;2;3;4;7;8;9", Pen("", "", True, True, True, True, True, True, True)),
        ("1;31;22;39", Pen()),
        ("38;5;200", Pen(fg="color(200)")),
        ("48;2;1;2;255", Pen(bg="#0102ff")),
        ("38:2::1:2:3;4:3", Pen(fg="#010203", underline=True)),
        ("58;5;1;31", Pen(fg="red")),
        ("38;5;999", Pen()),
        ("38", Pen()),
        ("38;2;1", Pen()),
        ("31;", Pen()),
        ("", Pen()),
    ],
)
def test_colours(codes: str, pen: Pen) -> None:
    assert drawn(Pen(), codes.split(";")) == pen


def test_colours_are_kept_as_runs_and_erased_in_their_background() -> None:
    terminal = Terminal().feed("a\x1b[31mb\x1b[0mc   \r\n\x1b[44m\x1b[K")
    first, second = terminal.screen.rows()
    assert first.line == (("a", Pen()), ("b", Pen(fg="red")), ("c", Pen()))
    assert second.line == ((" " * 20, Pen(bg="blue")),)


def test_what_scrolls_off_is_kept_and_wrapped_lines_stay_one() -> None:
    terminal = Terminal(10, 3).feed("a" * 25, "\r\nb\r\nc\r\nd")
    assert terminal.history == ["a" * 10, "a" * 10, "a" * 5]
    terminal.past.fit(30)
    assert terminal.history == ["a" * 25]


def test_what_a_program_clears_away_is_kept() -> None:
    terminal = Terminal().feed("one\r\ntwo\x1b[H\x1b[2J\x1b[3Jthree")
    assert terminal.history == ["one", "two"]
    assert terminal.shown == ["three"]


def test_a_full_screen_program_leaves_nothing_behind() -> None:
    terminal = Terminal().feed("before\r\n\x1b[?1049h\x1b[2J", "x\r\n" * 50)
    assert terminal.screen.alternate
    assert terminal.history == []
    terminal.screen.resize(3, 10)
    terminal.feed("\x1b[?1049lafter")
    assert terminal.shown == ["before", "after"]


@pytest.mark.parametrize("returns", [True, False])
def test_a_flood_of_lines_is_kept_as_if_it_were_drawn(returns: bool) -> None:
    lines = [f"line {n} " + "x" * (n % 50) for n in range(400)]
    newline = "\n" if returns else "\r\n"
    text = newline.join(lines)
    flooded = Terminal(returns=returns).feed("\x1b[32mab", text)
    drawn_singly = Terminal(returns=returns).feed("\x1b[32mab", *text)
    assert flooded.past.rows == drawn_singly.past.rows
    assert flooded.screen.rows() == drawn_singly.screen.rows()
    assert (flooded.screen.cursor.x, flooded.screen.cursor.y) == (
        drawn_singly.screen.cursor.x,
        drawn_singly.screen.cursor.y,
    )


def test_lines_are_folded_anew_with_the_cursor() -> None:
    terminal = Terminal(20, 5).feed("hello\r\n" + "x" * 35 + "\r\n$ ls")
    terminal.screen.resize(5, 10)
    assert terminal.history == ["hello"]
    assert terminal.shown == ["x" * 10, "x" * 10, "x" * 10, "xxxxx", "$ ls"]
    terminal.screen.resize(5, 40)
    assert terminal.feed(" -l").shown == ["x" * 35, "$ ls -l"]


def test_the_scrollback_is_bounded() -> None:
    past = Scrollback(80)
    for n in range(MOST_LINES * 2):
        past.add(Row(((f"{n}", Pen()),)))
    assert MOST_LINES <= len(past.rows) <= MOST_LINES + 500
    assert past.gone + len(past.rows) == MOST_LINES * 2
    assert text_of(past.rows[-1].line) == str(MOST_LINES * 2 - 1)


def test_a_megabyte_on_one_line() -> None:
    terminal = Terminal(80, 24).feed(*["ab" * 5000] * 150)
    assert sum(map(len, terminal.history)) <= MOST_CHARS + LINE_CHARS
    assert len(terminal.shown) == 24
    terminal.past.fit(7)
    assert max(map(len, terminal.history)) <= 7


OUTPUT = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            lambda private, numbers, final: f"\x1b[{private}{numbers}{final}",
            st.sampled_from(["", "?", ">", "="]),
            st.from_regex(r"[0-9]{0,4}(;[0-9]{0,4}){0,3}", fullmatch=True),
            st.sampled_from("@ABCDEFGHIJKLMPSTXZ`abcdefghlmnrsu"),
        ),
        st.sampled_from(
            ["\r", "\n", "\t", "\b", "\x1bM", "\x1bD", "\x1b7", "\x1b8", "\x1bc", "\x1b(0", "漢"]
        ),
        st.sampled_from(["\x1b[?1049h", "\x1b[?1049l", "\x1b[?6h", "\x1b[4h", "\x1b[?7l", "\x1b[2;4r"]),
        st.tuples(st.integers(-2, 40), st.integers(-2, 12)),
    ),
    max_size=40,
)


@given(OUTPUT)
@example(["\x1b[?7l", "0" * 11 + "漢"])
def test_nothing_a_program_prints_breaks_the_screen(output: list[str | tuple[int, int]]) -> None:
    terminal = Terminal(12, 4)
    for piece in output:
        if isinstance(piece, tuple):
            terminal.screen.resize(piece[1], piece[0])
            terminal.past.fit(max(piece[0], 2))
        else:
            terminal.feed(piece)
        screen = terminal.screen
        assert len(screen.rows(cursor=True)) <= screen.lines
        assert 0 <= screen.cursor.x <= screen.columns
        assert 0 <= screen.cursor.y < screen.lines
        for row in screen.rows():
            assert width_of(row.line) <= screen.columns
            assert not any(ord(character) < 32 for character in text_of(row.line))
    terminal.screen.leave()
    assert not terminal.screen.alternate


@given(
    st.lists(st.tuples(st.text(st.sampled_from("ab 漢é"), min_size=1), st.sampled_from([Pen(), Pen("red")]))),
    st.integers(0, 12),
)
def test_folding_loses_nothing(runs: list[tuple[str, Pen]], width: int) -> None:
    line = tuple(runs)
    rows = split(line, width)
    assert "".join(text_of(row.line) for row in rows) == text_of(line)
    assert all(width_of(row.line) <= max(width, 2) for row in rows)
    assert [row.wrapped for row in rows] == [True] * (len(rows) - 1) + [False]


@given(st.lists(st.builds(Cell, st.sampled_from(["a", " "]), st.sampled_from([Pen(), Pen("red")]))))
def test_cells_become_runs_and_cells_again(row: list[Cell]) -> None:
    line = cells.of_cells(row)
    back = cells.to_cells(line)
    assert back == row[: len(back)]
    assert all(cell.data == " " for cell in row[len(back) :])


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "character", "code"),
    [
        ("a", "a", "a"),
        ("A", "A", "A"),
        ("left_square_bracket", "[", "["),
        ("é", "é", "é"),
        ("enter", "\r", "\r"),
        ("backspace", "\x7f", "\x7f"),
        ("escape", "\x1b", "\x1b"),
        ("tab", "\t", "\t"),
        ("shift+tab", None, "\x1b[Z"),
        ("ctrl+c", "\x03", "\x03"),
        ("ctrl+z", "\x1a", "\x1a"),
        ("ctrl+at", "\x00", "\x00"),
        ("ctrl+underscore", "\x1f", "\x1f"),
        ("alt+b", "b", "\x1bb"),
        ("up", None, "\x1b[A"),
        ("shift+up", None, "\x1b[1;2A"),
        ("ctrl+right", None, "\x1b[1;5C"),
        ("ctrl+shift+end", None, "\x1b[1;6F"),
        ("home", None, "\x1b[H"),
        ("delete", None, "\x1b[3~"),
        ("ctrl+pageup", None, "\x1b[5;5~"),
        ("f1", None, "\x1bOP"),
        ("f5", None, "\x1b[15~"),
        ("f12", None, "\x1b[24~"),
        ("shift+f1", None, "\x1b[1;2P"),
        ("<ignore>", None, ""),
    ],
)
def test_keys_are_sent_as_xterm_sends_them(key: str, character: str | None, code: str) -> None:
    assert key_codes.code(key, character) == code


def test_cursor_keys_of_full_screen_programs() -> None:
    assert key_codes.code("up", None, application=True) == "\x1bOA"
    assert key_codes.code("shift+up", None, application=True) == "\x1b[1;2A"


def test_a_paste_cannot_end_itself() -> None:
    assert key_codes.pasted("a\r\nb\nc", bracketed=False) == "a\rb\rc"
    assert key_codes.pasted("a\x1b[201~\nb", bracketed=True) == "\x1b[200~a[201~\rb\x1b[201~"


# --- channels -----------------------------------------------------------------------------------


def test_titles_output_and_ends_keep_their_order() -> None:
    past = Scrollback(80)
    channel = Channel(past, lambda: (80, 24), returns=True)
    channel.begin("$ one")
    channel.feed("a\nb")
    channel.begin("$ two")
    channel.feed("\x1b[31mc")
    channel.end("exit code 1", failed=True)
    channel.end("twice")
    assert (channel.waiting, channel.idle) == (9, False)
    channel.digest(10)
    assert (channel.waiting, channel.idle) == (0, True)
    assert [text_of(row.line) for row in past.rows] == ["$ one", "a", "b", "$ two", "c", "exit code 1"]
    assert [row.line[0][1].role for row in past.rows] == ["title", "", "", "title", "", "failed"]


def test_a_flood_that_nobody_can_read_loses_its_middle() -> None:
    past = Scrollback(80)
    channel = Channel(past, lambda: (80, 24), returns=True, lossy=True)
    channel.begin("$ yes")
    for _ in range(20):
        channel.feed("\x1b]0;yes\n" + f"{'yes' * 100}\n" * 700)
    assert channel.waiting <= MOST_WAITING
    channel.feed("last\n")
    channel.end("exit code 0")
    channel.digest(100)
    shown = [text_of(row.line) for row in past.rows]
    assert shown[-2:] == ["last", "exit code 0"]
    assert any("characters are not shown" in line for line in shown)
    assert "$ yes" in shown
