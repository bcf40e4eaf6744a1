from __future__ import annotations

from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.documents import citations
from orchestrator.documents.citations import Place, evidence, generated, without
from orchestrator.documents.plain import prose
from orchestrator.documents.regions import digest, regenerate
from orchestrator.handoff.facts import Fact

RECORD = st.from_regex(r"S[0-9a-f]{4,12}#[1-9][0-9]{0,4}|#[1-9][0-9]{0,3}", fullmatch=True)
COMMIT = st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True)
PATH = st.from_regex(r"[a-z_]{1,8}(/[a-zA-Z0-9_-]{1,8}){0,3}\.[a-z]{1,4}", fullmatch=True)
STATUS = st.sampled_from(("verified", "claimed", "confirmed", ""))


@given(
    st.text(max_size=120),
    st.lists(RECORD, max_size=3),
    st.lists(COMMIT, max_size=2),
    st.lists(st.tuples(PATH, st.integers(0, 9999)), max_size=2),
    STATUS,
)
def test_what_a_fact_cites_is_read_from_its_line(
    text: str, records: list[str], commits: list[str], places: list[tuple[str, int]], status: str
) -> None:
    named = [f"{path}:{line}" if line else path for path, line in places]
    fact = Fact(prose(text), (*records, *commits, *named), status)
    found = evidence(f"- {fact.line}")
    if not (fact.cites or status):
        assert not found.records  # text that only looks like evidence names no record
        return
    assert found.records == tuple(records)
    assert found.commits == tuple(commits)
    assert found.places == tuple(Place(*place) for place in places)
    assert found.status == status
    assert found.text == f"- {fact.text}".strip()


def test_the_forms_of_evidence() -> None:
    line = "- `pytest` fails; supersedes D2 [S7f3a#4, exit 1 verified]"
    found = evidence(line)
    assert (found.records, found.exit_code, found.status) == (("S7f3a#4",), 1, "verified")
    assert found.supersedes == ("D2",)
    assert evidence("- x [S7f3a]").records == ("S7f3a",)
    flagged = evidence("- Changed `a.py` [S9aaa#4, stale: `a.py` is gone]")
    assert (flagged.cites, flagged.stale) == (("S9aaa#4",), "`a.py` is gone")
    assert evidence("- Python 12 [counted in 12 files]").cites == ("counted in 12 files",)
    assert evidence("- make [Makefile]").places == (Place("Makefile"),)
    for words in ("- see [the manual]", "- done [x y z]", "- []", "- a]", "[", "- [a, b c]", "- [S7f3a#0]"):
        assert not evidence(words), words


@given(
    st.text(alphabet=st.sampled_from("[]#,: \n\rSsab7019`<!->orchbegin/endsta=\0\x1b\u202e"), max_size=400)
)
def test_any_text_is_read_without_an_error(text: str) -> None:
    for line in generated(text):
        assert citations.whole(line).text is not None


HUMAN = st.lists(
    st.from_regex(r"[A-Za-z #\-*\[\]0-9,]{0,40}", fullmatch=True).map(lambda line: line.rstrip()), max_size=6
)
OURS = st.lists(
    st.tuples(
        st.sampled_from(("## Lessons", "- Fact [S7f3a#1, verified]", "", "- Other [S7f3a#2]")), st.booleans()
    ),
    max_size=12,
)


@given(HUMAN, OURS, HUMAN)
def test_only_the_lines_named_go_and_headings_that_lose_all_of_theirs(
    before: list[str], ours: list[tuple[str, bool]], after: list[str]
) -> None:
    content = "".join(f"{line}\n" for line, _ in ours)
    region = f"<!-- orch:begin s sha={digest(content.encode())} -->\n{content}<!-- orch:end -->"
    text = "\n".join([*before, region, *after])
    lines = generated(text)
    assert [line.text for line in lines] == [line for line, _ in ours]
    gone = {line.number for line, (_, drop) in zip(lines, ours, strict=True) if drop and line.evidence}
    human = set(range(1, text.count("\n") + 2)) - {line.number for line in lines}
    expected = set(gone)
    for place, line in enumerate(lines):
        if line.text.startswith("#"):
            under = list(takewhile(lambda one: not one.text.startswith("#"), lines[place + 1 :]))
            told = {one.number for one in under if one.text}
            expected |= {line.number} if told and told <= gone else set()
    left = [line for number, line in enumerate(text.split("\n"), 1) if number not in expected]
    assert without(text, lines, gone | human) == "\n".join(left)


def test_lines_of_the_log_know_their_session_and_a_heading_goes_with_its_last_line() -> None:
    text = (
        "# Log\n\nmine [S7f3a#9, verified]\n\n## Session S7f3a: today\n\n"
        "### Decisions\n- A [#3, confirmed]\n\n"
        "### Blockers\n- None.\n\n<!-- orch:session 7f3abc -->\n\n- theirs [#4]\n"
    )
    lines = generated(text)
    told = [line for line in lines if line.evidence]
    assert [(line.text, citations.whole(line).records) for line in told] == [
        ("- A [#3, confirmed]", ("S7f3abc#3",))
    ]
    assert "### Decisions" not in without(text, lines, [told[0].number])
    assert "### Blockers" in without(text, lines, [told[0].number])


def test_a_region_that_was_edited_says_so() -> None:
    made = regenerate(b"", {"s": "- A [S7f3a#1]"}).data.decode()
    assert [line.edited for line in generated(made)] == [False]
    assert [line.edited for line in generated(made.replace("- A", "- B"))] == [True]
    assert generated(made.replace("<!-- orch:end -->", "")) == ()
