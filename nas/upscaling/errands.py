"""Which file becomes which: named pictures and whole folders, and nothing overwritten unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from secrets import token_hex

from PIL import Image

from evaluator.data.folders import SUFFIXES, natural_order
from search_space.errors import InvalidInput, Problem

from .pictures import MIN_SIDE, PROFILE, image_of, levels_of

OUTPUT = "--output"


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One picture to enlarge.

    Attributes:
        source: The picture.
        target: The file that its enlargement goes to.
        named: Whether a person named the very file, and it does not merely lie in a folder.
    """

    source: Path
    target: Path
    named: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done.

    Attributes:
        errands: In the order that was given, folders in natural order.
        others: Files of the folders that are no pictures by their names.
        kept: Errands that are not run, since their files are there already.
    """

    errands: tuple[Errand, ...]
    others: tuple[Path, ...] = ()
    kept: tuple[Errand, ...] = ()


def plan(named: Sequence[Path], output: Path, scale: int, *, overwrite: bool = False) -> Plan:
    """Find the pictures, and the file that each becomes.

    A folder's pictures, at any depth, go into the same folders below the output; what is hidden, and the output where
    it lies inside, is passed over.

    Args:
        named: Pictures and folders of pictures.
        output: A folder, which need not exist; or for one picture a file with a suffix that Pillow can write.
        scale: Upscaling factor, which stands in the names of files in a folder.
        overwrite: Whether files that are there already are made again.

    Raises:
        InvalidInput: One file is named for several pictures, two pictures would share a file, there is no picture, or
            one alone was named whose file is there already.
    """
    folders = [path for path in named if path.is_dir()]
    if output.suffix and not output.is_dir():
        _require_file(output, named, folders)
        found = Plan(errands=(Errand(source=named[0], target=output, named=True),))
    else:
        found = _into_folder(named, output, scale)
    _require_room(found.errands, named)
    return found if overwrite else _keeping(found)


def require_savable(image: Image.Image, target: Path) -> None:
    """Raise `InvalidInput` unless the format that a file's name says can hold the enlargement of a picture.

    It is tried on four pixels, before minutes are spent on all of them.
    """
    corner = levels_of(image.crop((0, 0, MIN_SIDE, MIN_SIDE)))
    like = image_of(corner, image)
    try:
        like.save(BytesIO(), format=_format(target))
    except (OSError, ValueError) as error:
        allowed = f"a name whose format can hold this picture, such as {target.stem}.png: {error}"
        raise InvalidInput([Problem(OUTPUT, str(target), allowed)]) from error


def save(image: Image.Image, target: Path) -> None:
    """Write a picture whole or not at all, in the format that the file's name says; `OSError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        image.save(unfinished, format=_format(target), icc_profile=image.info.get(PROFILE))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _format(path: Path) -> str | None:
    return Image.registered_extensions().get(path.suffix.lower())


def _require_file(output: Path, named: Sequence[Path], folders: Sequence[Path]) -> None:
    if len(named) > 1 or folders or _format(output) not in Image.SAVE:
        allowed = "a folder, or for one picture a file such as larger.png"
        raise InvalidInput([Problem(OUTPUT, str(output), allowed)])


def _into_folder(named: Sequence[Path], output: Path, scale: int) -> Plan:
    errands: list[Errand] = []
    others: list[Path] = []
    for path in named:
        if not path.is_dir():
            errands.append(Errand(source=path, target=output / _larger(path, scale), named=True))
            continue
        for inside in _files(path, output):
            if inside.suffix.lower() in SUFFIXES:
                target = output / inside.relative_to(path).parent / _larger(inside, scale)
                errands.append(Errand(source=inside, target=target, named=False))
            else:
                others.append(inside)
    made = {errand.target.resolve() for errand in errands}  # in a folder that is its own output
    wanted = (errand for errand in errands if errand.named or errand.source.resolve() not in made)
    return Plan(errands=tuple(wanted), others=tuple(others))


def _files(folder: Path, output: Path) -> Iterator[Path]:
    own = output.resolve()
    for path in sorted(folder.rglob("*"), key=lambda path: natural_order(PurePosixPath(path))):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_output = own != folder.resolve() and path.resolve().is_relative_to(own)
        if path.is_file() and not hidden and not is_output:
            yield path


def _larger(path: Path, scale: int) -> str:
    return f"{path.stem}-x{scale}.png"


def _keeping(found: Plan) -> Plan:
    """The plan without what is made already; `InvalidInput` where that is the one picture that was named."""
    kept = tuple(errand for errand in found.errands if errand.target.exists())
    if kept and len(found.errands) == 1 and kept[0].named:
        problem = Problem(OUTPUT, str(kept[0].target), "a file that is not there yet")
        raise InvalidInput([problem], "Give --overwrite to replace it.")
    return replace(found, errands=tuple(errand for errand in found.errands if errand not in kept), kept=kept)


def _require_room(errands: Sequence[Errand], named: Sequence[Path]) -> None:
    if not errands:
        raise InvalidInput([Problem("IMAGES", [str(path) for path in named], "pictures, or folders with pictures")])
    targets = [errand.target for errand in errands]
    shared = {target for target, count in Counter(targets).items() if count > 1}
    if shared:
        names = sorted(str(errand.source) for errand in errands if errand.target in shared)
        raise InvalidInput([Problem("IMAGES", names, "pictures of different names, for each becomes a PNG file")])
