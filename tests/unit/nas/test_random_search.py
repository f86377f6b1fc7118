"""Random search keeps the promises of every engine, and never waits."""

from nas.engine.base import EngineSettings
from nas.engine.random_search import RandomSearch
from nas.engine.testing import EngineContract, settings_for


class TestRandomSearch(EngineContract):
    def build(self, settings: EngineSettings) -> RandomSearch:
        return RandomSearch(settings)


def test_it_never_waits_for_a_tell():
    engine = RandomSearch(settings_for("falsr"))
    assert all(engine.ask() for _ in range(50))


def test_random_proposals_have_no_parents():
    proposal = RandomSearch(settings_for("falsr")).ask()
    assert (proposal.operator, proposal.parents) == ("random", ())
