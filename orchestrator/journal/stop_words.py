"""Words that say nothing about what a text is about, in the languages that people ask in. Data."""

from __future__ import annotations

_ENGLISH = """
    a about above after again against all am an and any are aren as at be because been before being
    below between both but by couldn d did didn do does doesn doing don down during each few for
    from further had hadn has hasn have haven having he her here hers herself him himself his how i
    if in into is isn its itself just ll m me more most mustn my myself needn no nor not now o of
    off on once only or other our ours ourselves out over own re s same shan she should shouldn so
    some such t than that the their theirs them themselves then there these they this those through
    to too under until up ve very was wasn we were weren what when where which while who whom why
    with won wouldn you your yours yourself yourselves also would could did get got let yes ok okay
"""
STOP = frozenset(_ENGLISH.split())
"""English function words: they are in no index. Not here: words that are names as well (will, may, us)."""

_WEAK_TEXT = "can will may might must us it please tell know remember say said"
WEAK = frozenset(_WEAK_TEXT.split())
"""Left out of a question that has others."""

_TEXTS = {
    "de": """
        der die das den dem des ein eine einen einem einer und oder aber ist sind war waren wir ich du
        er sie es ihr mich mir dich dir uns euch was wer wie wo wann warum welche welcher welches mit
        von zu zum zur im in am an auf aus bei für fur nach über uber unter vor nicht kein keine haben
        hat hatte habe wird werden wurde noch auch nur schon mal denn dass als so man
    """,
    "es": """
        el la los las un una unos unas y o pero es son era fue ser estar esta este esto que qué como
        cómo cuando cuándo donde dónde quien quién cual cuál por para con sin de del al en lo le se su
        sus mi mis tu tus nos no si ya más mas muy ha han hay he hemos
    """,
    "fr": """
        le la les un une des du de et ou mais est sont était etait être etre a ont avons avez que qui
        quoi quel quelle quels quelles comment quand où pourquoi pour par avec sans dans sur sous en au
        aux ce cette ces se sa son ses mon ma mes ton ta tes nous vous il elle ils elles je tu on ne pas
        plus y
    """,
    "it": """
        il lo la i gli le un uno una e o ma è sono era che chi cosa come quando dove perché quale quali
        per con senza di del della dei delle da dal in nel nella su al alla non si ci mi ti ha hanno
        abbiamo
    """,
    "pt": """
        o a os as um uma uns umas e ou mas é são era foi que quem qual como quando onde por para com sem
        de do da dos das em no na nos nas ao à se seu sua não mais muito há
    """,
    "nl": """
        de het een en of maar is zijn was waren wat wie hoe waar wanneer waarom welke met van voor naar
        op in aan uit bij niet geen ook nog maar dan dat die dit deze ik jij hij zij wij we
    """,
}
OTHER_STOPS = {language: frozenset(text.split()) for language, text in _TEXTS.items()}
"""Left out of a question in which two of them say which language it is."""
