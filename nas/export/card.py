"""A model card: what a finished model is, how good, how it was made and checked, and how to load it. Markdown.

The drawing is a file beside the card, by its relative name: GitHub and Hugging Face show such images and so does any
viewer offline, while none of them shows an SVG inside Markdown, be it inline or a data URI. A card that stands alone
has none: the table of cells says the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from search_space.cost import LR_PIXELS
from search_space.ops import OPERATORS

from ..figures import giga, heading, shown
from ..records import ENDINGS
from .benchmark_row import as_markdown
from .facts import UNKNOWN_TERMS, Found, ImagesUsed, ModelFacts, Trained
from .loading import ways_to_load
from .markdown import table

DRAWING = "architecture.svg"
"""The file beside the card that draws the network: what `search_space.drawing.draw` makes."""


TOLD: Mapping[str, str] = {
    "model": "model",
    "search": "search",
    "candidate": "candidate",
    "steps": "steps",
    "seed": "seed",
    "protocol": "protocol",
    "psnr_db": "PSNR on the validation images (dB)",
    "train_s": "seconds of training",
    "data_digest": "digest of the images",
    "code_digest": "digest of the code",
}
"""What a header says of a training, and what a card calls it."""


def card_text(facts: ModelFacts, *, drawn: bool = False) -> str:
    """The card; sections of which nothing is known are left out.

    Args:
        facts: What is known.
        drawn: Whether `DRAWING` lies beside it.
    """
    sections = [
        _front_matter(facts),
        f"# {facts.name}",
        _summary(facts),
        *_section("Figures", _figures(facts)),
        *_section("Architecture", _architecture(facts, drawn=drawn)),
        *_section("Where it comes from", _origin(facts)),
        *_section("Training", _training(facts)),
        *_section("Files", _files(facts)),
        *_section("How to load it", _loading(facts)),
        *_section("Limitations", _limitations(facts)),
        *_section("Terms", _terms(facts)),
    ]
    return "\n\n".join(sections) + "\n"


def _section(title: str, parts: Iterator[str]) -> list[str]:
    """A heading and what stands under it; nothing where that is nothing."""
    found = list(parts)
    return [f"## {title}", *found] if found else []


def _front_matter(facts: ModelFacts) -> str:
    """What Hugging Face reads of a card; JSON values are YAML."""
    fields = {
        "license": facts.license.lower(),
        "pipeline_tag": "image-to-image",
        "tags": ["super-resolution", "neural-architecture-search", "srnas", f"x{facts.scale}"],
        "metrics": ["psnr", "ssim"],
    }
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items() if value]
    return "\n".join(["---", *lines, "---"])


def _summary(facts: ModelFacts) -> str:
    cost = facts.costs
    sees = (
        "It sees luma; colour is enlarged bicubically, in the files that take RGB."
        if facts.channels == 1
        else "It sees RGB."
    )
    made = f" Finished on {facts.created_at:%Y-%m-%d}." if facts.created_at else ""
    return (
        f"A network that enlarges photographs {facts.scale} times: {cost.params:,} parameters and "
        f"{giga(cost.mult_adds)} multiply-adds for a picture of {LR_PIXELS:,} pixels. {sees}{made} Model `{facts.id}`."
    )


def _figures(facts: ModelFacts) -> Iterator[str]:
    trained = facts.trained
    if trained is not None and trained.figures:
        images = f" of {trained.validation.name}" if trained.validation else ""
        yield (
            f"On the validation images{images}, under the protocol `{trained.protocol}`; a figure under another "
            "protocol does not compare:"
        )
        columns = list(trained.figures)
        yield table(list(map(heading, columns)), [[shown(one, trained.figures[one]) for one in columns]], texts=())
    if facts.benchmark is not None:
        yield as_markdown(facts.benchmark).strip()
    elif trained is not None:
        yield "When this card was written the model had been scored on no benchmark set."


def _architecture(facts: ModelFacts, *, drawn: bool) -> Iterator[str]:
    genotype = facts.genotype
    if drawn:
        yield f"![A drawing of the blocks and skips]({DRAWING})"
    *by_cells, by_tail = (", ".join(map(str, sources)) for sources in genotype.inputs)
    lines = [["0", "3x3 convolution", "3", str(genotype.features), "1", "", "the image"]]
    for number, (cell, sources) in enumerate(zip(genotype.cells, by_cells, strict=True), start=1):
        residual = "yes" if cell.residual else ""
        words = _operator(cell.operator)
        lines.append([str(number), words, str(cell.kernel), str(cell.channels), str(cell.repeats), residual, sources])
    lines.append(["tail", "upsampling", "3", str(facts.channels), "1", "", by_tail])
    headings = ["block", "operator", "kernel", "channels", "repeats", "residual", "reads"]
    yield table(headings, lines, texts=(0, 1, 5, 6))
    wrapped = "is added to the bicubic enlargement" if facts.metadata.recipe.image_residual else "is the picture"
    yield f"What the tail gives {wrapped}. Its genotype, which `srnas describe` reads:"
    yield f"```\n{genotype}\n```"


def _operator(name: str) -> str:
    operator = OPERATORS[name]
    if operator.bottleneck:
        return "inverted bottleneck"
    return f"convolution in {operator.groups} groups" if operator.groups > 1 else "convolution"


def _origin(facts: ModelFacts) -> Iterator[str]:
    found = facts.found
    if found is None:
        return
    parts = [f"Candidate `{found.candidate_id}` of search `{found.search_id}`{_place(found)}."]
    if found.psnr_db is not None:
        protocol = f" under `{found.protocol}`" if found.protocol else ""
        parts.append(f"Its short training there scored {found.psnr_db:.2f} dB{protocol}.")
    yield " ".join(parts)


def _place(found: Found) -> str:
    """Where it stands on the front, if anybody looked."""
    if found.front_size is None:
        return ""
    by = f" by {', '.join(found.objectives)}" if found.objectives else ""
    rank = f"number {found.rank} of" if found.rank else "not among"
    return f", {rank} the {found.front_size} on its front{by}"


def _training(facts: ModelFacts) -> Iterator[str]:
    course = _course(facts.trained) if facts.trained else _header(facts.header)
    known = [[name, value] for name, value in course if value]
    if known:
        yield table(["", ""], known, texts=(0, 1))
    lines = [_images(role, used) for role, used in facts.images]
    if lines:
        yield table(["images for", "set", "count", "terms"], lines, texts=(0, 1, 3))


def _header(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a file says of its own training; whatever is no text and no number is passed over."""
    for name, words in TOLD.items():
        value = header.get(name)
        if isinstance(value, str):
            text = " ".join(value.replace("`", "").split())
            yield words, text and f"`{text}`"
        elif isinstance(value, int | float):
            yield words, f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def _course(trained: Trained) -> Iterator[tuple[str, str]]:
    recipe, training = trained.recipe, trained.recipe.training
    distil = recipe.distil
    yield "recipe", f"`{recipe.name}`, digest `{recipe.digest}`"
    yield "starts from", "the search's weights" if recipe.warm_start else "fresh weights"
    yield "steps", f"{trained.steps:,} of {training.batch} patches of {training.patch}x{training.patch} LR pixels"
    yield "learning rate", f"{training.learning_rate:g}, {training.schedule}"
    average = f"over steps, decay {training.ema_decay:g}" if training.ema_decay else ""
    yield "average of the weights", average
    yield "learns from", f"the true images and the teacher `{distil.teacher}`" if distil else ""
    yield "time", "" if trained.train_s is None else str(timedelta(seconds=round(trained.train_s)))
    yield "device", ", ".join(filter(None, (trained.device, trained.precision)))
    yield "seed", "" if trained.seed is None else str(trained.seed)
    yield "digest of the images", f"`{trained.data_digest}`" if trained.data_digest else ""
    yield "digest of the code", f"`{trained.code_digest}`" if trained.code_digest else ""


def _images(role: str, used: ImagesUsed) -> list[str]:
    return [role, used.name, "–" if used.count is None else f"{used.count:,}", used.terms]


def _files(facts: ModelFacts) -> Iterator[str]:
    if not facts.files:
        return
    noise = any(file.checked_on == "noise" for file in facts.files)
    image = "noise, no photograph being at hand" if noise else "a photograph of odd size"
    yield (
        f"Each was loaded in a fresh process and compared with the PyTorch network on {image}; differences are of "
        "values in [0, 1]."
    )
    lines = []
    for file in facts.files:
        difference = "–" if file.max_difference is None else f"{file.max_difference:.1e}"
        allowed = "–" if file.tolerance is None else f"{file.tolerance:g}"
        lines.append([f"`{file.name}`", f"{file.size_bytes:,}", difference, allowed, file.tool, file.note])
    headings = ["file", "bytes", "largest difference", "allowed", "loaded by", "note"]
    yield table(headings, lines, texts=(0, 4, 5))
    yield "```\n" + "\n".join(f"{file.sha256}  {file.name}" for file in facts.files) + "\n```"


def _loading(facts: ModelFacts) -> Iterator[str]:
    yield (
        "Every file but the `-luma` one takes RGB in [0, 1], n x 3 x height x width, at least 2 x 2 pixels, and gives "
        f"RGB in [0, 1] {facts.scale} times as wide and high."
    )
    forms = [file.form for file in facts.files] or tuple(ENDINGS)
    for tool, block in ways_to_load(facts.name, forms).items():
        yield f"### {tool}"
        yield block
    yield (
        "chaiNNer and other programs that take ONNX upscalers load the `.onnx` file as it is. The `-fp16` file takes "
        "and gives float16."
    )


def _limitations(facts: ModelFacts) -> Iterator[str]:
    lines = [
        "It was trained to undo one degradation, MATLAB's antialiased bicubic shrinking. Noise, blur and the blocks "
        "of JPEG files are enlarged and sharpened like anything else.",
        f"It enlarges {facts.scale} times and by no other factor.",
        "It was trained for PSNR: texture that the small picture does not hold comes out smooth, never invented.",
    ]
    if facts.channels == 1:
        lines.append("Detail is restored in luma alone; colour is as soft as bicubic leaves it.")
    yield "\n".join(f"* {line}" for line in lines)


def _terms(facts: ModelFacts) -> Iterator[str]:
    lines = [f"Weights: {_license(facts)}.", "The source of srnas, and the `-arch.py` file: `Apache-2.0`."]
    lines += [f"Images of {one.name}: {one.terms}." for _, one in facts.images]
    if not facts.images:
        lines.append(f"Images that it was trained on: {UNKNOWN_TERMS}.")
    yield "\n".join(f"* {line}" for line in dict.fromkeys(lines))


def _license(facts: ModelFacts) -> str:
    """The terms of the weights, or that nobody stated any, and who had them trained on what."""
    if facts.license:
        return f"`{facts.license}`"
    by = f" by {facts.owner}" if facts.owner else ""
    on = "".join(f" on {used.name}" for role, used in facts.images if role == "training")
    made = f"trained{by}{on}; " if by or on else ""
    return f"{made}no licence was stated"
