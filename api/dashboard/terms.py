"""The words of pages that need a sentence where they stand, and those of the log. The reference says them in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """What a word means, in a sentence or two, and where docs/reference explains it: the page, and its words there."""

    text: str
    page: str
    known_as: str


def _word(name: str, text: str) -> Term:
    return Term(text, "glossary.md", f"**{name}**")


def _scored(protocol: str, text: str) -> Term:
    return Term(f"A scoring protocol: {text}.", "protocols.md", f"| `{protocol}` |")


TERMS: Mapping[str, Term] = {
    "hypervolume": _word(
        "hypervolume",
        "How much the front covers between its networks and the reference point, which is bicubic's scores for quality "
        "and the limits for cost. Larger is better; 0 until a network beats the reference in every objective.",
    ),
    "protocol": _word(
        "protocol",
        "How an image is compared with the truth: channel, range, rounding, borders. Scores under different protocols "
        "do not compare.",
    ),
    "y-float": _scored("y-float", "brightness (luma) without rounding, and without a border as wide as the scale"),
    "falsr": _scored("falsr", "brightness (luma) of 8-bit colours, rounded as the script released with FALSR does"),
    "y-rounded": _scored("y-rounded", "brightness (luma) rounded to whole numbers, as most papers print"),
    "rgb": _scored("rgb", "the three colour channels, rounded to whole numbers"),
    "fsds": Term(
        "Likeness of two spectra in dB, as published; more is better. It hangs on single pixels: beside PSNR only.",
        "protocols.md",
        "**FSDS**",
    ),
    "fsds_si": Term(
        "FSDS without its dependence on where an image begins, in dB; more is better. Steadier from image to image.",
        "protocols.md",
        "**FSDS-SI**",
    ),
    "mult_adds": _word(
        "mult-adds",
        "Multiplications with additions for a picture of 230,400 pixels, 1280×720 once it is enlarged ×2: what a "
        "network costs to run.",
    ),
    "operator": _word(
        "operator",
        "Where a candidate comes from: drawn (initial, random), bred from others (mutation and the like), or a known "
        "network that is trained for longer (promotion) or from another seed (confirmation).",
    ),
    "survived": _word("survive", "Good enough to enter the population that next networks are bred from."),
    "rung": _word(
        "rung",
        "How long a candidate is trained: 0 is the shortest training, and the best go on to the next rung. Values of "
        "different rungs are never compared.",
    ),
    "promoted": _word("promotion", "Sent on to a longer training, the next rung."),
    "arm": _word(
        "arm",
        "Whether the model of outcomes picked a network (screened) or was left out on purpose (control): the two tell "
        "what the model is worth.",
    ),
    "tau": _word(
        "tau",
        "Kendall's tau: how far two rankings agree, from −1 over 0 (not at all) to 1 (wholly). A search says what the "
        "latest has to reach; below it, short trainings or the model rank too badly to be relied on.",
    ),
    "asked": _word("candidate", "Sent to training by the search."),
    "told": _word("outcome", "With an outcome, a score or a failure, that the search has learnt from."),
    "kin": _word("operator", "The candidates that this network was bred from, and those that were bred from it."),
    "correspondence": _word(
        "bands",
        "How much of the truth's spectrum the network brings back in each of five bands, from coarse shapes to fine "
        "detail: 1 is all of it. Short trainings learn little of the fine ones.",
    ),
}
"""By the word as pages have it."""

EVENTS: Mapping[str, str] = {
    "submitted": "Somebody handed in the search.",
    "queued": "It waits for a controller, and goes on by itself.",
    "claimed": "A controller, the process that advances searches, took it; its host and number are named.",
    "running": "A controller works on it.",
    "started": "Its images are read, and bicubic is scored on them.",
    "asked": "A candidate was sent to training: what bred it, and for which rung, 0 being the shortest training.",
    "told": "The search learnt how a training ended: a score or a failure.",
    "rung raised": "Short trainings ranked too badly: new networks start at a longer one.",
    "paused": "Nothing new is sent to training.",
    "completed": "Its budget is spent.",
    "cancelled": "Somebody ended it for good.",
    "failed": "It could not go on.",
    "extended": "Its budget has other limits.",
    "parallelism": "How many of its candidates may be in flight has changed.",
    "priority": "Which searches go before it has changed.",
    "abandoned": "Candidates in flight were given up.",
    "revived": "Candidates that were given up are in flight again.",
    "training progress": "How far a training is.",
    "training requested": "Somebody wants a network trained to the end.",
    "training started": "A controller took a full training.",
    "training completed": "A full training gave a finished model.",
    "training failed": "A full training ended without a model.",
    "training cancelled": "Somebody ended a full training.",
}
"""What the kinds of events mean, as a log writes them."""
