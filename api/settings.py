"""Settings of the web process: those of the installation, and the address that it listens on."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field, field_validator

from nas.settings import Settings, read

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class ApiSettings(Settings):
    """Settings of the web process.

    Attributes:
        host: Address to listen on. Only loopback is allowed, since whoever reaches the service may use it.
        port: TCP port to listen on; 0 takes any that is free.
    """

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)

    @field_validator("host")
    @classmethod
    def _only_loopback(cls, host: str) -> str:
        if not is_loopback(host):
            raise ValueError(
                "localhost, ::1 or an address of 127.0.0.0/8: there is no access control, so the service may not be "
                "reached from elsewhere; use an SSH tunnel or a reverse proxy that asks who is there"
            )
        return host

    @property
    def host_names(self) -> tuple[str, ...]:
        """Names that a request's Host header may carry, which keeps out pages that rebind their DNS name."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return tuple(dict.fromkeys((*LOOPBACK_NAMES, own)))


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_api_settings(**overrides: object) -> ApiSettings:
    """Settings from the environment, with overrides; `InvalidSettings` names every variable that is wrong."""
    return read(ApiSettings, **overrides)
