"""The prompt helps the tools: where they look, which line is meant, what is forgiven, what is counted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tools.asked import Asked, alike
from orchestrator.tools.failed import is_test, sources
from orchestrator.tools.places import places
from orchestrator.tools.tally import tally
from orchestrator.tools.wording import wording
from orchestrator.types import ToolCall
from tests.tools.conftest import Bench

SETTINGS = "[web]\nport = 80\nhosts = ['a', 'b']\n\n[mail]\nlevel = 'low'\nsender = 'x'\n"


def asked(prompt: str) -> Asked:
    one = Asked()
    one.begin(prompt)
    return one


@given(st.text(max_size=200), st.text(max_size=400))
def test_any_prompt_and_any_file_are_met(prompt: str, content: str) -> None:
    one = asked(prompt)
    count = content.count("\n") + 1
    assert all(1 <= number <= count for number in one.lines_of(content))
    one.missing(content, prompt)
    one.focus(content)
    tally(content, "a.csv", one)


@pytest.mark.parametrize(
    ("word", "other", "same"),
    [
        ("cherries", "cherry", True),
        ("limite", "limit", True),
        ("owner", "owns", True),
        ("memory", "mem", True),
        ("subcommands", "commands", True),
        ("plan", "play", False),
        ("port", "sort", False),
        ("log", "dog", False),
    ],
)
def test_words_are_alike_but_for_their_endings(word: str, other: str, same: bool) -> None:
    assert alike(word, other) is same


def test_the_lines_that_a_prompt_means() -> None:
    assert asked("set the port to 9000").lines_of(SETTINGS) == [2]
    assert 6 in asked("put the level of mail to high").lines_of(SETTINGS)
    assert asked("translate this poem").lines_of(SETTINGS) == []


def test_a_place_is_found_by_its_rare_words(project: Path) -> None:
    (project / "notes.md").write_text("port\n\nthe port of the harbour\n")
    (project / "web.conf").write_text("# port\nlisten 7443;\n")
    best = places(project, ["notes.md", "web.conf"], asked("where is port 7443 used?"))[0]
    assert (best.path, best.line) == ("web.conf", 2)


# --- search and read ----------------------------------------------------------------------------


def test_a_search_in_vain_shows_what_the_question_is_about(bench: Bench) -> None:
    bench.file("etc/limits.yaml", "api:\n  retries: 3\n  mem_limit: 96m\n")
    bench.toolbox.begin("How much memory may the service use, what is its limit?")
    found = bench("search", pattern="maximum RAM")
    assert found.ok
    assert "etc/limits.yaml:3: mem_limit: 96m" in found.text


def test_the_best_hit_stands_last_once_more(bench: Bench) -> None:
    bench.file("a.txt", "exit 1\n" * 3 + "exit 7\n")
    bench.toolbox.begin("Where does it exit with 7?")
    assert bench("search", pattern="exit").text.endswith("most about the question: a.txt:4: exit 7")
    bench.toolbox.begin("list them")
    assert "most about" not in bench("search", pattern="exit").text


def test_a_definition_comes_first_with_what_belongs_to_it(bench: Bench) -> None:
    bench.file("use.py", "import box\n\nbox.Box().pack(1)\n")
    bench.file(
        "box.py",
        "class Box:\n    def pack(self, n):\n        if n < 0:\n            raise Full\n        return n\n",
    )
    text = bench("search", pattern="Box.pack").text
    assert text.startswith("box.py:2 in class Box: def pack(self, n):")
    assert "5:         return n" in text


def test_a_long_file_is_read_with_the_lines_asked_for_at_its_end(bench: Bench) -> None:
    bench.file("run.sh", "".join(f"step {n}\n" for n in range(20)) + "echo unreadable\nexit 4\n")
    bench.toolbox.begin("When does run.sh exit with code 4?")
    assert bench("read", path="run.sh").text.endswith("about the question:\n21: echo unreadable\n22: exit 4")


@pytest.mark.parametrize(
    ("name", "content", "prompt", "counted"),
    [
        ("a.csv", "id,kind\n1,oak\n2,elm\n3,oak\n", "how many oak trees?", "kind: 2 × oak"),
        (
            "a.yaml",
            "services:\n  web:\n    x: 1\n  db:\n    x: 2\n",
            "how many services?",
            "services: 2 (web, db)",
        ),
        ("a.json", '{"deps": {"a": 1, "b": 2}, "name": "x"}', "how many deps?", "deps: 2 (a, b)"),
        ("a.md", "# T\n- [ ] a\n- [x] b\n", "how many boxes are ticked?", "2 boxes, 1 ticked"),
        ("a.py", "def f():\n    pass\n", "how many functions?", "1 function or methods (f)"),
        ("a.js", "app.get('/a')\napp.get('/b')\napp.get('/c')\n", "how many routes?", "3 × app.get(…)"),
        ("a.txt", "# x\na\n\nb\n", "how many names?", "3 lines that are not empty, 2 of them no comment"),
    ],
)
def test_who_asks_how_many_gets_it_counted(
    bench: Bench, name: str, content: str, prompt: str, counted: str
) -> None:
    bench.file(name, content)
    bench.toolbox.begin(prompt)
    assert counted in bench("read", path=name).text.split("counted:\n")[1].split("\n")
    bench.toolbox.begin("show me")
    assert "counted:" not in bench("read", path=name).text


def test_how_many_files_of_a_folder_say_so(bench: Bench) -> None:
    for n, state in enumerate(("open", "done", "done")):
        bench.file(f"tickets/{n}.md", f"State: {state}\n")
    bench.toolbox.begin("How many tickets have the state done?")
    assert "done: in 2 files" in bench("read", path="tickets").text


# --- changes ------------------------------------------------------------------------------------


def test_the_folder_of_a_path_is_taken_from_the_prompt(bench: Bench) -> None:
    bench.toolbox.begin("Create lib/tags.py with a function tag")
    assert bench("write", path="tags.py", content="def tag(): ...\n").ok
    assert (bench.root / "lib/tags.py").exists()
    bench.toolbox.begin("Create tags.py like lib/tags.py")
    assert bench("write", path="tags.py", content="x = 1\n").ok
    assert (bench.root / "tags.py").read_text() == "x = 1\n"


@pytest.mark.parametrize("call", ["write", "edit"])
def test_a_line_to_be_added_is_added(bench: Bench, call: str) -> None:
    path = bench.file("prices.csv", "kind,price\nfig,2\nnut,3\n")
    bench.toolbox.begin("Add a row for kiwi with the price 4 to prices.csv")
    change = {"content": "kiwi,4"} if call == "write" else {"old": "plum,9", "new": "kiwi,4"}
    assert bench(call, path="prices.csv", **change).ok
    assert path.read_text() == "kind,price\nfig,2\nnut,3\nkiwi,4\n"


def test_a_line_that_is_to_go_goes(bench: Bench) -> None:
    path = bench.file(".env.sample", "A=1\nOLD_KEY=\nB=2\n")
    bench.toolbox.begin("Remove OLD_KEY from .env.sample, nobody needs it")
    assert bench("edit", path=".env.sample", old="OLD_KEY=", new="OLD_KEY=").ok
    assert path.read_text() == "A=1\nB=2\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [("hosts = [", "hosts = ['a', 'b', 'c']"), ("hosts = ['a', 'b']", "hosts = ['a', 'b', 'c']}")],
)
def test_the_beginning_of_a_line_and_a_bracket_too_many_are_understood(
    bench: Bench, old: str, new: str
) -> None:
    path = bench.file("a.toml", SETTINGS)
    bench("read", path="a.toml")
    assert bench("edit", path="a.toml", old=old, new=new).ok
    assert path.read_text() == SETTINGS.replace("['a', 'b']", "['a', 'b', 'c']")


def test_a_list_to_which_something_is_added_keeps_its_entries(bench: Bench) -> None:
    path = bench.file("a.toml", SETTINGS)
    bench.toolbox.begin("Add the host c to hosts in a.toml")
    assert bench("edit", path="a.toml", old="hosts = ['a', 'b']", new="hosts = ['c']").ok
    assert path.read_text() == SETTINGS.replace("['a', 'b']", "['a', 'b', 'c']")


def test_of_two_settings_of_one_name_the_one_that_is_named_is_changed(bench: Bench) -> None:
    bench.file("log.ini", "[file]\nlevel = LOW\n\n[console]\nkind = stream\nlevel = TOP\n")
    bench.toolbox.begin("Find the log's configuration and set the level of the console to MIDDLE")
    change = {"path": "log.ini", "old": "level = LOW", "new": "level = MIDDLE"}
    assert "6: level = TOP" in bench.toolbox.refusal(ToolCall("edit", change))


def test_blocks_behind_a_colon_are_unfolded(bench: Bench) -> None:
    code = "def f(a):\n    for b in a:\n        print(b)\n"
    assert bench("write", path="a.py", content="def f(a): for b in a: print(b)").ok
    assert (bench.root / "a.py").read_text() == code.replace("\n        print", " print")
    path = bench.file("b.py", "class A:\n    def g(self):\n        pass\n")
    folded = "class A:\n    def f(self, a): for b in a: print(b)\n"
    assert bench("edit", path="b.py", old="class A:", new=folded).ok
    compile(path.read_text(), "b.py", "exec")


def test_what_the_prompt_names_is_read_before_a_file_is_made_of_it(bench: Bench) -> None:
    bench.file("data/sales.csv", "who,sum\na,1\n")
    bench.toolbox.begin("Write total.py, it adds up data/sales.csv")
    write = ToolCall("write", {"path": "total.py", "content": "print(1)\n"})
    assert "data/sales.csv" in bench.toolbox.refusal(write)
    assert bench.toolbox.look() == ToolCall("read", {"path": "data/sales.csv"})
    bench.toolbox.told()
    assert bench.toolbox.refusal(write) == ""


def test_the_numbers_of_a_listing_are_not_written(bench: Bench) -> None:
    path = bench.file("a.toml", SETTINGS)
    listing = bench("read", path="a.toml").text.replace("port = 80", "port = 81")
    assert bench("write", path="a.toml", content=listing).ok
    assert path.read_text() == SETTINGS.replace("port = 80", "port = 81")


@pytest.mark.parametrize(
    ("there", "old", "new", "then"),
    [
        ("image: x/web:3.8", "web: 3.8", "web: 3.9", "image: x/web:3.9"),
        ("retries = 3", "retries=3", "retries=5", "retries = 5"),
        ("f(a,b)", "f(a, b)", "f(a, b, c)", "f(a,b, c)"),
    ],
)
def test_white_space_stays_where_nothing_else_changes(
    bench: Bench, there: str, old: str, new: str, then: str
) -> None:
    path = bench.file("a.txt", there + "\n")
    assert bench("edit", path="a.txt", old=old, new=new).ok
    assert path.read_text() == then + "\n"


def test_yaml_that_parsed_stays_so(bench: Bench) -> None:
    path = bench.file("a.yml", "a:\n  b: 1\n")
    assert "no longer parse" in bench("edit", path="a.yml", old="a:\n  b: 1", new="a: b: 2").text
    assert bench("edit", path="a.yml", old="b: 1", new="b: !mine 2").ok
    assert path.read_text() == "a:\n  b: !mine 2\n"


def test_a_comma_that_was_there_stays(bench: Bench) -> None:
    path = bench.file("a.json", '{\n  "a": 1,\n  "b": 2\n}\n')
    assert bench("edit", path="a.json", old='"a": 1,', new='"a": 5').ok
    assert path.read_text() == '{\n  "a": 5,\n  "b": 2\n}\n'


def test_a_change_beside_what_is_named_is_told_once(bench: Bench) -> None:
    bench.file("a.env", "FIRST=1\nSECOND=2\n")
    bench.toolbox.begin("Make SECOND true in a.env")
    told = bench.toolbox.refusal(ToolCall("edit", {"path": "a.env", "old": "FIRST=1", "new": "FIRST=x"}))
    assert "2: SECOND=2" in told
    bench.toolbox.told()
    assert bench("edit", path="a.env", old="FIRST=1", new="FIRST=x").ok


def test_a_value_of_the_prompt_is_missed_until_the_file_is_changed(bench: Bench) -> None:
    bench.file("a.md", "a receit, once\n")
    bench.toolbox.begin("'receit' should be 'receipt' in a.md")
    assert "new lacks receipt" in bench("edit", path="a.md", old="receit", new="recept").text
    assert bench("edit", path="a.md", old="receit", new="receipt").ok
    assert bench("edit", path="a.md", old="once", new="twice").ok


@pytest.mark.parametrize(
    ("prompt", "values"),
    [
        ("Set the port in app.ini to 9000 instead of 80", ("9000",)),
        ("pon burst a 15 en limits.json", ("15",)),
        ("page_count(31) must be 3; now it is 2.", ()),
        ('call("x", "y") fails with 3 arguments', ()),
        ("Make the check pass: `python3 -m unittest -q`", ()),
        ("'receit' should be 'receipt'", ("receit", "receipt")),
        ("Change the colour to #ff8800 and mail to a@b.org", ("#ff8800", "a@b.org")),
    ],
)
def test_values_are_what_something_becomes(prompt: str, values: tuple[str, ...]) -> None:
    assert wording(prompt).values == values


def test_the_test_that_fails_is_not_what_is_changed(bench: Bench) -> None:
    bench.file("src/cart.js", "exports.total = 1;\n")
    bench.file("test/cart.test.js", "const c = require('../src/cart');\n")
    assert is_test("test/cart.test.js")
    assert sources(bench.root, "test/cart.test.js") == ["src/cart.js"]
    change = ToolCall("edit", {"path": "test/cart.test.js", "old": "const c", "new": "const d"})
    bench.toolbox.begin("npm test fails. Please fix the bug.")
    assert "src/cart.js" in bench.toolbox.refusal(change)
    assert bench.toolbox.look() == ToolCall("read", {"path": "src/cart.js"})
    bench.toolbox.told()
    assert bench.toolbox.refusal(change) == ""
    bench.toolbox.begin("The test fails since the limit is new; change the test.")
    assert bench.toolbox.refusal(change) == ""


def test_what_is_to_stay_is_not_changed_at_the_first_try(bench: Bench) -> None:
    bench.file("notes.txt", "one\n")
    bench.file("README.md", "two\n")
    bench.toolbox.begin("Throw away my changes in notes.txt, but keep those in README.md.")
    assert "README.md" in bench.toolbox.refusal(ToolCall("git", {"command": "checkout README.md"}))
    assert "README.md" in bench.toolbox.refusal(ToolCall("git", {"command": "reset --hard"}))
    assert "README.md" in bench.toolbox.refusal(
        ToolCall("edit", {"path": "README.md", "old": "two", "new": "2"})
    )
    assert bench.toolbox.refusal(ToolCall("git", {"command": "checkout notes.txt"})) == ""
    assert bench.toolbox.refusal(ToolCall("git", {"command": "log README.md"})) == ""
    commit = {"command": "commit -m 'As README.md says' -- notes.txt"}
    assert bench.toolbox.refusal(ToolCall("git", commit)) == ""
    bench.toolbox.told()
    assert bench.toolbox.refusal(ToolCall("git", {"command": "checkout README.md"})) == ""


# --- commands -----------------------------------------------------------------------------------


def test_code_finds_the_modules_of_the_project_and_what_it_misjudged(confined: Bench) -> None:
    confined.file("pack/units.py", "def half(n):\n    return n / 2\n")
    confined.file("data.json", '{"a": {"n": 1}}\n')
    assert confined("run", code="from units import half\nhalf(5)").text == "2.5"
    assert not confined("run", code="import json\njson.load(open('data.json'))['n']}").ok
    assert confined.toolbox.look() == ToolCall("read", {"path": "data.json"})


def test_a_failure_says_where_the_code_is_and_how_the_script_is_called(confined: Bench) -> None:
    confined.file("calc.py", "def add(a, b):\n    return a - b\n")
    confined.file("tests/test_calc.py", "from calc import add\nassert add(1, 1) == 2\n")
    confined.file("tool.py", "import sys\nprint(sys.argv[1])\n")
    confined.file("README.md", "# Tool\n\n    python tool.py NAME\n")
    failed = confined("shell", command="PYTHONPATH=. python3 tests/test_calc.py")
    assert "What tests/test_calc.py tests is in calc.py." in failed.text
    assert "README.md:3: python tool.py NAME" in confined("shell", command="python3 tool.py").text


def test_git_in_the_shell_is_the_git_tool(confined: Bench) -> None:
    subprocess.run(["git", "init", "-q"], cwd=confined.root, check=True)
    confined.file("a.txt", "a")
    assert confined.toolbox.effect(ToolCall("shell", {"command": "git status"})) == "read"
    assert confined("shell", command="git add a.txt").ok
    assert "a.txt" in confined("shell", command="git status --short").text
    assert confined.toolbox.effect(ToolCall("shell", {"command": "git status; rm a.txt"})) == "command"


def test_commits_are_counted_for_who_asks_how_many(confined: Bench) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q"], cwd=confined.root, check=True)
    for n in range(3):
        subprocess.run([*git, "commit", "-qm", str(n), "--allow-empty"], cwd=confined.root, check=True)
    confined.toolbox.begin("How many commits are there?")
    assert confined("git", command="log").text.endswith("\n(3 commits)")


def test_only_the_file_that_is_named_is_committed(confined: Bench) -> None:
    subprocess.run(["git", "init", "-q"], cwd=confined.root, check=True)
    for key, value in (("name", "A"), ("email", "a@example.org")):
        subprocess.run(["git", "config", f"user.{key}", value], cwd=confined.root, check=True)
    for name in ("a.txt", "b.txt"):
        confined.file(name, "1")
    subprocess.run(["git", "add", "."], cwd=confined.root, check=True)
    subprocess.run(["git", "commit", "-qm", "x"], cwd=confined.root, check=True)
    for name in ("a.txt", "b.txt"):
        confined.file(name, "2")
    assert not confined("git", command="commit -m Two").ok
    confined.toolbox.begin("Commit only b.txt with the message Two, leave a.txt")
    assert confined("git", command="commit -m Two").ok
    assert "a.txt" in confined("git", command="status --short").text
    assert "b.txt" not in confined("git", command="status --short").text


def test_a_commit_is_found_by_its_message(confined: Bench) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q"], cwd=confined.root, check=True)
    for n in ("1", "2"):
        confined.file("a.txt", n)
        subprocess.run(["git", "add", "."], cwd=confined.root, check=True)
        subprocess.run([*git, "commit", "-qm", f"Set it to {n}"], cwd=confined.root, check=True)
    assert "-1" in confined("git", command="show 'set it to 2'").text
    assert not confined("git", command="show 'set it to 3'").ok


def test_a_wrong_call_is_told_from_an_answer(confined: Bench) -> None:
    confined.file("tool.py", "import sys\nprint(sys.argv[1])\n")
    assert confined("shell", command="python3 tool.py").again
    assert confined("shell", command="no-such-program").again
    assert not confined("shell", command="false").again
