"""The page on which a search is set up: a form out of a spec's schema, filled from a preset or another search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel
from pydantic import Field as Parameter

from evaluator.recipe import RECIPES
from nas.catalogue import Listed
from nas.datasets import size_of
from nas.figures import heading
from nas.objectives import METRICS, Metric, Sense
from nas.options import ENGINES
from nas.presets import PRESETS
from nas.records import Role
from nas.spec import SearchSpec
from nas.store.base import NotFound
from nas.uploads import human
from search_space.space import SearchSpace
from search_space.spaces import SPACES

from ..access import Viewer
from ..deps import ServiceDep
from .field_words import EMPTIES, HELPS, LABELS, UP_FRONT
from .form import Choice, Extras, Field, Reader, as_json
from .rendering import HEADERS, page, rendered
from .views import may_submit

router = APIRouter(include_in_schema=False)

HERE = "/searches/new"


@dataclass(frozen=True, kw_only=True)
class Section:
    """Fields that belong together, as a part of the form.

    Attributes:
        id: Its anchor.
        title: Its heading.
        words: What it is about.
        names: Its fields in the spec.
    """

    id: str
    title: str
    words: str
    names: tuple[str, ...]


SECTIONS = (
    Section(
        id="task",
        title="Name and task",
        words="What the networks are to do, and which networks there are.",
        names=("name", "space", "scale", "channels"),
    ),
    Section(
        id="images",
        title="Images",
        words="Networks are trained on patches of them, and scored on images that they never saw.",
        names=("dataset",),
    ),
    Section(
        id="objectives",
        title="Objectives",
        words="The front holds every network that no other one beats in all of these.",
        names=("objectives",),
    ),
    Section(
        id="constraints",
        title="Constraints",
        words="A network that breaks one is not on the front; bounds on costs are kept before anything is trained.",
        names=("constraints",),
    ),
    Section(
        id="budget", title="Budget", words="The search ends with the first of these that is spent.", names=("budget",)
    ),
    Section(
        id="training",
        title="Training of a candidate",
        words="How long each network is trained before it is judged. Networks of the front are finished later.",
        names=("recipe",),
    ),
    Section(id="engine", title="Engine", words="What proposes the networks.", names=("engine",)),
)
"""The form from the top; what no section names stands under "Advanced"."""

SENSES: Mapping[Sense, str] = {Sense.MAXIMISE: "more", Sense.MINIMISE: "less"}


CHANNELS: Mapping[int, str] = {1: "luma", 3: "RGB"}


class Wish(BaseModel):
    """What the form is to be filled from: what the page's URL says."""

    preset: str = Parameter("", max_length=100)
    origin: str = Parameter("", alias="from", max_length=100)
    start: str = Parameter("", max_length=100)


@router.get(HERE)
def show_form(wish: Annotated[Wish, Query()], request: Request, service: ServiceDep, who: Viewer) -> Response:
    """Show the form, or to whoever may not submit what that takes."""
    if not may_submit(who):
        return HTMLResponse(rendered(request.scope, "new_search_refused.html"), status_code=403, headers=HEADERS)
    if wish.preset and wish.preset not in PRESETS:
        raise NotFound("preset", wish.preset)
    start = service.candidate(wish.start) if wish.start else None
    origin_id = wish.origin or (start.search_id if start else "")
    origin = service.search(origin_id) if origin_id else None
    datasets = service.datasets.all()
    fields = form_fields(datasets)
    return page(
        request,
        "new_search.html",
        sections=[(section, [fields[name] for name in section.names]) for section in SECTIONS],
        advanced=advanced(fields),
        up_front=UP_FRONT,
        presets=[(preset, *split(preset.purpose), as_json(dict(preset.document))) for preset in PRESETS.values()],
        chosen=wish.preset,
        origin=origin,
        start=start,
        has_datasets=bool(datasets),
        base_url=str(request.base_url).rstrip("/"),
        needs_token=request.app.state.gate.required,
        may_register=who.role.includes(Role.ADMIN),
    )


@router.get(HERE + "/images")
def show_images(name: str, service: ServiceDep, _: Viewer) -> Response:
    """Say in a line what a dataset holds now; its headers are read for that."""
    found = service.datasets.survey(name)
    count, size = len(found.pairs), human(size_of(found))
    lr = "their LR images beside them" if any(files.lr for files in found.pairs) else "LR images are made of them"
    words = f"{count:,} image{'' if count == 1 else 's'}, {size}, layout {found.layout}; {lr}"
    left_out = len(found.problems)
    return PlainTextResponse(words + (f"; {left_out:,} left out" if left_out else ""), headers=HEADERS)


def form_fields(datasets: Sequence[Listed]) -> dict[str, Field]:
    """The fields of a spec by name, with the datasets that it may name as choices."""
    schema = SearchSpec.model_json_schema()
    images = tuple(Choice(value=as_json(listed.name), title=_images(listed)) for listed in datasets)
    choices = {**_choices(schema["properties"]), "dataset.train": images, "dataset.validation": images}
    bases = {
        "recipe": {name: recipe.to_json() for name, recipe in RECIPES.items()},
        "engine": {name: engine.to_json() for name, engine in ENGINES.items()},
    }
    extras = Extras(choices=choices, bases=bases, labels=LABELS, empties=EMPTIES, helps=HELPS)
    return {field.name: field for field in Reader(schema, extras).fields()}


def advanced(fields: Mapping[str, Field]) -> list[Field]:
    """The fields that no section names, those that hold others last."""
    named = {name for section in SECTIONS for name in section.names}
    rest = [field for name, field in fields.items() if name not in named]
    return sorted(rest, key=lambda field: bool(field.fields))


def split(purpose: str) -> tuple[str, str]:
    """The first sentence of a text, and the others.

    >>> split("See v1.0 run. Believe nothing. Go on.")
    ('See v1.0 run.', 'Believe nothing. Go on.')
    """
    first, dot, rest = purpose.partition(". ")
    return first + dot.strip(), rest


def _choices(properties: Mapping[str, Any]) -> dict[str, tuple[Choice, ...]]:
    """Choices with names for people."""
    scales, channels = properties["scale"]["enum"], properties["channels"]["enum"]
    metrics = tuple(_metric(metric) for metric in METRICS.values())
    return {
        "space": tuple(Choice(value=as_json(name), title=_space(space)) for name, space in SPACES.items()),
        "scale": tuple(Choice(value=as_json(scale), title=f"×{scale}") for scale in scales),
        "channels": tuple(Choice(value=as_json(count), title=CHANNELS[count]) for count in channels),
        "objectives.*.metric": metrics,
        "objectives.*.sense": tuple(Choice(value=as_json(sense), title=title) for sense, title in SENSES.items()),
        "constraints.*.metric": metrics,
    }


def _metric(metric: Metric) -> Choice:
    return Choice(
        value=as_json(metric.name),
        title=heading(metric.column),
        sense=as_json(metric.sense),
        note=f"{metric.description}; {SENSES[metric.sense]} is better",
    )


def _space(space: SearchSpace) -> str:
    """A space and how many networks it holds.

    >>> [_space(space) for space in SPACES.values()]
    ['falsr (10^23 networks)', 'tiny (1,152 networks)']
    """
    count = space.distinct_size
    return (
        f"{space.name} ({count:,} networks)" if count < 10**6 else f"{space.name} (10^{len(str(count)) - 1} networks)"
    )


def _images(listed: Listed) -> str:
    known = listed.registered
    return listed.name if known is None else f"{listed.name} ({known.images:,} images)"
