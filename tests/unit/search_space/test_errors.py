"""Problems are values; exceptions carry all of them, also to another process."""

import pickle

from search_space.errors import InvalidGenotype, InvalidInput, NoSuchFile, Problem, UnknownSpace, meant, present


def test_a_problem_says_where_what_and_what_instead() -> None:
    problem = Problem("cells[3].kernel", 2, "an odd integer")
    assert str(problem) == "cells[3].kernel: 2 is not allowed; allowed: an odd integer"


def test_a_problem_without_a_value_says_what_is_missing() -> None:
    assert str(Problem("dataset.train", None, "a value")) == "dataset.train: missing; give a value"


def test_a_long_value_is_shortened() -> None:
    assert len(str(Problem("cells", "x" * 10_000, "less"))) < 300


def test_an_error_names_every_problem() -> None:
    error = InvalidInput([Problem("a", 1, "2"), Problem("b", 3, "4")])
    assert [problem.field for problem in error.problems] == ["a", "b"]
    assert "a: 1" in str(error)
    assert "b: 3" in str(error)
    assert error.hint


def test_errors_survive_pickling_so_that_workers_can_raise_them() -> None:
    for error in (InvalidGenotype([Problem("a", 1, "2")], "Do b."), UnknownSpace("x", ("falsr", "tiny"))):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (copy.problems, copy.hint, str(copy)) == (error.problems, error.hint, str(error))


def test_an_unknown_space_knows_the_known_ones() -> None:
    error = UnknownSpace("x", ("falsr", "tiny"))
    assert error.name == "x"
    assert error.known == ("falsr", "tiny")
    assert "falsr" in str(error)


def test_null_is_told_from_nothing() -> None:
    assert str(Problem("seed", present(None), "an integer")) == "seed: null is not allowed; allowed: an integer"


def test_a_name_that_comes_close_is_told() -> None:
    assert meant("poplation", ["seed", "population"]) == "; did you mean population?"
    assert meant("colour", ["seed", "population"]) == ""


def test_a_file_that_is_not_there_is_named() -> None:
    assert str(NoSuchFile("SPEC", "nofile.json")) == "SPEC: no such file: nofile.json"
