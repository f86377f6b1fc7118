"""Where an evaluation's randomness starts: one seed for each network of a search. Draws nothing itself."""

from __future__ import annotations

from hashlib import blake2b


def training_seed(search_seed: int, genotype_digest: str, replicate: int = 0) -> int:
    """Return the seed that one network is initialised and trained with in one search.

    It depends on nothing else, so a network scores the same whenever and wherever the search gets round to
    it.

    Args:
        search_seed: The search's own seed.
        genotype_digest: `Genotype.digest`.
        replicate: Number of the training: 0 is the one that the search goes by, others confirm it.

    Returns:
        An integer from 0 to 2^63 - 1, which both torch and a signed 64-bit database column hold.
    """
    parts = [str(search_seed), genotype_digest, *([str(replicate)] if replicate else [])]
    digest = blake2b("|".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
