"""Estimates of tokens are from above, and servers' counts correct them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.models.estimate import Correction, estimate

TEXTS = {
    "prose": "It was the best of times, it was the worst of times, it was the age of wisdom. " * 10,
    "code": Path(__file__).read_text(encoding="utf-8"),
    "json": '{"tool":"write","path":"src/app.py","content":"def main() -> int:\\n    return 0"}' * 10,
    "checksums": "845dbda0ea48ed749caafd9e6037047aa19acfcfd82e704d7ca97d631a0b697e\n" * 10,
    "base64": "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZkdISUpLTE1OT1A4Nzc2NTU0NDMzMjIx" * 10,
    "german": "Die Donaudampfschifffahrtsgesellschaft betreibt größere Schiffe auf der Donau. " * 10,
    "russian": "Каждый охотник желает знать, где сидит фазан. " * 10,
    "greek": "Η τεχνητή νοημοσύνη αλλάζει τον κόσμο. " * 10,
    "chinese": "人工智能正在改变世界，很多公司开始使用本地模型。" * 10,
    "hindi": "कृत्रिम बुद्धिमत्ता दुनिया को बदल रही है। " * 10,
    "listing": "-rw-r--r-- 1 root root  1234567 Nov 25 01:14 libgomp.so.1.0.0\n" * 10,
}


@pytest.mark.model
@pytest.mark.parametrize("name", TEXTS)
def test_never_below_what_the_real_tokenizer_counts(name: str, small_model: Path) -> None:
    from llama_cpp import Llama

    vocabulary = Llama(str(small_model), vocab_only=True, verbose=False)
    try:
        counted = len(vocabulary.tokenize(TEXTS[name].encode(), add_bos=False, special=False))
    finally:
        vocabulary.close()
    assert counted <= estimate(TEXTS[name]) <= 3.5 * counted


def test_counts_correct_the_estimates_from_the_highest_of_the_last() -> None:
    correction = Correction()
    text = TEXTS["chinese"]
    before = correction.tokens(text)
    correction.learn(1000, 500)
    assert correction.tokens(text) < before
    correction.learn(1000, 900)
    correction.learn(1000, 500)
    assert correction.factor == pytest.approx(0.9 * 1.05)
    assert correction.least == 0.5
    for _ in range(8):
        correction.learn(1000, 500)
    assert correction.factor == pytest.approx(0.5 * 1.05)


def test_a_short_prompt_or_no_count_teaches_nothing() -> None:
    correction = Correction(0.7)
    correction.learn(100, 50)
    correction.learn(1000, 0)
    assert correction.factor == 0.7


def test_it_is_linear_in_the_text() -> None:
    assert estimate("") == 0
    long = TEXTS["base64"] * 100
    assert estimate(long) <= 1.2 * len(long)
