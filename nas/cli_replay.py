"""The verb that checks a search: replay. Reads a database and writes nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from search_space.errors import InvalidInput, Problem

from .cli_options import DatabaseUrl, Home, Json
from .console import FAILED, err, out, print_json
from .display import counting_bar
from .engine.base import Proposal
from .records import Candidate, Search, SearchId
from .replaying import Difference, Replay
from .replaying import replay as replay_log
from .settings import read_settings

EPILOG = "Example: srnas replay 3f2a9c1e --home srnas-data"


def replay(
    search: Annotated[str, typer.Argument(metavar="SEARCH", help="Id of a search of the database.")],
    home: Home = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Check that a search would be the same today: ask its engine again, and compare every proposal.

    A new engine is told the recorded outcomes in the recorded order; nothing is trained and nothing written, so a
    server may be running. The first network that the engine does not propose again ends it: then another version of the
    code or of a library is at work, or the database was edited. A search that runs is replayed as far as it goes.

    Exit status: 0 where every proposal was the same, 1 where one differs.
    """
    found, log = _read(search, read_settings(home=home, database_url=database_url).database)
    result = _replayed(found, log)
    if as_json:
        print_json({"search": found.id, **to_json(result)})
    else:
        for line in lines(found.id, result):
            out.print(line, soft_wrap=True)
    if not result.identical:
        raise typer.Exit(FAILED)


def _read(search_id: str, database: str) -> tuple[Search, list[Candidate]]:
    """A search that was begun, and its log.

    Raises:
        NotFound: There is no such search.
        InvalidInput: It has not been begun, or there is no database.
        WrongSchema: The database is not at this version's tables; they are left as they are.
    """
    from .store.opening import open_store

    path = Path(database.removeprefix("sqlite:///"))
    if database.startswith("sqlite:") and not path.is_file():  # opening it would make it
        raise InvalidInput([Problem("--home", str(path.parent), "a folder with a database")], "Look where it was run.")
    store = open_store(database, migrate=False)
    try:
        search = store.search(SearchId(search_id))
        if search.data_digest is None:
            raise InvalidInput([Problem("SEARCH", search_id, f"a search that was begun; this one is {search.state}")])
        return search, store.candidates(search.id, limit=None)
    finally:
        store.close()


def _replayed(search: Search, log: list[Candidate]) -> Replay:
    from .breeding import engine_of

    with counting_bar(err) as step:
        return replay_log(search, log, engine_of(search), lambda total: step(f"replaying {search.id}", total))


def lines(search_id: str, result: Replay) -> list[str]:
    """What was found, for a person."""
    steps = f"{result.asks} asks and {result.tells} tells, {result.events_per_s:.0f} a CPU second"
    if result.difference is None:
        return [f"search {search_id} is identical: {steps}"]
    difference = result.difference
    what = "nothing is proposed" if difference.proposed is None else ", ".join(difference.parts)
    return [
        f"search {search_id} differs at candidate {difference.ordinal} ({what}): {steps}",
        f"recorded      {_line(difference.recorded)}",
        f"proposed now  {_line(difference.proposed)}",
        f"likely cause  {difference.cause}",
    ]


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


def _document(proposal: Proposal) -> dict[str, Any]:
    predicted = {metric: asdict(prediction) for metric, prediction in proposal.predicted.items()}
    return {
        "genotype": str(proposal.genotype),
        "rung": proposal.rung,
        "operator": proposal.operator,
        "parents": proposal.parents,
        "arm": proposal.arm,
        "predicted": predicted,
    }


def _line(proposal: Proposal | None) -> str:
    if proposal is None:
        return "nothing"
    parts = [str(proposal.genotype), f"rung {proposal.rung}", f"by {proposal.operator}"]
    if proposal.parents:
        parts.append(f"from {' and '.join(proposal.parents)}")
    if proposal.arm:
        parts.append(proposal.arm)
    parts += [f"{metric} {p.mean:.9g} +- {p.std:.3g} expected" for metric, p in proposal.predicted.items()]
    return ", ".join(parts)
