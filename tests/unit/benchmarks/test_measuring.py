"""Rows of a long measurement outlive it, whenever it is cut off."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measuring import RowFile, compute

ROWS = st.lists(
    st.fixed_dictionaries({"index": st.integers(0, 5), "seed": st.integers(0, 2), "score": st.floats(0, 50)}),
    unique_by=lambda row: (row["index"], row["seed"]),
)
KEY = ("index", "seed")


@given(rows=ROWS)
def test_rows_are_read_back_as_they_were_kept(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "deep" / "rows.jsonl"
    kept = RowFile(path, KEY)
    for row in rows:
        kept.append(row)
    again = RowFile(path, KEY)
    assert list(again.rows.values()) == list(kept.rows.values()) == rows
    assert all((row["index"], row["seed"]) in again for row in rows)


@pytest.mark.parametrize("cut", [1, 5])
def test_a_line_that_was_cut_off_is_dropped_and_written_again(tmp_path, cut):
    path = tmp_path / "rows.jsonl"
    first, second = ({"index": i, "seed": 0} for i in range(2))
    path.write_text(json.dumps(first) + "\n" + json.dumps(second)[:-cut])
    rows = RowFile(path, KEY)
    assert list(rows.rows.values()) == [first]
    rows.append(second)
    assert list(RowFile(path, KEY).rows.values()) == [first, second]


def test_a_file_of_one_line_cut_off_holds_nothing(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"index": 0')
    assert not RowFile(path, KEY).rows
    assert path.read_text() == ""


def test_each_row_is_on_disk_before_the_next_is_computed(tmp_path):
    path = tmp_path / "rows.jsonl"
    seen = []

    def work(index):
        seen.append(len(path.read_text().splitlines()) if path.exists() else 0)
        return {"index": index, "seed": 0}

    compute([0, 1, 2], work, RowFile(path, KEY), workers=1, title="counting")
    assert seen == [0, 1, 2]
