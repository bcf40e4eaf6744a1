"""The window: budgets hold, nothing is dropped silently, the prompt only grows at its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.context.budget import FittedTier, blocks, fit, shares
from orchestrator.context.builder import build, documents_text
from orchestrator.context.system import EXAMPLES, fixed_messages
from orchestrator.types import Message, TierText, ToolCall

LOG = """# Session log

## Session S1: old
- first, which was long: it says this and that of what was done then

## Session S2: newer
- second

## Session S3: newest
- third
"""


def tier(number: int, text: str) -> TierText:
    return TierText(number, f"TIER{number}.md", f"/p/TIER{number}.md", text)


def counted(document: TierText) -> list[tuple[str, int]]:
    return [(block, len(block.split())) for block in blocks(document)]


def test_markers_of_generated_regions_are_not_shown_to_the_model() -> None:
    document = tier(3, "# B\n<!-- orch:begin x -->\nfact\n<!-- orch:end -->\n\nby hand\n")
    assert blocks(document) == ["# B\nfact", "by hand"]


def test_a_log_without_entries_is_read_as_text() -> None:
    assert blocks(tier(4, "# Session log: heron\n")) == ["# Session log: heron"]
    assert blocks(tier(4, "# Diary\n\nMonday: chose MySQL\n")) == ["# Diary", "Monday: chose MySQL"]
    assert blocks(tier(4, "")) == []


def test_what_a_model_merely_said_does_not_become_the_next_ones_fact() -> None:
    text = (
        "## Session S1: x\n1. Which port? [#2]\n   - Result: read settings.toml [#4, verified]\n"
        "   - Result: answered: The port is 99. [#5, claimed]\n"
        "- Answered: It is 99. [S1#5, claimed]\n- Rate table missing [#6, claimed]\n"
    )
    shown = "\n".join(blocks(tier(4, text)))
    assert "99" not in shown
    assert "verified" in shown
    assert "Rate table missing" in shown


def test_the_log_keeps_its_newest_entries_in_order() -> None:
    document = tier(4, LOG)
    fitted = fit(document, counted(document), 28)
    assert "newest" in fitted.text
    assert "old" not in fitted.text
    assert fitted.text.index("S2") < fitted.text.index("S3")
    assert fitted.left_out[0].what == "1 older entries of /p/TIER4.md"


@given(st.lists(st.integers(1, 300), min_size=12, max_size=40), st.integers(900, 1200))
def test_a_log_that_grows_seldom_moves_its_start(sizes: list[int], budget: int) -> None:
    entries = [(f"## Session S{number}: x", tokens) for number, tokens in enumerate(sizes)]
    document, before, moved = tier(4, ""), "", 0
    for count in range(1, len(entries) + 1):
        text = fit(document, entries[:count], budget).text
        assert text.endswith(entries[count - 1][0])
        moved += not text.startswith(before)
        before = text
    # each move gives up half of the budget, which has to be filled again before the next
    assert moved <= sum(sizes) // (768 // 2 - 300 + 1)
    assert moved <= len(sizes) // 2


def test_a_budget_that_differs_a_little_gives_the_same_log() -> None:
    entries = [(f"## Session S{number}: x", 100 + number % 7) for number in range(60)]
    texts = {fit(tier(4, ""), entries, budget).text for budget in range(1024, 1280, 8)}
    assert len(texts) == 1


def test_other_tiers_keep_their_beginning() -> None:
    document = tier(2, "# Title\n\none two three\n\nfour five six")
    fitted = fit(document, counted(document), 5)
    assert fitted.text == "# Title\n\none two three"
    assert fitted.left_out[0].tokens == 3


def test_one_block_too_large_is_cut_by_lines_and_said() -> None:
    document = tier(2, "\n".join(f"line {n}" for n in range(100)))
    fitted = fit(document, [(document.text, 200)], 20)
    assert fitted.text.startswith("line 0\n")
    assert fitted.tokens == 20
    assert fitted.left_out


def test_no_budget_means_nothing_and_says_so() -> None:
    document = tier(2, "fact")
    fitted = fit(document, [("fact", 1)], 0)
    assert (fitted.text, fitted.tokens) == ("", 0)
    assert fitted.left_out


def test_an_unused_share_flows_to_the_next_tier() -> None:
    assert shares([100, 2000, 50, 900], [600, 1500, 1200, 700]) == [100, 2000, 50, 900]
    assert shares([900, 900], [600, 100]) == [600, 100]


@given(
    st.lists(st.tuples(st.text(min_size=1), st.integers(0, 500)), max_size=20),
    st.integers(0, 2000),
    st.integers(1, 4),
)
def test_a_fitted_tier_never_exceeds_its_budget(
    parts: list[tuple[str, int]], budget: int, number: int
) -> None:
    fitted = fit(tier(number, ""), parts, budget)
    assert fitted.tokens <= budget
    assert bool(fitted.left_out) == (sum(tokens for _, tokens in parts) > budget)


@given(st.lists(st.integers(0, 3000), min_size=4, max_size=4))
def test_shares_spend_at_most_the_sum_of_budgets(wanted: list[int]) -> None:
    budgets = [600, 1500, 1200, 700]
    given_ = shares(wanted, budgets)
    assert sum(given_) <= sum(budgets)
    assert all(share <= want for share, want in zip(given_, wanted, strict=True))


@given(st.lists(st.text(min_size=1), max_size=8), st.integers(0, 8))
def test_a_longer_conversation_extends_the_prompt(texts: list[str], cut: int) -> None:
    fixed = fixed_messages("search(pattern): find")
    tiers = [FittedTier(tier(2, "x"), "x", 1)]
    said = [Message("user", text) for text in texts]
    short = build(fixed, 10, tiers, said[:cut], 1).messages
    long = build(fixed, 10, tiers, said, 1).messages
    assert long[: len(short)] == short


def test_without_documents_there_is_no_documents_turn() -> None:
    fixed = fixed_messages("search(pattern): find")
    window = build(fixed, 10, [], [Message("user", "hi")], 1)
    assert documents_text([]) == ""
    assert window.stable == window.base == len(fixed)
    assert len(window.messages) == len(fixed) + 1


def test_every_tool_has_an_example_and_native_models_get_none() -> None:
    assert {turn[1].name for turn in EXAMPLES if isinstance(turn[1], ToolCall)} >= {
        "search",
        "read",
        "write",
        "edit",
        "run",
        "shell",
        "git",
        "note",
    }
    native = fixed_messages("")
    assert len(native) == 1
    assert "Tools:" not in native[0].text
