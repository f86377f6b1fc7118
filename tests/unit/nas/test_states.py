"""States are kept up to a limit, the oldest give way, and none of them is missed once gone."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.states import SUFFIX, StateShelf

SEARCHES = st.sampled_from(["0a1b2c3d", "feedbeef"])
NAMES = st.sampled_from(["d" * 32, "e" * 32, "f" * 32])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), SEARCHES, NAMES, st.binary(min_size=1, max_size=12)),
        st.tuples(st.just("forget"), SEARCHES, st.none(), st.none()),
        st.tuples(st.just("restart"), st.none(), st.none(), st.none()),
    ),
    max_size=25,
)


def size_of(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(STEPS, st.integers(0, 40))
def test_a_shelf_is_a_queue_of_so_many_bytes_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, bytes]], limit: int
) -> None:
    root = tmp_path_factory.mktemp("shelf")
    shelf, expected, time_ns = StateShelf(root, limit), {}, 0
    for verb, search, name, state in steps:
        if verb == "restart":
            shelf = StateShelf(root, limit)
        elif verb == "forget":
            shelf.forget(search)
            expected = {key: kept for key, kept in expected.items() if key[0] != search}
        else:
            shelf.keep(search, name, state)
            expected.pop((search, name), None)
            if len(state) <= limit:
                while sum(map(len, expected.values())) + len(state) > limit:
                    expected.pop(next(iter(expected)))
                expected[search, name] = state
                time_ns += 1_000_000
                os.utime(root / search / f"{name}{SUFFIX}", ns=(time_ns, time_ns))
        assert size_of(root) == sum(map(len, expected.values())) <= limit
        for key in [(s, n) for s in ("0a1b2c3d", "feedbeef") for n in ("d" * 32, "e" * 32, "f" * 32)]:
            assert shelf.take(*key) == expected.get(key, b"")


def test_what_was_kept_lately_stays(tmp_path: Path) -> None:
    shelf = StateShelf(tmp_path, 10)
    for name in ("a", "b"):
        shelf.keep("s", name, b"1234")
    shelf.keep("s", "a", b"5678")  # anew: b is the oldest now
    shelf.keep("s", "c", b"9012")
    assert [shelf.take("s", name) for name in "abc"] == [b"5678", b"", b"9012"]


def test_a_state_that_is_too_large_alone_drives_out_no_other(tmp_path: Path) -> None:
    shelf = StateShelf(tmp_path, 10)
    shelf.keep("s", "a", b"1234")
    shelf.keep("s", "b", b"x" * 11)
    assert (shelf.take("s", "a"), shelf.take("s", "b")) == (b"1234", b"")


def test_an_earlier_state_of_a_name_is_gone_even_where_the_new_one_is_too_large(tmp_path: Path) -> None:
    shelf = StateShelf(tmp_path, 10)
    shelf.keep("s", "a", b"1234")
    shelf.keep("s", "a", b"x" * 11)
    assert shelf.take("s", "a") == b""


def test_without_room_nothing_is_kept_and_no_folder_made(tmp_path: Path) -> None:
    shelf = StateShelf(tmp_path / "states", 0)
    shelf.keep("s", "a", b"1234")
    assert shelf.take("s", "a") == b""
    assert not (tmp_path / "states").exists()


def test_a_file_that_went_away_is_not_missed(tmp_path: Path) -> None:
    shelf = StateShelf(tmp_path, 10)
    shelf.keep("s", "a", b"1234")
    (tmp_path / "s" / f"a{SUFFIX}").unlink()
    assert shelf.take("s", "a") == b""
    shelf.keep("s", "b", b"12345678")
    assert shelf.take("s", "b") == b"12345678"
    shelf.forget("s")


def test_to_forget_a_search_leaves_the_others_and_the_room_is_free_again(tmp_path: Path) -> None:
    shelf = StateShelf(tmp_path, 8)
    shelf.keep("s", "a", b"1234")
    shelf.keep("t", "a", b"5678")
    shelf.forget("s")
    shelf.forget("nobody")
    assert not (tmp_path / "s").exists()
    shelf.keep("t", "b", b"9012")
    assert [shelf.take("t", name) for name in "ab"] == [b"5678", b"9012"]


def test_files_of_others_below_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("of somebody else")
    shelf = StateShelf(tmp_path, 4)
    shelf.keep("s", "a", b"1234")
    assert shelf.take("s", "a") == b"1234"
    assert (tmp_path / "s" / "notes.txt").exists()
