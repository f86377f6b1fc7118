"""Settings of the web process: those of the installation, where it listens, and whom it lets in."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from nas.settings import InvalidSettings, Settings, read
from search_space.errors import Problem

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
WILDCARDS = ("0.0.0.0", "::", "")
ORIGIN = re.compile(r"https?://[^/\s*?#]+")

RATE_PER_S = 50.0
"""Requests of one caller in a second, where tokens are required."""


def _split(value: object) -> object:
    """A list of names out of a text with commas."""
    return [part.strip().lower() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Names with commas between them, in lower case."""


class ApiSettings(Settings):
    """Settings of the web process.

    Attributes:
        host: Address to listen on.
        port: TCP port to listen on; 0 takes any that is free.
        require_token: Whether a token is needed; by default it is where others than this machine can reach the host.
        hosts: Further names under which the service is reached, such as that of a reverse proxy.
        proxies: Addresses of reverse proxies that say whom they speak for (X-Forwarded-For).
        cors_origins: Other origins whose pages may use the service, such as ``https://lab.example``.
        requests_per_s: Requests of one caller in a second, in the long run; 0 for no limit. By default `RATE_PER_S`
            where tokens are required, and no limit elsewhere.
        burst: Requests of one caller at once.
        max_streams: Event streams open at once, in this process.
    """

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    require_token: bool | None = None
    hosts: Names = ()
    proxies: Names = ()
    cors_origins: Names = ()
    requests_per_s: float | None = Field(None, ge=0, allow_inf_nan=False)
    burst: int = Field(200, ge=1)
    max_streams: int = Field(1000, ge=1)

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(ORIGIN.fullmatch, origins)):
            raise ValueError("origins with commas between them, each like https://lab.example: no path, no wildcard")
        return origins

    @model_validator(mode="after")
    def _named_hosts(self) -> ApiSettings:
        if self.host in WILDCARDS and not self.hosts:
            allowed = "the names under which the service is reached, since it listens on every address"
            raise InvalidSettings([Problem("SRNAS_HOSTS", None, allowed)])
        return self

    @property
    def token_required(self) -> bool:
        """Whether nobody gets in without a token."""
        return not is_loopback(self.host) if self.require_token is None else self.require_token

    @property
    def rate_per_s(self) -> float | None:
        """Requests of one caller in a second; None for no limit."""
        default = RATE_PER_S if self.token_required else 0.0
        return (default if self.requests_per_s is None else self.requests_per_s) or None

    @property
    def own_name(self) -> str:
        """A name under which the service answers, as it stands in a URL."""
        if self.host in WILDCARDS:
            return self.hosts[0]
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def host_names(self) -> tuple[str, ...]:
        """Names that a request's Host header may carry, which keeps out pages that rebind their DNS name."""
        return tuple(dict.fromkeys((*LOOPBACK_NAMES, self.own_name, *self.hosts)))


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_api_settings(**overrides: object) -> ApiSettings:
    """Settings from the environment, with overrides; `InvalidSettings` names every variable that is wrong."""
    return read(ApiSettings, **overrides)
