from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluator.latency.profile import HeldOut, write_profile
from evaluator.metrics.psnr import CAP_DB
from nas.checks import InvalidSpec
from nas.objectives import METRICS
from nas.reach import SCORES
from nas.records import ACTIONS, Action, IllegalAction, Search, SearchState
from nas.service import Service
from nas.settings import Settings
from nas.store.base import KeyReused, NotFound
from nas.store.memory import MemoryStore
from nas.testing.profiles import make_profile
from search_space.errors import InvalidInput


def photo(path: Path, width: int = 96, height: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(width).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(5):
        photo(tmp_path / "images" / "photos" / f"{number}.png")
    return tmp_path / "images"


@pytest.fixture
def service(images: Path, tmp_path: Path) -> Service:
    return Service(MemoryStore(), Settings(home=tmp_path / "home", images_root=images))


def document(**changes: Any) -> dict[str, Any]:
    return {"dataset": {"train": "photos"}} | changes


def problems_of(service: Service, submitted: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidSpec) as refused:
        service.submit(submitted)
    assert service.searches() == []
    return {problem.field: problem.allowed for problem in refused.value.problems}


def test_a_minimal_document_is_queued_with_defaults(service: Service) -> None:
    search = service.submit(document())
    assert search.state is SearchState.QUEUED
    assert [objective.metric for objective in search.spec.objectives] == ["psnr", "fsds", "mult_adds"]
    assert service.search(search.id) == search
    assert [event.kind for event in service.events(search.id)] == ["submitted"]


def test_every_problem_of_every_field_is_reported_at_once(service: Service) -> None:
    found = problems_of(
        service,
        {
            "space": "flasr",
            "scale": 5,
            "dataset": {"train": "nowhere"},
            "objectives": ["psnr", "beauty"],
            "budget": {"evaluations": 0},
            "recipe": {"steps": 0, "batch": -1, "colour": "red"},
            "initial": ["falsr-z"],
            "sede": 1,
        },
    )
    assert "falsr" in found["space"]
    assert found["scale"] == "2 or 3 or 4"
    assert "mult_adds" in found["objectives.1.metric"]
    assert "greater than or equal to 1" in found["budget.evaluations"]
    assert "recipe.steps" in found
    assert "recipe.batch" in found
    assert "recipe.colour" in found
    assert "dataset.train" in found
    assert found["sede"].startswith("only the fields version, name, ")
    assert found["sede"].endswith("; did you mean seed?")
    assert any(field.startswith("initial") for field in found)


def test_null_is_told_from_nothing_and_a_near_miss_is_named(service: Service) -> None:
    wrong = {"engine": {"mode": None, "surogate": 1}, "recipe": {"stps": None, "steps": None}, "budget": None}
    with pytest.raises(InvalidSpec) as caught:
        service.submit(document(**wrong))
    said = [str(problem) for problem in caught.value.problems]
    assert not [text for text in said if "missing" in text]
    assert [text for text in said if text.endswith("did you mean surrogate?")]
    assert [text for text in said if text.endswith("did you mean steps?")]


def test_a_path_is_refused_wherever_it_leads(service: Service, images: Path) -> None:
    photo(images / "photos" / "inner" / "a.png")
    for train in (".", "..", "/etc", "photos/inner", "photos/", "./photos", "photos/../../home", "a" * 300):
        said = problems_of(service, document(dataset={"train": train}))["dataset.train"]
        assert said == "the name of a dataset, of letters, digits and . _ -, no path: photos"


def test_an_unknown_name_is_refused_with_those_there_are(service: Service, images: Path) -> None:
    photo(images / "others" / "a.png")
    (images / "elsewhere").symlink_to("/etc")
    for train in ("none", "elsewhere"):
        said = problems_of(service, document(dataset={"train": train}))["dataset.train"]
        assert said == "the name of a dataset: others, photos"


def test_training_images_do_not_score_what_was_trained_on_them(service: Service, images: Path) -> None:
    found = problems_of(service, document(dataset={"train": "photos", "validation": "photos"}))
    assert "not used for training" in found["dataset.validation"]
    (images / "again").symlink_to(images / "photos")
    assert "dataset.validation" in problems_of(service, document(dataset={"train": "photos", "validation": "again"}))
    photo(images / "others" / "a.png")
    service.submit(document(dataset={"train": "photos", "validation": "others"}))


def test_one_training_image_is_enough_only_beside_a_validation_folder(service: Service, images: Path) -> None:
    found = problems_of(service, document(dataset={"train": "photos", "train_limit": 1}))
    assert found["dataset.train_limit"].startswith("at least 2: one image is held out")
    photo(images / "others" / "a.png")
    service.submit(document(dataset={"train": "photos", "train_limit": 1, "validation": "others"}))


def test_a_wrong_recipe_or_scale_is_not_also_a_problem_of_the_images(service: Service, images: Path) -> None:
    for number in range(3):
        photo(images / "small" / f"{number}.png", 20, 20)
    dataset = {"train": "small"}
    assert set(problems_of(service, document(dataset=dataset, recipe={"patch": 8, "steps": 0}))) == {"recipe.steps"}
    assert set(problems_of(service, document(dataset=dataset, scale=7))) == {"scale"}
    assert set(problems_of(service, document(dataset={"train": "none"}, scale=7))) == {"scale", "dataset.train"}


def test_an_empty_folder_is_refused(service: Service, images: Path) -> None:
    (images / "empty").mkdir()
    found = problems_of(service, document(dataset={"train": "empty"}))
    assert list(found) == ["dataset.train"]
    assert "folder with images" in found["dataset.train"]


def test_unreadable_images_are_not_said_to_be_too_small(service: Service, images: Path) -> None:
    (images / "torn").mkdir()
    for number in range(2):
        (images / "torn" / f"{number}.png").write_bytes(b"not a picture")
    found = problems_of(service, document(dataset={"train": "torn"}))
    assert found == {f"dataset.train[{number}.png]": "an image that can be read" for number in range(2)}
    for number in range(2, 8):
        (images / "torn" / f"{number}.png").write_bytes(b"not a picture")
    found = problems_of(service, document(dataset={"train": "torn"}))
    assert found["dataset.train"] == "images that can be used; 3 more files have problems"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"dataset": None}, "dataset", "an object with train, validation, train_limit, "),
        ({"dataset": {}}, "dataset.train", "a value (dataset of training images)"),
        ({"dataset": {"trian": "photos"}}, "dataset.trian", "did you mean train?"),
        ({"budget": 7}, "budget", "an object with evaluations, steps, wall_time_s"),
        ({"constraints": [7]}, "constraints.0", "an object with metric, min, max"),
        ({"constraints": [{"max": 7}]}, "constraints.0.metric", "a value (which metric)"),
        ({"objectives": "psnr"}, "objectives", "a list"),
        ({"objectives": []}, "objectives", "a list of at least 1"),
        ({"seed": "7"}, "seed", "an integer"),
        ({"initial": ["falsr-z"]}, "initial.0", "one of falsr-a, falsr-b, falsr-c, moremnas-d, or a genotype's text"),
        ({"space": "imagenet"}, "space", "one of falsr, tiny"),
    ],
)
def test_what_is_allowed_is_said_in_plain_words(service: Service, changes: Any, field: str, said: str) -> None:
    assert said in problems_of(service, document(**changes))[field]


def test_a_document_without_images_says_what_is_missing(service: Service) -> None:
    with pytest.raises(InvalidSpec, match="dataset: missing; give an object with train, "):
        service.submit({})


def test_images_smaller_than_a_patch_are_refused_by_the_field_and_its_limit(service: Service, images: Path) -> None:
    for number in range(3):
        photo(images / "small" / f"{number}.png", 20, 20)
    found = problems_of(service, document(dataset={"train": "small"}))
    assert "24" in found["dataset.train"]


def test_one_image_alone_cannot_be_held_out(service: Service, images: Path) -> None:
    photo(images / "single" / "a.png")
    assert "two usable images" in problems_of(service, document(dataset={"train": "single"}))["dataset.train"]


def test_a_constraint_that_no_network_can_satisfy_is_refused_with_what_they_reach(service: Service) -> None:
    found = problems_of(
        service,
        document(
            constraints=[
                {"metric": "params", "max": 100},
                {"metric": "mult_adds", "min": 1e15},
                {"metric": "ssim", "min": 1.5},
                {"metric": "psnr", "min": 101},
                {"metric": "fsds", "min": 100.5},
            ]
        ),
    )
    assert set(found) == {f"constraints.{end}" for end in ("0.max", "1.min", "2.min", "3.min", "4.min")}
    assert "reach from" in found["constraints.0.max"]
    assert found["constraints.3.min"] == "at most 100: any image reaches from 0 to 100"


def test_decibels_reach_as_far_as_they_are_averaged() -> None:
    assert SCORES["psnr"][1] == SCORES["fsds"][1] == CAP_DB
    assert set(SCORES) == {name for name, metric in METRICS.items() if metric.trained}


def test_a_network_of_another_space_is_refused_as_initial(service: Service) -> None:
    found = problems_of(service, document(space="tiny", initial=["falsr-a"]))
    assert "tiny" in found["initial.0"]


def test_an_initial_network_that_breaks_a_cost_constraint_is_refused_with_its_cost(service: Service) -> None:
    constraints = [{"metric": "params", "max": 500_000}, {"metric": "psnr", "min": 20}]
    found = problems_of(service, document(initial=["falsr-b", "falsr-a"], constraints=constraints))
    assert found == {"initial.1": "networks with params of at most 500,000; this one has 1,021,401"}
    found = problems_of(service, document(initial=["falsr-b"], constraints=[{"metric": "params", "min": 500_000}]))
    assert found == {"initial.0": "networks with params of at least 500,000; this one has 324,745"}
    assert service.submit(document(initial=["falsr-b"], constraints=constraints))


LATENCY = {"space": "tiny", "objectives": ["psnr", "latency_ms"]}


def test_a_search_holds_the_whole_profile_that_it_predicts_latencies_with(service: Service, tmp_path: Path) -> None:
    assert "srnas profile-device" in problems_of(service, document(**LATENCY))["latency.profile"]
    write_profile(tmp_path / "home", make_profile())
    search = service.submit(document(**LATENCY))
    assert search.spec.latency is not None
    assert search.spec.latency.profile == make_profile()
    assert search.warnings == ()


def test_a_latency_that_no_network_can_keep_is_refused_and_one_that_none_was_found_to_keep_is_warned_of(
    service: Service, tmp_path: Path
) -> None:
    slow = {"constraints": [{"metric": "latency_ms", "max": 1.0}]}
    tiny = {**LATENCY, "latency": {"profile": make_profile().to_json()}}
    assert "networks of the space tiny reach from" in problems_of(service, document(**tiny | slow))["constraints.0.max"]
    falsr = {**LATENCY, "space": "falsr", "latency": {"profile": make_profile("falsr").to_json()}}
    (warning,) = service.submit(document(**falsr | slow)).warnings
    assert warning.startswith("constraints.0.max: 1 ms is less than the ")
    fast = {"constraints": [{"metric": "latency_ms", "min": 1e6}]}
    (warning,) = service.submit(document(**falsr | fast)).warnings
    assert "slowest network found" in warning


def test_an_initial_network_that_is_too_slow_is_refused_with_its_latency(service: Service) -> None:
    latency = {"profile": make_profile("falsr").to_json()}
    constraints = [{"metric": "latency_ms", "max": 500}]
    found = problems_of(service, document(initial=["falsr-a"], constraints=constraints, latency=latency))
    assert found["initial.0"].startswith("networks with latency_ms of at most 500; this one has ")


def test_a_profile_that_is_missing_hides_no_other_problem(service: Service) -> None:
    changes = {
        "initial": ["falsr-a"],
        "constraints": [{"metric": "params", "max": 100_000}, {"metric": "psnr", "min": 200}],
    }
    found = problems_of(service, document(objectives=["psnr", "latency_ms"], **changes))
    assert set(found) == {"latency.profile", "initial.0", "constraints.1.min"}


@pytest.mark.parametrize(
    ("held_out", "said"),
    [
        (None, "nobody has compared what the profile bench predicts"),
        (HeldOut(networks=40, mean_error=0.3, worst_error=0.9, tau=0.9), "wrong by 30% on average"),
        (HeldOut(networks=40, mean_error=0.05, worst_error=0.9, tau=0.7), "Kendall's tau 0.70"),
        (HeldOut(networks=40, mean_error=0.05, worst_error=0.9, tau=None), "Kendall's tau 0.00"),
    ],
)
def test_who_predicts_by_a_profile_that_is_not_to_be_relied_on_is_told_why(
    service: Service, held_out: HeldOut | None, said: str
) -> None:
    profile = replace(make_profile(), held_out=held_out)
    (warning,) = service.submit(document(**LATENCY, latency={"profile": profile.to_json()})).warnings
    assert said in warning


def test_who_measures_latency_is_told_where_it_compares_and_what_bounds_it(service: Service) -> None:
    measured = {**LATENCY, "latency": {"mode": "measured"}}
    one_kind, bound = service.submit(document(**measured)).warnings
    assert "workers of one kind" in one_kind
    assert "beside whatever the machine's other workers do" in one_kind
    assert "taken over from earlier searches on any machine" in one_kind
    assert "no constraint is a max of latency_ms" in bound
    bounded = service.submit(document(**measured, constraints=[{"metric": "latency_ms", "max": 40}]))
    assert bounded.warnings == (one_kind,)


def test_published_networks_may_seed_a_search(service: Service) -> None:
    search = service.submit(document(initial=["falsr-b", "falsr-c"]))
    assert len(search.spec.initial_genotypes) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "space",
    "scale",
    "objectives",
    "constraints",
    "recipe",
    "population",
    "budget",
    "initial",
    "seed",
    "dataset",
    "latency",
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=6), JSON, max_size=5))
def test_any_document_is_accepted_or_refused_with_problems(submitted: dict[str, Any]) -> None:
    service = Service(MemoryStore(), Settings(images_root=Path(__file__).parent))
    with pytest.raises(InvalidInput) as refused:  # no images lie beside the tests
        service.submit(submitted)
    assert refused.value.problems
    json.dumps([str(problem) for problem in refused.value.problems])


ACTS: Mapping[Action, Callable[[Service, str], object]] = {
    Action.PAUSE: lambda service, name: service.pause(name, by="ada"),
    Action.RESUME: lambda service, name: service.resume(name, by="ada"),
    Action.CANCEL: lambda service, name: service.cancel(name, by="ada"),
    Action.EXTEND: lambda service, name: service.extend(name, {"evaluations": 200}, by="ada"),
    Action.CHANGE: lambda service, name: service.set_priority(name, 7, by="ada"),
    Action.CLONE: lambda service, name: service.clone(name, {}, by="ada"),
}


def bring_to(store: MemoryStore, service: Service, state: SearchState) -> Search:
    """A submitted search in a state."""
    search = service.submit(document())
    if state in (SearchState.PAUSED, SearchState.CANCELLED):
        return store.move_search(search.id, state, at=search.created_at)
    if state is not SearchState.QUEUED:
        lease = store.claim_search("controller-1", at=search.created_at, lease_s=60.0)
        assert lease is not None
        if state.ended:
            store.end_search(lease, state, at=search.created_at)
    return store.search(search.id)


@pytest.mark.parametrize("state", SearchState)
@pytest.mark.parametrize("action", Action)
def test_an_action_is_done_just_where_the_table_allows_it_and_bears_who(
    images: Path, tmp_path: Path, action: Action, state: SearchState
) -> None:
    store = MemoryStore()
    service = Service(store, Settings(home=tmp_path / "home", images_root=images))
    search = bring_to(store, service, state)
    entries = len(store.audit())
    if state not in ACTIONS[action]:
        with pytest.raises(IllegalAction, match=f"is {state}: to {action} it takes"):
            ACTS[action](service, search.id)
        assert service.search(search.id) == search
        assert len(store.audit()) == entries
        return
    ACTS[action](service, search.id)
    (entry,) = store.audit(after=entries)
    assert (entry.who, entry.action) == ("ada", f"search.{action}")


def test_a_search_that_failed_is_resumed_and_one_that_completed_is_extended(service: Service) -> None:
    store: Any = service._store
    failed = bring_to(store, service, SearchState.FAILED)
    assert service.resume(failed.id).state is SearchState.QUEUED
    service.cancel(failed.id)
    completed = bring_to(store, service, SearchState.COMPLETED)
    extended = service.extend(completed.id, {"evaluations": 300})
    assert (extended.state, extended.spec.budget.evaluations) == (SearchState.QUEUED, 300)
    assert extended == service.search(completed.id)


def test_an_extension_that_allows_less_is_refused_whole(service: Service) -> None:
    search = service.submit(document())
    with pytest.raises(InvalidSpec) as refused:
        service.extend(search.id, {"evaluations": 1, "steps": 7, "patience": None})
    assert [problem.field for problem in refused.value.problems] == ["evaluations", "steps"]
    assert service.search(search.id) == search


def test_the_priority_and_parallelism_of_a_spec_are_those_that_a_search_begins_with(service: Service) -> None:
    search = service.submit(document(priority=-3, parallelism=2), by="ada")
    assert (search.priority, search.parallelism, search.owner) == (-3, 2, "ada")
    assert service.set_priority(search.id, 100).priority == 100
    assert service.set_parallelism(search.id, None).parallelism is None
    assert service.search(search.id).spec == search.spec
    with pytest.raises(InvalidSpec, match="priority"):
        service.submit(document(priority=101))


def test_a_clone_differs_by_its_changes_only_and_is_checked_like_any_spec(service: Service) -> None:
    model = service.submit(document(seed=5, population=8, engine={"name": "nsga2", "order": "ordered"}), by="ada")
    changes = {"seed": 6, "population": None, "budget": {"evaluations": 7}}
    clone, repeated = service.clone(model.id, changes, by="bob")
    assert not repeated
    assert (clone.owner, clone.cloned_from, clone.state) == ("bob", model.id, SearchState.QUEUED)
    budget = model.spec.budget.model_copy(update={"evaluations": 7})
    assert clone.spec == model.spec.model_copy(update={"seed": 6, "population": 32, "budget": budget})
    with pytest.raises(InvalidSpec) as refused:
        service.clone(model.id, {"scale": 9, "dataset": {"train": "nowhere"}})
    assert {problem.field for problem in refused.value.problems} == {"scale", "dataset.train"}
    assert len(service.searches()) == 2


def test_a_request_with_a_key_is_carried_out_once_for_each_sender(service: Service) -> None:
    first = service.accept(document(name="a", seed=1), by="ada", key="k")
    service.pause(first.search.id)
    again = service.accept({"seed": 1, "name": "a", "dataset": {"train": "photos"}}, by="ada", key="k")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.search == service.search(first.search.id)
    assert not service.accept(document(name="a", seed=1), by="bob", key="k").repeated
    assert not service.accept(document(name="a", seed=1), by="ada").repeated
    with pytest.raises(KeyReused):
        service.accept(document(name="a", seed=2), by="ada", key="k")
    clone = service.clone(first.search.id, {}, by="ada", key="c")
    assert service.clone(first.search.id, {}, by="ada", key="c") == (clone.search, True)
    with pytest.raises(KeyReused):
        service.clone(clone.search.id, {}, by="ada", key="c")
    assert len(service.searches()) == 4


def test_a_repeated_request_is_answered_though_its_images_are_gone(service: Service, images: Path) -> None:
    first = service.accept(document(), by="ada", key="once").search
    shutil.rmtree(images / "photos")
    assert service.accept(document(), by="ada", key="once") == (first, True)


def test_an_extension_keeps_what_another_one_gave_meanwhile(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    search = service.submit(document(budget={"evaluations": 100}))
    read, others = service.search, [{"evaluations": 200}]

    def read_and_be_overtaken(search_id: str) -> Search:
        found = read(search_id)
        if others:
            service.extend(search_id, others.pop())
        return found

    monkeypatch.setattr(service, "search", read_and_be_overtaken)
    with pytest.raises(InvalidSpec, match="at least 200"):
        service.extend(search.id, {"evaluations": 150})
    assert read(search.id).spec.budget.evaluations == 200


def test_unknown_ids_are_not_found(service: Service) -> None:
    for ask in (
        service.search,
        *(lambda name, act=act: act(service, name) for act in ACTS.values()),
        service.front,
        service.candidates,
        service.candidate,
        service.events,
        service.artifact,
        service.artifacts,
    ):
        with pytest.raises(NotFound):
            ask("nothing")


def test_a_front_of_an_unknown_metric_is_refused_with_the_known_ones(service: Service) -> None:
    search = service.submit(document())
    with pytest.raises(InvalidInput, match="psnr"):
        service.front(search.id, objectives=["beauty"])
    with pytest.raises(InvalidInput, match="once"):
        service.front(search.id, objectives=["psnr", "psnr"])


def test_times_come_from_the_clock(images: Path, tmp_path: Path) -> None:
    now = datetime(2030, 5, 1, tzinfo=UTC)
    service = Service(MemoryStore(), Settings(home=tmp_path, images_root=images), clock=lambda: now)
    assert service.submit(document()).created_at == now
