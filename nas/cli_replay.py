"""The verb that checks a search: replay. Reads a database or a bundle and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from search_space.errors import InvalidInput, Problem

from .bundles import open_bundle
from .cli_options import DatabaseUrl, Home, Json
from .console import FAILED, err, out, print_json
from .display import counting_bar
from .environment import Drift, drift, environment
from .records import Candidate, Search, SearchId
from .replaying import Ask, Difference, Replay
from .replaying import replay as replay_log
from .settings import read_settings
from .store.base import Store

EPILOG = "Example: srnas replay search-3f2a9c1e.zip"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What is known of a search that ran.

    Attributes:
        search: The search.
        log: Its candidates.
        environments: What it was run with.
    """

    search: Search
    log: Sequence[Candidate]
    environments: Sequence[Mapping[str, str]]


def replay(
    search: Annotated[
        str, typer.Argument(metavar="SEARCH", help="A bundle that `srnas bundle` wrote, or the id of a search.")
    ],
    home: Home = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Check that a search would be the same today: make every proposal again, and compare it.

    A new engine is told the recorded outcomes in the recorded order; nothing is trained and nothing written, so a
    server may be running. The first proposal that is not the recorded one ends it: then another version of the
    code or of a library is at work, or what was recorded was edited. A search that runs is replayed as far as it goes.

    Exit status: 0 where every proposal was the same, 1 where one differs.
    """
    if search.endswith(".zip") or "/" in search or Path(search).is_file():
        recorded = _from_bundle(Path(search))
    else:
        recorded = _from_database(search, read_settings(home=home, database_url=database_url).database)
    result = _replayed(recorded)
    drifts = drift(recorded.environments, environment())
    if as_json:
        print_json({"search": recorded.search.id, **to_json(result), "environment": list(map(asdict, drifts))})
    else:
        for line in lines(recorded, result, drifts):
            out.print(line, soft_wrap=True)
    if not result.identical:
        raise typer.Exit(FAILED)


@contextmanager
def existing_store(database: str) -> Iterator[Store]:
    """The store of a database that is there already, for reading; a server may have it open.

    Raises:
        InvalidInput: There is no database.
        WrongSchema: It is not at this version's tables; they are left as they are.
    """
    from .store.opening import open_store

    path = Path(database.removeprefix("sqlite:///"))
    if database.startswith("sqlite:") and not path.is_file():  # opening it would make it
        raise InvalidInput([Problem("--home", str(path.parent), "a folder with a database")], "Look where it was run.")
    store = open_store(database, migrate=False)
    try:
        yield store
    finally:
        store.close()


def _from_database(search_id: str, database: str) -> Recorded:
    """A search of a database; `NotFound`, `InvalidInput` unless it was begun."""
    with existing_store(database) as store:
        search = _begun(store.search(SearchId(search_id)))
        log = store.candidates(search.id, limit=None)
        return Recorded(search=search, log=log, environments=_environments(store, search.id))


def _environments(store: Store, search_id: SearchId) -> list[Mapping[str, str]]:
    """What the controllers of a search ran it with, as its events say."""
    found, after = [], 0
    while page := store.events(search_id, after=after, progress=False):
        found += [event.detail.get("environment") or {} for event in page if event.kind == "started"]
        after = page[-1].ordinal
    return found


def _from_bundle(path: Path) -> Recorded:
    """The search of a bundle, every file of which was checked; `InvalidBundle`, `InvalidInput` unless it was begun."""
    with open_bundle(path) as bundle, counting_bar(err) as step:
        log = []
        for candidate in bundle.candidates():
            log.append(candidate)
            step(f"reading {path.name}", bundle.manifest.candidates + bundle.manifest.events)
        for _ in bundle.events():
            step(f"reading {path.name}", bundle.manifest.candidates + bundle.manifest.events)
        return Recorded(search=_begun(bundle.search), log=log, environments=bundle.environments)


def _begun(search: Search) -> Search:
    if search.data_digest is None:
        raise InvalidInput([Problem("SEARCH", search.id, f"a search that was begun; this one is {search.state}")])
    return search


def _replayed(recorded: Recorded) -> Replay:
    from .breeding import engine_of

    search = recorded.search
    with counting_bar(err) as step:
        return replay_log(search, recorded.log, engine_of(search), lambda total: step(f"replaying {search.id}", total))


def lines(recorded: Recorded, result: Replay, drifts: Sequence[Drift]) -> list[str]:
    """What was found, for a person."""
    steps = f"{result.asks} asks and {result.tells} tells, {result.events_per_s:.0f} a CPU second"
    difference, name = result.difference, f"search {recorded.search.id}"
    if difference is None:
        found = [f"{name} is identical: all {result.asks} proposals are the same ({steps})"]
    else:
        what = "nothing is proposed" if difference.proposed is None else ", ".join(difference.parts)
        found = [
            f"{name} differs at candidate {difference.ordinal} ({what}): {steps}",
            f"recorded      {_line(difference.recorded)}",
            f"proposed now  {_line(difference.proposed)}",
            f"likely cause  {difference.cause}",
        ]
    if not any(recorded.environments):
        return [*found, "environment   not recorded"]
    return [*found, *(f"environment   {each}" for each in drifts)]


def to_json(result: Replay) -> dict[str, Any]:
    """What was found, for a program."""
    difference = result.difference
    return {
        "identical": result.identical,
        "asks": result.asks,
        "tells": result.tells,
        "cpu_s": result.cpu_s,
        "events_per_s": result.events_per_s,
        "difference": None if difference is None else _difference(difference),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "ordinal": difference.ordinal,
        "parts": difference.parts,
        "recorded": _document(difference.recorded),
        "proposed": None if difference.proposed is None else _document(difference.proposed),
        "cause": difference.cause,
    }


def _document(ask: Ask) -> dict[str, Any]:
    proposal = ask.proposal
    return {
        "genotype": str(proposal.genotype),
        "rung": proposal.rung,
        "replicate": ask.replicate,
        "operator": proposal.operator,
        "parents": proposal.parents,
        "arm": proposal.arm,
        "predicted": {metric: asdict(prediction) for metric, prediction in proposal.predicted.items()},
        "tells_before": ask.tells_before,
    }


def _line(ask: Ask | None) -> str:
    if ask is None:
        return "nothing"
    proposal = ask.proposal
    parts = [str(proposal.genotype), f"rung {proposal.rung}", f"by {proposal.operator}"]
    if ask.replicate:
        parts.append(f"from seed {ask.replicate}")
    if proposal.parents:
        parts.append(f"from {' and '.join(proposal.parents)}")
    if proposal.arm:
        parts.append(proposal.arm)
    parts += [f"{metric} {p.mean:.9g} +- {p.std:.3g} expected" for metric, p in proposal.predicted.items()]
    return ", ".join([*parts, f"after {ask.tells_before} outcomes"])
