"""The verbs that have a service train networks to the end, and show what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any

import typer

from evaluator.finishing import FINISHING_RECIPES
from nas.cli_options import Json
from nas.console import FAILED, INTERRUPTED, err, make_app, out, print_json
from nas.display import duration
from nas.records import BENCHMARK, ArtifactState, TrainingStatus
from search_space.errors import InvalidInput, Problem

from .answers import Url
from .client import DEFAULT_URL, ApiError, Client
from .display import agreement_lines, table_of_models, table_of_trainings, training_bars
from .schemas import AgreementView, FullTrainingView, ModelView, TrainingForecast

NAMES = ", ".join(FINISHING_RECIPES)
POLL_S = 2.0

app = make_app("Train networks to the end.")


@app.command(epilog="Example: srnas finish 1f2e3d4c-17 --recipe quick")
def finish(
    names: Annotated[
        list[str],
        typer.Argument(metavar="CANDIDATE...", help="Ids, as `srnas front` shows them; with --front, searches."),
    ],
    recipe: Annotated[str, typer.Option(help=f"How to train: {NAMES}.")] = "quick",
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps in place of the recipe's.")] = None,
    train: Annotated[str | None, typer.Option(metavar="DATASET", help="Train on this dataset.")] = None,
    validation: Annotated[str | None, typer.Option(metavar="DATASET", help="Validate on this dataset.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of patches and fresh weights; the search's.")] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Learn from this finished model, or file in SRNAS_MODELS_ROOT.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start from fresh weights, not from the search's.")] = False,
    front: Annotated[bool, typer.Option("--front", help="Finish the Pareto front of each search named.")] = False,
    top: Annotated[int | None, typer.Option(min=1, help="With --front, only its first so many members.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the trainings to their end.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the request and say how long it would take; begin nothing.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Train candidates to the end, and compare the order that the search put them in with the final one.

    The time that each is expected to take is told first. Ctrl-C leaves the trainings running; the same command comes
    back to them, for the same request is one training. Scores are of the validation images; benchmarks come later, and
    `srnas models ID` shows them.
    """
    if top is not None and not front:
        raise InvalidInput([Problem("--top", top, "a number beside --front, of whose members it takes the first")])
    document = _recipe(recipe, steps, teacher, fresh=fresh)
    with Client(url) as client:
        chosen = [name for search in names for name in _front_of(client, search, top)] if front else names
        with _leading_to_fronts():
            images = {name: _dataset(client, name, train, validation) for name in chosen}
            if dry_run:
                foretold = [client.foretell(name, document, dataset=images[name], seed=seed) for name in chosen]
                _foretell(foretold, as_json=as_json)
                return
            asked = [client.finish(name, document, dataset=images[name], seed=seed) for name in chosen]
        for training in asked:
            err.print(_foretold(training.candidate_id, recipe, training), soft_wrap=True)
        ended = _follow(client, asked) if wait else asked
        _report(client, ended, as_json=as_json)
    if any(training.status is TrainingStatus.FAILED for training in ended):
        raise typer.Exit(FAILED)


@app.command(epilog="Example: srnas trainings 1f2e3d4c")
def trainings(
    search: Annotated[
        str | None,
        typer.Argument(metavar="SEARCH", help="Only those of this search, and what they say of its ranking."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, newest first.")] = 20,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List full trainings, newest first, and how far each is."""
    with Client(url) as client:
        if search is None:
            found, agreement = list(islice(client.trainings(), limit)), None
        else:
            answer = client.search_trainings(search)
            found, agreement = answer.items[:limit], answer.agreement
    if as_json:
        listed = [training.model_dump(mode="json") for training in found]
        print_json({"trainings": listed, "agreement": agreement and agreement.model_dump(mode="json")})
        return
    out.print(table_of_trainings(found) if found else "none; begin one with: srnas finish CANDIDATE")
    for training in found:
        if training.reason:
            out.print(f"{training.id} {training.status}: {training.reason}", soft_wrap=True)
    if found and search is not None and agreement is not None:
        _print_agreement(search, agreement)


@app.command(epilog="Example: srnas models 0123456789ab")
def models(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="Show this one, with the row that a paper would print of it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, newest first.")] = 20,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List finished models, newest first; or show one, with its benchmark: as Markdown where it is piped."""
    with Client(url) as client:
        if model is not None:
            _show(client, model, as_json=as_json)
            return
        found = list(islice(client.models(), limit))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        out.print(table_of_models(found) if found else "none; begin one with: srnas finish CANDIDATE")


# -- what is asked for -------------------------------------------------------------------------------------------------


def _front_of(client: Client, search_id: str, top: int | None) -> list[str]:
    """Ids of the first members of a search's front; `ApiError` where it is empty."""
    members = client.front(search_id).members[:top]
    if not members:
        hint = f"look at: srnas front {search_id}"
        raise ApiError(None, "Nothing to finish", f"the front of search {search_id} is empty", hint)
    return [member.id for member in members]


def _recipe(name: str, steps: int | None, teacher: str | None, *, fresh: bool) -> dict[str, Any]:
    """The recipe's document: its name and what differs."""
    document: dict[str, Any] = {"name": name}
    document |= {} if steps is None else {"steps": steps}
    document |= {} if teacher is None else {"distil": {"teacher": teacher}}
    return document | ({"warm_start": False} if fresh else {})


def _dataset(client: Client, name: str, train: str | None, validation: str | None) -> dict[str, Any] | None:
    """The images of a candidate's search with others in their place; None where they are the same."""
    if train is None and validation is None:
        return None
    own = client.search(client.candidate(name).search_id).spec.dataset
    changes: dict[str, Any] = {} if train is None else {"train": train, "train_limit": None}
    changes |= {} if validation is None else {"validation": validation}
    return own.model_copy(update=changes).model_dump(mode="json")


@contextmanager
def _leading_to_fronts() -> Iterator[None]:
    """Where no candidate has an id, say that it may be a search's."""
    try:
        yield
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            error.hint = (
                "ids of candidates: srnas front SEARCH; to finish the front of a search, give its id and --front"
            )
        raise


# -- what is told ------------------------------------------------------------------------------------------------------


def _foretell(foretold: Sequence[TrainingForecast], *, as_json: bool) -> None:
    """Say how long candidates would be trained."""
    if as_json:
        print_json([one.model_dump(mode="json") for one in foretold])
        return
    for one in foretold:
        out.print(_plan(one.candidate_id, one.recipe["name"], one.steps, one.expected_s), soft_wrap=True)


def _foretold(candidate: str, recipe: str, training: FullTrainingView) -> str:
    what = _plan(candidate, recipe, training.progress.steps, training.progress.expected_s)
    return f"{what}; training {training.id} is {training.status}"


def _plan(candidate: str, recipe: str, steps: int, expected_s: float | None) -> str:
    return f"{candidate}: {recipe}, {steps:,} step{'' if steps == 1 else 's'}, {_about(expected_s)}"


def _about(expected_s: float | None) -> str:
    if expected_s is None:
        return "nobody knows how long that takes"
    return f"about {duration(expected_s)} of training on what trained it for its search"


def _follow(client: Client, asked: Sequence[FullTrainingView]) -> list[FullTrainingView]:
    """Show trainings to their end; Ctrl-C leaves them running."""
    try:
        with training_bars(err) as show:
            return client.wait_for_trainings([one.id for one in asked], on_progress=show, poll_s=POLL_S)
    except KeyboardInterrupt:
        searches = {one.search_id for one in asked}
        look = f"srnas trainings {searches.pop()}" if len(searches) == 1 else "srnas trainings"
        what = f"they go on; come back with the same command, look with: {look}, or end one with: srnas cancel TRAINING"
        err.print(what, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None


def _report(client: Client, trainings: Sequence[FullTrainingView], *, as_json: bool) -> None:
    """Show what became of trainings, and whether their searches ranked them rightly."""
    finished = [client.model(one.id) for one in trainings if one.status is TrainingStatus.COMPLETED]
    agreements = _agreements(client, finished)
    if as_json:
        print_json(
            {
                "trainings": [one.model_dump(mode="json") for one in trainings],
                "models": [model.model_dump(mode="json") for model in finished],
                "agreements": {search: found.model_dump(mode="json") for search, found in agreements.items()},
            }
        )
        return
    if finished:
        out.print(table_of_models(finished))
    for training in trainings:
        if training.status in (TrainingStatus.FAILED, TrainingStatus.CANCELLED):
            what = f"{training.candidate_id} is {training.status}: {training.reason}"
            out.print(what.rstrip(": "), soft_wrap=True)
    for search, found in agreements.items():
        _print_agreement(search, found)
    if finished:
        out.print(f"files: srnas export {finished[0].id} --format all; benchmark: srnas models {finished[0].id}")


def _agreements(client: Client, finished: Sequence[ModelView]) -> dict[str, AgreementView]:
    searches = dict.fromkeys(model.search_id for model in finished)
    return {search: client.search_trainings(search).agreement for search in searches}


def _print_agreement(search_id: str, found: AgreementView) -> None:
    for line in agreement_lines(search_id, found):
        out.print(line, soft_wrap=True)


def _show(client: Client, model_id: str, *, as_json: bool) -> None:
    """Show one model, and its benchmark where there is one."""
    model = client.model(model_id)
    try:
        if as_json:
            benchmark = client.benchmark(model_id).model_dump(mode="json")
            print_json({"model": model.model_dump(mode="json"), "benchmark": benchmark})
            return
        out.print(table_of_models([model]))
        _print_markdown(client.benchmark_as("md", model_id))
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        if as_json:
            print_json({"model": model.model_dump(mode="json"), "benchmark": None})
        else:
            out.print(_why_no_benchmark(client, model_id, error), soft_wrap=True)


def _why_no_benchmark(client: Client, model_id: str, error: ApiError) -> str:
    made = [one for one in client.model_exports(model_id) if one.format == BENCHMARK]
    if made and made[-1].state is not ArtifactState.FAILED:
        return "its benchmark is being made; look again in a moment"
    return f"{error.detail}: {error.hint}"


def _print_markdown(text: str) -> None:
    """Tables on a terminal; Markdown as it is for whatever else reads it."""
    if not out.is_terminal:
        out.print(text, soft_wrap=True)
        return
    from rich.markdown import Markdown  # a parser that no other verb needs

    out.print(Markdown(text))
