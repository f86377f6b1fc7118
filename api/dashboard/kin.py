"""Whom a candidate comes from, and who comes from it: one generation either way."""

from __future__ import annotations

from dataclasses import dataclass

from nas.records import Candidate, CandidateState
from nas.service import Service

NEAR = 500
"""Candidates that are looked through for parents, and as many for children: those asked for just before and after."""

SHOWN = 24
"""Children that are named, at most."""


@dataclass(frozen=True, kw_only=True)
class Kin:
    """A relation of a candidate.

    Attributes:
        name: Its id, or the start of its digest where it is not among those asked for shortly before.
        href: Its page; empty where it is not known.
        operator: What bred it.
        psnr: What it scored, or where it stands.
        gain: How much more the child of the two scored; empty where either has no score.
    """

    name: str
    href: str = ""
    operator: str = ""
    psnr: str = ""
    gain: str = ""


def parents(candidate: Candidate, service: Service) -> list[Kin]:
    """The networks that a candidate was bred from, each by its first training that was asked for shortly before."""
    if not candidate.parents:
        return []
    before = service.candidates(candidate.search_id, after=max(-1, candidate.ordinal - NEAR - 1), limit=NEAR)
    known: dict[str, Candidate] = {}
    for other in before:
        if other.ordinal < candidate.ordinal:
            known.setdefault(other.genotype.digest, other)
    return [
        _kin(known[digest], _gain(candidate, known[digest])) if digest in known else Kin(name=digest[:8])
        for digest in dict.fromkeys(candidate.parents)
    ]


def children(candidate: Candidate, service: Service) -> list[Kin]:
    """Those that were bred from a candidate soon after it, promotions and confirmations of it among them."""
    after = service.candidates(candidate.search_id, after=candidate.ordinal, limit=NEAR)
    bred = [other for other in after if candidate.genotype.digest in other.parents][:SHOWN]
    return [_kin(other, _gain(other, candidate)) for other in bred]


def _kin(other: Candidate, gain: str) -> Kin:
    psnr_db = _psnr_db(other)
    stands = "being trained" if other.state is CandidateState.EVALUATING else str(other.state)
    return Kin(
        name=other.id,
        href=f"/candidates/{other.id}",
        operator=other.operator,
        psnr=stands if psnr_db is None else f"{psnr_db:.2f} dB",
        gain=gain,
    )


def _gain(child: Candidate, parent: Candidate) -> str:
    """How much more a child scored; trainings of unlike lengths do not compare."""
    mine, theirs = _psnr_db(child), _psnr_db(parent)
    if mine is None or theirs is None or child.rung != parent.rung:
        return ""
    return f"{mine - theirs:+.2f} dB".replace("-", "−")


def _psnr_db(candidate: Candidate) -> float | None:
    return None if candidate.evaluation is None else candidate.evaluation.psnr_db
