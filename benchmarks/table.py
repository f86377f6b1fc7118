"""Make the table of real evaluations that search engines are compared on, so that an evaluation costs a look-up.

    python benchmarks/table.py --images ROOT [--out benchmarks/tables/falsr.json] [--total 480] [--repeat 40]

ROOT holds `train/BSDS200` and `val/Kodak24`. Networks of the FALSR space are trained at every rung of one recipe:
160 spread over sizes, then waves of 40 bred from the front so far. `--repeat N` trains the first N of the first wave
with two more seeds each, which tells how much of a score is luck. Rows are kept beside the table as they come
(`falsr.rows.jsonl`); a run that was cut off goes on from there, and the table is written from the rows at the end.
`--verify N` first trains the N smallest rows' networks again and stops where a score is not the same to the last bit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import CHANNELS, SCALE, Row, RowFile, climb, compute, images, timed
from benchmarks.waves import SPACE, Scored, bred_wave, first_wave, size
from evaluator.cost import costs
from evaluator.metrics.protocol import get_protocol
from evaluator.provenance import code_digest, cpu_name
from evaluator.recipe import Recipe
from evaluator.score import baseline
from evaluator.seeding import training_seed
from search_space.encoding import encode
from search_space.genotype import Genotype

RECIPE = Recipe(
    name="table",
    steps=240,
    rungs=4,
    rung_factor=2,
    batch=8,
    patch=16,
    learning_rate=1e-3,
    warmup_steps=10,
    schedule="stable-decay",
    decay_fraction=0.2,
    gradient_clip=1.0,
    ema_decay=0.97,
    initialisation="he-damped",
    image_residual=True,
    input_scale=4.0,
    input_offset=0.45,
    protocol="y-float",
)
"""Written out in full: rows stay comparable when the default recipe changes."""

VALIDATION_IMAGES = 16
REPEATS = (1, 2)
"""Search seeds of the further trainings; the table's own is 0."""

OBJECTIVES = (
    {"name": "psnr", "sense": "max"},
    {"name": "fsds", "sense": "max"},
    {"name": "mult_adds", "sense": "min"},
)


@dataclass(frozen=True)
class Training:
    """One row to compute.

    Attributes:
        index: Of the network in the table.
        genotype: The network.
        seed: Of the search that it is trained for.
    """

    index: int
    genotype: Genotype
    seed: int = 0


def train(root: Path, task: Training) -> Row:
    """Train one network at every rung."""
    data = images(root, VALIDATION_IMAGES)
    seed = training_seed(task.seed, task.genotype.digest)
    measured = timed(lambda: climb(task.genotype, RECIPE, data, seed=seed))
    named = {"index": task.index, "seed": task.seed, "genotype": str(task.genotype), "data": data.digest}
    return {**named, **measured}


def fill(rows: RowFile, total: int, compute_all: Callable[[Sequence[Training], str], None]) -> list[Genotype]:
    """Compute the rows that are missing, wave after wave, and return the networks in their order."""
    networks, wave = list(first_wave()), 0
    while True:
        networks = networks[:total]
        _refuse_others(rows, networks)
        missing = [Training(i, genotype) for i, genotype in enumerate(networks) if (i, 0) not in rows]
        compute_all(missing, f"wave {wave}")
        if len(networks) >= total:
            return networks
        networks += bred_wave(wave, _scored(rows, networks))
        wave += 1


def _refuse_others(rows: RowFile, networks: Sequence[Genotype]) -> None:
    """Stop when a row is of another network than it would be here: it was made from other scores."""
    for (index, _), row in rows.rows.items():
        if index < len(networks) and row["genotype"] != str(networks[index]):
            raise SystemExit(f"row {index} is of another network: give --out a folder without such rows")


def _scored(rows: RowFile, networks: Sequence[Genotype]) -> list[Scored]:
    finals = ((genotype, rows.rows[i, 0]["scores"][-1]) for i, genotype in enumerate(networks))
    return [Scored(genotype, final["psnr_db"]) for genotype, final in finals if "psnr_db" in final]


def verify(rows: RowFile, count: int, again: Callable[[Training], Row]) -> None:
    """Train the smallest networks of the rows again; stop unless every score is the same to the last bit."""
    first = [row for (_, seed), row in rows.rows.items() if seed == 0]
    for row in sorted(first, key=lambda row: size(Genotype.parse(row["genotype"])))[:count]:
        found = again(Training(row["index"], Genotype.parse(row["genotype"])))["scores"]
        if found != row["scores"]:
            raise SystemExit(f"row {row['index']} has scores {row['scores']}, but training again gives {found}")
        print(f"row {row['index']}: the same scores again")


def table(rows: RowFile, networks: Sequence[Genotype], root: Path) -> dict[str, Any]:
    """The table as a document; networks that failed are left out, since a look-up has no score for them."""
    data = images(root, VALIDATION_IMAGES)
    entries = [entry for i, genotype in enumerate(networks) if (entry := _entry(i, genotype, rows)) is not None]
    bicubic = baseline(data.validation, CHANNELS, get_protocol(RECIPE.protocol))
    return {
        "space": {gene.name: list(gene.choices) for gene in SPACE.genes},
        "objectives": list(OBJECTIVES),
        "scale": SCALE,
        "channels": CHANNELS,
        "recipe": RECIPE.to_json(),
        "data_digest": data.digest,
        "code_digest": code_digest(),
        "device": cpu_name(threads=1),
        "reference": {
            "psnr": round(bicubic["psnr_db"], 4),
            "fsds": round(bicubic["fsds_db"], 4),
            "mult_adds": max(entry["scores"][-1] for entry in entries),
        },
        "rows": entries,
    }


def _entry(index: int, genotype: Genotype, rows: RowFile) -> Row | None:
    """One network: its genes, its scores (a list where it was trained with several seeds) and its way up the rungs."""
    trainings = [rows.rows[index, seed]["scores"] for seed in (0, *REPEATS) if (index, seed) in rows]
    if any("failure" in score for scores in trainings for score in scores):
        return None
    finals = [[round(scores[-1][name], 4) for scores in trainings] for name in ("psnr_db", "fsds_db")]
    found = costs(genotype, RECIPE, scale=SCALE, channels=CHANNELS)
    return {
        "genes": encode(SPACE, genotype).tolist(),
        "scores": [*(values if len(values) > 1 else values[0] for values in finals), found.mult_adds],
        "genotype": str(genotype),
        "curve": [[s["steps"], round(s["psnr_db"], 4), round(s["fsds_db"], 4)] for s in trainings[0]],
    }


def write(document: dict[str, Any], path: Path) -> None:
    """Write the table, every row on a line of its own."""
    head = {name: value for name, value in document.items() if name != "rows"}
    parts = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in document["rows"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{" + ",\n".join(parts) + ',\n"rows": [\n' + lines + "\n]}\n", encoding="utf-8")


def main() -> None:
    """Compute what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, metavar="ROOT", help="folder of the photographs")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/tables/falsr.json"), help="(default: %(default)s)")
    parser.add_argument("--total", type=int, default=480, help="networks (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="networks with two more seeds")
    parser.add_argument("--verify", type=int, default=0, metavar="N", help="rows to compute again beforehand")
    parser.add_argument("--workers", type=int, default=2, help="processes, a thread each (default: %(default)s)")
    chosen = parser.parse_args()
    rows = RowFile(chosen.out.with_suffix(".rows.jsonl"), ("index", "seed"))
    digest = images(chosen.images, VALIDATION_IMAGES).digest
    if any(row["data"] != digest for row in rows.rows.values()):
        raise SystemExit("some rows are of other images: give --out a folder without such rows")
    work = partial(train, chosen.images)
    verify(rows, chosen.verify, work)

    def compute_all(tasks: Sequence[Training], title: str) -> None:
        if tasks:
            compute(tasks, work, rows, workers=chosen.workers, title=title)

    networks = fill(rows, chosen.total, compute_all)
    first = networks[: chosen.repeat]
    again = [Training(i, genotype, seed) for seed in REPEATS for i, genotype in enumerate(first)]
    compute_all([task for task in again if (task.index, task.seed) not in rows], "more seeds")
    write(table(rows, networks, chosen.images), chosen.out)
    print(f"{chosen.out}: {len(networks)} networks")


if __name__ == "__main__":
    main()
