"""AlphaGenome's terms in their points, as people accept them before the real service answers."""

from __future__ import annotations

VERSION = "1"  # of these words: others are shown, and accepted, anew
ADDRESS = "https://alphagenome.google/terms"
POINTS = (
    "AlphaGenome is free of charge for non-commercial use only.",
    "Its outputs must not be used to train other machine learning models.",
    "Its outputs are no medical advice and not for clinical decisions.",
    "Rates vary with demand: it suits thousands of predictions, not more than a million.",
    "Publications that use it cite the AlphaGenome paper.",
)
SHARING_POINTS = (
    "The terms under which the key was given allow these people to share it.",
    "They also allow that answers are kept and given again to the same people.",
)
