from __future__ import annotations

import pytest

from api.settings import RATE_PER_S, is_loopback, read_api_settings
from search_space.errors import InvalidInput


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_host_is_accepted(host: str) -> None:
    assert is_loopback(host)
    assert host in "".join(read_api_settings(host=host).host_names)


@pytest.mark.parametrize(
    ("host", "given", "required"),
    [
        ("127.0.0.1", None, False),
        ("127.0.0.1", True, True),
        ("192.168.1.2", None, True),
        ("192.168.1.2", False, False),
        ("lab.example", None, True),
    ],
)
def test_tokens_are_required_beyond_loopback_unless_it_is_said(host: str, given: bool | None, required: bool) -> None:
    settings = read_api_settings(host=host, require_token=given)
    assert settings.token_required is required
    assert settings.rate_per_s == (RATE_PER_S if required else None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_who_listens_everywhere_names_the_hosts(host: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_api_settings(host=host)
    assert [problem.field for problem in caught.value.problems] == ["SRNAS_HOSTS"]
    settings = read_api_settings(host=host, hosts="NAS.example, nas")
    assert settings.own_name == "nas.example"
    assert settings.host_names == ("localhost", "127.0.0.1", "[::1]", "nas.example", "nas")


@pytest.mark.parametrize("origins", ["*", "https://*.example", "lab.example", "https://lab.example/page"])
def test_origins_are_exact(origins: str) -> None:
    with pytest.raises(InvalidInput, match="https://lab"):
        read_api_settings(cors_origins=origins)


def test_lists_of_names_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNAS_CORS_ORIGINS", "https://a.example,https://b.example:8443")
    monkeypatch.setenv("SRNAS_PROXIES", "10.0.0.1")
    settings = read_api_settings()
    assert settings.cors_origins == ("https://a.example", "https://b.example:8443")
    assert (settings.proxies, settings.hosts) == (("10.0.0.1",), ())


def test_no_limit_of_requests_can_be_asked_for() -> None:
    assert read_api_settings(host="192.168.1.2", requests_per_s=0).rate_per_s is None
    assert read_api_settings(requests_per_s=2.5).rate_per_s == 2.5


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNAS_PORT", "9000")
    monkeypatch.setenv("SRNAS_HOME", "elsewhere")
    settings = read_api_settings()
    assert (settings.port, settings.home.name) == (9000, "elsewhere")


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNAS_PORT", "70000")
    monkeypatch.setenv("SRNAS_BURST", "0")
    with pytest.raises(InvalidInput) as caught:
        read_api_settings()
    assert {problem.field for problem in caught.value.problems} == {"SRNAS_PORT", "SRNAS_BURST"}
