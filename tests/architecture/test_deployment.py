"""The compose file and the manifests say what they mean: commands parse, settings exist, variables are explained."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from api.settings import ApiSettings
from api.verbs import app

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
REQUIRED = {"POSTGRES_PASSWORD": "secret", "SRNAS_IMAGES": "/photographs"}
OF_COMPOSE = {"COMPOSE_PROFILES"}
OF_RAY = {"RAY_gcs_rpc_server_reconnect_timeout_s", "RAY_ADDRESS", "RAY_AUTH_MODE"}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
PROFILES = ["cpu", "gpu", "cpu,gpu"]

Documents = Iterator[tuple[str, Any]]


def compose() -> dict[str, Any]:
    """The compose file with its variables filled in by their defaults."""
    text = VARIABLE.sub(lambda found: REQUIRED.get(found[1], found[3] or ""), COMPOSE.read_text(encoding="utf-8"))
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def parse(words: list[str]) -> None:
    """Let the command line's own parser look at a command, and do nothing else."""
    if words[0] == "ray":
        from ray.scripts.scripts import cli as command
    else:
        assert words[0] == "srnas", words
        command = typer.main.get_command(app)
    _parse(command, words[0], words[1:], None)


def _parse(command: Any, name: str, words: list[str], parent: Any) -> None:
    """Of click or of typer, which bears a click of its own."""
    with command.make_context(name, list(words), parent=parent) as context:
        if hasattr(command, "resolve_command"):
            _, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert inner is not None
            _parse(inner, inner.name or "", rest, context)


def commands(service: Mapping[str, Any]) -> list[list[str]]:
    """What a container runs, one after another, health check included."""
    begin = list(service.get("entrypoint", ["srnas"]))
    if begin[0] == "sh":
        ran = [shlex.split(part.strip().removeprefix("exec ")) for part in service["command"][0].split("&&")]
    else:
        ran = [[*begin, *service["command"]]]
    test = service.get("healthcheck", {}).get("test", ["CMD", "python"])[1:]
    return [*ran, *([] if test[0] == "python" else [test])]


OWN = [name for name in services() if name != "database"]


@pytest.mark.parametrize("name", OWN)
def test_every_command_is_one_that_its_program_understands(name: str) -> None:
    for words in commands(services()[name]):
        parse(words)


def test_a_command_that_nobody_understands_is_noticed() -> None:
    for words in (["srnas", "api", "--hosts", "x"], ["srnas", "ap"], ["ray", "start", "--heads"]):
        with pytest.raises(Exception, match="No such") as refused:
            parse(words)
        assert "UsageError" in {base.__name__ for base in type(refused.value).__mro__}


@pytest.mark.parametrize("name", services())
def test_every_service_has_a_health_check_or_runs_once(name: str) -> None:
    service = services()[name]
    assert ("healthcheck" in service) is not (service["restart"] == "no")


def test_every_service_waits_for_what_it_needs_in_health() -> None:
    for service in services().values():
        for name, how in service.get("depends_on", {}).items():
            once = services()[name]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if once else "service_healthy")


def test_every_setting_of_a_container_is_one_that_is_read() -> None:
    known = {f"SRNAS_{name.upper()}" for name in ApiSettings.model_fields} | OF_RAY
    for name in OWN:
        assert set(services()[name].get("environment", {})) <= known


def test_the_example_explains_the_variables_of_the_compose_file_and_no_others() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    used = {found[1]: found[3] for found in VARIABLE.finditer(COMPOSE.read_text(encoding="utf-8")) if found[2] != "?"}
    shown = dict(re.findall(r"^#(\w+)=(.*)$", example, re.MULTILINE))
    assert set(shown) == set(used)
    assert {name: value for name, value in used.items() if value} == {name: shown[name] for name in used if used[name]}
    asked = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    assert asked == dict.fromkeys(REQUIRED, "") | {"COMPOSE_PROFILES": "cpu"}
    assert all(re.search(rf"^# .+\n(# .+\n)*#?{name}=", example, re.MULTILINE) for name in (shown | asked))


def test_defaults_that_the_example_shows_are_those_of_the_settings() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = re.findall(r"^#SRNAS_(\w+)=(\d.*)$", example, re.MULTILINE)
    settings = {name.lower(): value for name, value in shown if name.lower() in ApiSettings.model_fields}
    assert len(settings) >= 6
    for name, value in settings.items():
        assert float(value) == float(getattr(ApiSettings(), name)), name


def test_only_the_service_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8000:8000"]}


@pytest.mark.parametrize("profiles", PROFILES)
def test_compose_accepts_the_file(profiles: str) -> None:
    program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    if shutil.which(program[0]) is None or subprocess.run([*program, "version"], capture_output=True).returncode:
        pytest.skip("no compose program here")
    environment = {**os.environ, **REQUIRED, "COMPOSE_PROFILES": profiles}
    command = [*program, "--file", str(COMPOSE), "config"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    accepted = yaml.safe_load(done.stdout)["services"]
    assert {"database", "migrations", "api", "controller", "head"} <= set(accepted)
    assert {f"worker-{profile}" for profile in profiles.split(",")} <= set(accepted)


def test_compose_refuses_to_start_without_a_password_or_photographs() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert {found[1] for found in VARIABLE.finditer(text) if found[2] == "?"} == set(REQUIRED)


# -- Kubernetes --------------------------------------------------------------------------------------------------------


def manifests() -> list[dict[str, Any]]:
    """What docs/how-to/kuberay.md shows."""
    page = (ROOT / "docs" / "how-to" / "kuberay.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in manifests() if found["kind"] == kind}


def pods() -> list[dict[str, Any]]:
    """The specifications of every pod."""
    (ray,) = of_kind("RayCluster").values()
    groups = [ray["spec"]["headGroupSpec"], *ray["spec"]["workerGroupSpecs"]]
    templates = [part["template"] for part in groups]
    return [part["spec"] for part in (*templates, *(d["spec"]["template"] for d in of_kind("Deployment").values()))]


def test_the_manifests_are_all_there() -> None:
    kinds = sorted(document["kind"] for document in manifests())
    claims = ["PersistentVolumeClaim"] * 2
    assert kinds == sorted(["Deployment", "Deployment", *claims, "RayCluster", "Secret", "Service"])


def test_manifests_refer_to_what_there_is() -> None:
    (secret,) = of_kind("Secret").values()
    for pod in pods():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
        claims = {v["persistentVolumeClaim"]["claimName"] for v in volumes.values() if "persistentVolumeClaim" in v}
        assert claims <= set(of_kind("PersistentVolumeClaim"))
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container.get("volumeMounts", ())} == set(volumes)
        for variable in container["env"]:
            if "valueFrom" in variable:
                key = variable["valueFrom"]["secretKeyRef"]
                assert (key["name"], key["key"] in secret["stringData"]) == (secret["metadata"]["name"], True)
    for deployment in of_kind("Deployment").values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
    (service,) = of_kind("Service").values()
    assert service["spec"]["selector"] in [d["spec"]["selector"]["matchLabels"] for d in of_kind("Deployment").values()]


def test_pods_run_commands_and_settings_that_are_known() -> None:
    known = {f"SRNAS_{name.upper()}" for name in ApiSettings.model_fields} | OF_RAY | {"RAY_AUTH_TOKEN"}
    for pod in pods():
        (container,) = pod["containers"]
        assert {variable["name"] for variable in container["env"]} <= known
        if "command" in container:
            probe = container["readinessProbe"].get("exec", {}).get("command")
            check = {"healthcheck": {"test": ["CMD", *probe]}} if probe else {}
            for words in commands({"entrypoint": container["command"], "command": container["args"], **check}):
                parse(words)


def test_groups_of_workers_may_grow_and_start_as_ray_does() -> None:
    (ray,) = of_kind("RayCluster").values()
    assert ray["spec"]["rayVersion"] in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for group in ray["spec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] < group["maxReplicas"]
        parse(["ray", "start", "--address=head:6379", *(f"--{k}={v}" for k, v in group["rayStartParams"].items())])


def test_the_scrape_and_the_alerts_name_metrics_that_there_are() -> None:
    """Their YAML is read, and each name is one of the reference's."""
    page = (ROOT / "docs" / "how-to" / "monitor.md").read_text(encoding="utf-8")
    scrape, alerts = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)]
    assert scrape["scrape_configs"][0]["static_configs"]
    assert all(rule["expr"] for rule in alerts["groups"][0]["rules"])
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| `(\w+)`", reference, re.MULTILINE))
    named = set(re.findall(r"\bsrnas_[a-z_]+\b", page)) - {"srnas_"}
    assert {name.removesuffix("_bucket") for name in named} <= known
