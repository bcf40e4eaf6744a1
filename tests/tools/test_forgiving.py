"""What a model has not seen, has copied wrongly or has joined is met with the file, the setting, the plan."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.errors import ToolError
from orchestrator.tools.edit import everywhere
from orchestrator.tools.git import plan, plans
from orchestrator.tools.setting import find as by_name
from orchestrator.types import ToolCall
from tests.tools.conftest import Bench
from tests.tools.test_git import READS, WRITES

NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUE = st.from_regex(r"v[a-z0-9.]{0,8}", fullmatch=True)


# --- search -------------------------------------------------------------------------------------


def test_two_hits_are_shown_with_their_lines_and_three_without(bench: Bench) -> None:
    path = bench.file("a.txt", "".join(f"line {n}\n" for n in range(1, 21)))
    path.write_text(path.read_text().replace("line 10", "needle"))
    few = bench("search", pattern="needle").text.splitlines()
    around = [f"{n}: {'needle' if n == 10 else f'line {n}'}" for n in range(7, 14)]
    assert [line.strip() for line in few] == ["a.txt:10: needle", *around, "(1 match in 1 file)"]
    many = bench("search", pattern="line 1[1-3]").text.splitlines()
    assert many == ["a.txt:11: line 11", "a.txt:12: line 12", "a.txt:13: line 13", "(3 matches in 1 file)"]


def test_the_path_of_a_file_finds_the_file_and_not_its_mentions(bench: Bench) -> None:
    bench.file("src/settings.ini", "port = 1\n")
    bench.file("README.md", "See src/settings.ini.\n")
    assert bench("search", pattern="src/settings.ini").text.startswith("src/settings.ini:\n1: port = 1")


def test_the_one_file_of_a_name_is_shown_if_it_is_small(bench: Bench) -> None:
    bench.file("src/settings.ini", "port = 1\n")
    bench.file("src/large.ini", "port = 1\n" * 500)
    assert "1: port = 1" in bench("search", pattern="settings.ini").text
    assert bench("search", pattern="large.ini").text == "src/large.ini\n(1 file name for large.ini)"


# --- write --------------------------------------------------------------------------------------


def test_a_file_that_was_not_seen_is_shown_before_it_is_replaced(bench: Bench) -> None:
    path = bench.file("a.txt", "keep me\n")
    refused = bench("write", path="a.txt", content="x\n")
    assert not refused.ok
    assert "1: keep me" in refused.text
    assert path.read_text() == "keep me\n"
    assert bench("write", path="a.txt", content="x\n").ok
    assert path.read_text() == "x\n"


def test_a_fragment_is_not_written_over_a_file(bench: Bench) -> None:
    path = bench.file("a.txt", "".join(f"line {n}\n" for n in range(9)))
    bench("read", path="a.txt")
    refused = bench("write", path="a.txt", content="line 10\n")
    assert not refused.ok
    assert "would lose 9 of 9 lines" in refused.text
    assert path.read_text().count("\n") == 9
    assert bench("write", path="a.txt", content="".join(f"new {n}\n" for n in range(8))).ok
    assert bench("write", path="a.txt", content="".join(f"new {n}\n" for n in range(12))).ok


def test_an_empty_file_and_ones_own_are_written_at_once(bench: Bench) -> None:
    bench.file("empty.txt", "\n")
    assert bench("write", path="empty.txt", content="x\n").ok
    assert bench("write", path="new.txt", content="x\n").ok
    assert bench("write", path="new.txt", content="y\n").ok


def test_a_change_shows_its_first_new_lines(bench: Bench) -> None:
    bench.file("a.txt", "".join(f"{n}\n" for n in range(1, 5)))
    text = bench("edit", path="a.txt", old="3\n", new="".join(f"new {n}\n" for n in range(9))).text
    assert text.splitlines() == ["a.txt changed +9 −1", *(f"{n + 3}: new {n}" for n in range(6))]


# --- edit ---------------------------------------------------------------------------------------


def test_a_missed_place_shows_a_small_file_and_then_offers_its_lines(bench: Bench) -> None:
    bench.file("a.txt", "alpha\nbeta\nbeta\n")
    spec = next(spec for spec in bench.toolbox.specs if spec.name == "edit")
    for times in (1, 2):
        assert bench.toolbox.narrowed(spec) == spec
        missed = bench("edit", path="a.txt", old="gamma delta", new="x")
        assert "1: alpha\n2: beta\n3: beta" in missed.text, times
    path, old, _ = bench.toolbox.narrowed(spec).parameters
    assert path.choices == ("a.txt",)
    assert old.choices[0] == "alpha"
    assert all((bench.root / "a.txt").read_text().count(text) == 1 for text in old.choices)
    assert bench("edit", path="a.txt", old="alpha", new="x").ok
    assert bench.toolbox.narrowed(spec) == spec


def test_misses_of_another_file_do_not_count(bench: Bench) -> None:
    spec = next(spec for spec in bench.toolbox.specs if spec.name == "edit")
    for name in ("a.txt", "b.txt"):
        bench.file(name, "alpha\n")
        bench("edit", path=name, old="gamma", new="x")
    assert bench.toolbox.narrowed(spec) == spec


@given(st.dictionaries(NAME, VALUE, min_size=1, max_size=6), st.data())
def test_a_setting_found_by_name_changes_one_value(settings: dict[str, str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(settings)))
    now = data.draw(VALUE)
    mark, quote = data.draw(st.sampled_from([" = ", "=", ": "])), data.draw(st.sampled_from(["", '"', "'"]))
    text = "".join(f"{key}{mark}{quote}{value}{quote}\n" for key, value in settings.items())
    place = by_name(text, f"{name} = never{now}", f"{name} = {now}", ".ini")
    assert place is not None
    changed = text[: place.start] + place.new + text[place.end :]
    assert changed == "".join(
        f"{key}{mark}{quote}{now if key == name else value}{quote}\n" for key, value in settings.items()
    )


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("port = 1\nport = 2\n", "port = 3", "port = 4"),
        ("ports = 1\n", "port = 3", "port = 4"),
        ("port = [1, 2]\n", "port = 3", "port = 4"),
        ("port == 1\n", "port = 3", "port = 4"),
        ("port = 1\n", "port = 3", "host = 4"),
        ("aXb = 1\n", "a.b = 3", "a.b = 4"),
        ("let x = a.b(c)\n", "x = 2", "x = 3"),
        ('<a href="x">t</a>', 'href="y"', 'href="z"'),
        ("x = None\n", "x = 'a'", "x = 'hello'"),
        ("color: red;\n", "color: blue;", "color: green;"),
        ('name = "demo"\n', "name = y", 'name = a"b'),
        ('a = "x"\n', "a = y", 'a = "'),
        ("#port = 5\n", "port = 4", "port = 6"),
        ("port = 5\n", "port = 4", "port = many"),
        ("on = true\n", "on = 1", "on = 2"),
        ("x = " + " " * 400 + "1", "x = " + " " * 400 + "1" + " " * 400 + "\nz", "x = 2"),
    ],
)
@pytest.mark.parametrize("suffix", [".py", ".html", ".css", ".js"])
def test_what_is_not_one_setting_is_not_guessed(text: str, old: str, new: str, suffix: str) -> None:
    assert by_name(text, old, new, suffix) is None


@pytest.mark.parametrize(
    ("text", "old", "new", "now"),
    [
        ('{"port": 3000, "on": false}', "port = 80", "port = 8088", '{"port": 8088, "on": false}'),
        ('{"port": 3000, "on": false}', "on = True", "on = True ", None),
        ('{"port": 3000, "on": false}', "on = False", "on = True", '{"port": 3000, "on": true}'),
        ("debug = False\n", "debug: false", "debug: true", "debug = True\n"),
        ('name = "x"\n', "name = y", "name = z", 'name = "z"\n'),
        ("timeout: 3 # s\n", "timeout: 4", "timeout: 5", "timeout: 5 # s\n"),
    ],
)
def test_the_file_s_own_way_of_writing_stays(text: str, old: str, new: str, now: str | None) -> None:
    place = by_name(text, old, new, ".py")
    assert (place and text[: place.start] + place.new + text[place.end :]) == now


def test_a_setting_in_a_file_with_crlf_keeps_its_ends(bench: Bench) -> None:
    path = bench.file("a.ini", b"[x]\r\nport\t= 8000\r\nhost = h\r\n")
    assert bench("edit", path="a.ini", old="port = 80", new="port = 9000").ok
    assert path.read_bytes() == b"[x]\r\nport\t= 9000\r\nhost = h\r\n"


@given(st.lists(st.sampled_from(["foo", "foobar", "xfoo", " ", "\n", "\r\n", "\t", "(", "-"])))
def test_everywhere_replaces_whole_names_only(parts: list[str]) -> None:
    content = "".join(parts)
    done, count = everywhere(content, "foo", r"\1")
    assert count == done.count(r"\1")
    assert re.split(r"\W+", done.replace(r"\1", "foo")) == re.split(r"\W+", content)
    assert not re.search(r"(?<!\w)foo(?!\w)", done)
    assert re.findall(r"\s", done) == re.findall(r"\s", content)


def test_a_name_is_replaced_in_all_its_places(bench: Bench) -> None:
    path = bench.file("a.txt", b"v1.0\r\n1.0\t1.0 1x0 1.01\r\n")
    result = bench("edit", path="a.txt", old="1.0", new="2.0")
    assert result.ok
    assert path.read_bytes() == b"v1.0\r\n2.0\t2.0 1x0 1.01\r\n"


def test_a_name_that_is_only_part_of_others_is_changed_nowhere(bench: Bench) -> None:
    path = bench.file("a.py", "foobar = 1\nfoobaz = 2\n")
    assert not bench("edit", path="a.py", old="foo", new="bar").ok
    assert path.read_text() == "foobar = 1\nfoobaz = 2\n"
    bench.file("b.py", "def foo():\n    a.foo()\n    foobar()\n")
    assert "(2 places)" in bench("edit", path="b.py", old="foo", new="run").text


@pytest.mark.parametrize("tab", ["    ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_following_lines_are_indented_where_the_file_would_break(bench: Bench, tab: str, end: str) -> None:
    source = f"if x:{end}{tab}a(){end}{tab}b(){end}"
    path = bench.file("a.py", source.encode())
    assert bench("edit", path="a.py", old="a()", new="c()\nd()").ok
    assert path.read_bytes().decode() == source.replace("a()", f"c(){end}{tab}d()")


def test_a_missing_path_is_the_one_file_of_that_name(bench: Bench) -> None:
    path = bench.file("src/app (1)+.py", "x = 1\n")
    assert "src/app (1)+.py changed" in bench("edit", path="app (1)+.py", old="x = 1", new="x = 2").text
    assert path.read_text() == "x = 2\n"
    bench.file("lib/app (1)+.py", "x = 2\n")
    assert not bench("edit", path="app (1)+.py", old="x = 2", new="x = 3").ok


def test_no_namesake_outside_or_kept_by_git(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x = 1\n")
    (bench.root / "link").symlink_to(tmp_path)
    (bench.root / "secret.txt.link").symlink_to(secret)
    config = bench.file(".git/config", "x = 1\n")
    checkpoint = bench.file(".orchestrator/secret.txt", "x = 1\n")
    for path in ("secret.txt", "config", "sub/config", "a/secret.txt.link"):
        assert not bench("edit", path=path, old="x = 1", new="x = 2").ok
    assert [one.read_text() for one in (secret, config, checkpoint)] == ["x = 1\n"] * 3


def test_a_number_is_not_the_beginning_of_a_longer_one(bench: Bench) -> None:
    path = bench.file("a.json", '{"x": {"burst": 10}, "y": {"burst": 1000}}\n')
    assert bench("edit", path="a.json", old='"burst": 10', new='"burst": 15').ok
    assert path.read_text() == '{"x": {"burst": 15}, "y": {"burst": 1000}}\n'


# --- run ----------------------------------------------------------------------------------------


def test_a_command_line_that_is_no_python_is_run_by_the_shell(bench: Bench) -> None:
    bench.file("a.txt", "one\ntwo\n")
    assert bench("run", code="cat a.txt | tail -1").text.startswith("two")
    assert bench("run", code="1 + 1").text.startswith("2")
    assert "a.txt" in bench("run", code="ls -a").text
    assert "SyntaxError" in bench("run", code="test = = 1").text
    shown = bench.toolbox.preview(ToolCall("run", {"code": "cat a.txt | tail -1"}))
    assert shown.title == "shell"
    assert "SyntaxError" in bench("run", code="nosuchprogram = = 1").text


# --- git ----------------------------------------------------------------------------------------


def test_separators_in_quotes_join_nothing() -> None:
    root = Path("/tmp")
    for command in ("commit -m 'x && y'", 'commit -m "a; b"', "log --format=%h;%s"):
        assert plans(command, root) == [plan(command, root)]
    assert plans("status; ", root) == [plan("status", root)]


REFUSED = ("push", "-c core.pager=x log", "log --output=x", "diff /etc/passwd a", "log | head", "grep -Ox y")


@given(
    st.lists(st.sampled_from((*READS, *WRITES, *REFUSED)), min_size=2, max_size=4),
    st.sampled_from(["; ", " ; ", " && ", "&&"]),
)
def test_joined_commands_get_through_what_each_does(commands: list[str], joint: str) -> None:
    root = Path("/tmp")
    assume(not any("-- " in command for command in commands))
    if any(command in REFUSED for command in commands):
        with pytest.raises(ToolError):
            plans(joint.join(commands), root)
    else:
        assert plans(joint.join(commands), root) == [plan(command, root) for command in commands]


@given(st.text(alphabet="ab;&|<> '\"\\-$`\n", max_size=24))
def test_whatever_is_joined_every_part_is_a_known_command(rest: str) -> None:
    try:
        found = plans(f"status {rest}", Path("/tmp"))
    except ToolError:
        return
    assert all(one.effect == "read" for one in found)


@pytest.fixture
def repository(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada Lovelace\nemail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=bench.root, check=True)
    bench.file("a.txt", "one\n")
    return bench


def test_joined_commands_run_until_one_fails(repository: Bench) -> None:
    assert repository("git", command='add -A && git commit -qm "a; b && c"; log --format=%s').ok
    assert repository("git", command="log --format=%s").text == "a; b && c"
    bench_file = repository.file("a.txt", "two\n")
    assert "Nothing is staged" in repository("git", command="commit -m x").text
    assert repository("git", command="restore a.txt").ok
    assert bench_file.read_text() == "one\n"
    failed = repository("git", command="checkout nowhere && branch never")
    assert not failed.ok
    assert repository("git", command="branch").text == "* main"
    effect = repository.toolbox.effect(ToolCall("git", {"command": "status; branch new"}))
    assert effect == "command"


def test_log_is_one_line_a_commit_and_knows_full_names(repository: Bench) -> None:
    repository("git", command="add -A && commit -qm first")
    line = repository("git", command="log --author Ada Lovelace").text
    assert re.fullmatch(r"[0-9a-f]{7,} \d{4}-\d\d-\d\d Ada Lovelace: first", line)
    assert repository("git", command="log --author Ada Byron").text == "[no output; exit code 0]"
    assert repository("git", command="log --format=%an").text == "Ada Lovelace"


def test_usage_is_cut_and_an_empty_diff_tells_the_status(repository: Bench) -> None:
    assert len(repository("git", command="branch --nonsense").text.splitlines()) <= 4
    assert repository("git", command="diff").text.endswith("status --short: ?? a.txt")
