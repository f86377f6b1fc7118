from __future__ import annotations

import pytest

from api.settings import is_loopback, read_api_settings
from search_space.errors import InvalidInput


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_host_is_accepted(host: str) -> None:
    assert is_loopback(host)
    assert host in "".join(read_api_settings(host=host).host_names)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])
def test_a_host_beyond_loopback_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="access control") as caught:
        read_api_settings(host=host)
    assert [problem.field for problem in caught.value.problems] == ["SRNAS_HOST"]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNAS_PORT", "9000")
    monkeypatch.setenv("SRNAS_HOME", "elsewhere")
    settings = read_api_settings()
    assert (settings.port, settings.home.name) == (9000, "elsewhere")


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNAS_PORT", "70000")
    monkeypatch.setenv("SRNAS_HOST", "0.0.0.0")
    with pytest.raises(InvalidInput) as caught:
        read_api_settings()
    assert {problem.field for problem in caught.value.problems} == {"SRNAS_PORT", "SRNAS_HOST"}
