"""Every knob of the daemon, in one place.

A value comes from, in falling precedence: `REMEDYD_*` environment variables (nested with two
underscores: `REMEDYD_ELASTICSEARCH__URL`), the YAML file named by `REMEDYD_CONFIG` or
`--config`, the default. Secrets are read from files or the environment, never from argv.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from remedyd.errors import ConfigurationError, Problem
from remedyd.model import Clock, ScaledClock, SystemClock, WaitingClock
from remedyd.paths import shipped
from remedyd.urls import secure

_YEAR = 31_536_000  # in seconds; much longer times would leave the calendar
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


def _paths(value: Any) -> Any:
    """Read a variable: a path, several as the system writes them (`a:b`), or a JSON list."""
    if not isinstance(value, str):
        return value
    found = json.loads(value) if value.lstrip().startswith("[") else value.split(os.pathsep)
    if not all(found) or not found:
        raise ValueError("names no path")
    return found


_LogFormat = Literal["ecs", "console"]
Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_paths)]


def _secret(value: SecretStr | None, file: Path | None) -> str:
    """Return the secret itself, from the value or from its file ("" when neither is set).

    Raises ConfigurationError for a file that cannot be read, or is empty.
    """
    if value is not None:
        return value.get_secret_value().strip()
    return secret_in(file) if file else ""


def secret_in(file: Path) -> str:
    """Return the secret that a file holds, without white space around it.

    Raises ConfigurationError for one that cannot be read, or is empty: without it we would be
    somebody else than was meant.
    """
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(
            f"the secret in {file} cannot be read: {why}", hint="mount it, or name another file"
        ) from error
    if not found:
        raise ConfigurationError(
            f"the secret in {file} is empty", hint="write the secret into it, or name no file"
        )
    return found


class ElasticsearchSettings(_Section):
    """Where telemetry is read and the audit trail written."""

    url: str = Field("http://127.0.0.1:9200", description="Base URL of Elasticsearch")
    api_key: SecretStr | None = Field(None, description="Encoded API key")
    api_key_file: Path | None = Field(None, description="File with the encoded API key")
    username: str = Field("", description="User for basic authentication")
    password: SecretStr | None = Field(None, description="Password for basic authentication")
    password_file: Path | None = Field(None, description="File with the password")
    ca_file: Path | None = Field(None, description="CA bundle for TLS")
    verify: bool = Field(True, description="Verify the TLS certificate; false warns at start")
    compatibility: Literal[8, 9] = Field(9, description="REST API compatibility header")
    timeout_seconds: float = Field(30.0, gt=0, le=3600, description="Time limit of one request")

    def api_key_value(self) -> str:
        """Return the API key, or "" when none is configured."""
        return _secret(self.api_key, self.api_key_file)

    def password_value(self) -> str:
        """Return the password, or "" when none is configured."""
        return _secret(self.password, self.password_file)


class TrailSettings(_Section):
    """Who is told of every proposal, decision and change."""

    elasticsearch: bool = Field(True, description="Send the audit trail to Elasticsearch")
    namespace: str = Field(
        "default",
        pattern=r"^[a-z0-9][a-z0-9_.]{0,99}$",
        description="Last part of the data stream's name, logs-k8s.remediation-<namespace>",
    )
    url: str = Field("", description="Elasticsearch of the trail; unset: that of the telemetry")
    api_key: SecretStr | None = Field(None, description="Encoded API key of the trail")
    api_key_file: Path | None = Field(None, description="File with that key")
    most_waiting: int = Field(
        50_000, ge=100, description="Events that may wait for Elasticsearch; then nothing begins"
    )
    kubernetes_events: bool = Field(True, description="Tell of changes by Events on the workload")

    def api_key_value(self) -> str:
        """Return the key, or "" when the trail has none of its own."""
        return _secret(self.api_key, self.api_key_file)


class KubernetesSettings(_Section):
    """How the Kubernetes API is reached."""

    kubeconfig: Path | None = Field(None, description="kubeconfig file; unset: in-cluster")
    context: str = Field("", description="Context of the kubeconfig; unset: its current one")
    timeout_seconds: float = Field(10.0, gt=0, le=3600, description="Time limit of one request")


class KubernetesTokenSettings(_Section):
    """Callers with tokens of Kubernetes, checked by TokenReview."""

    enabled: bool = Field(False, description="Accept ServiceAccount tokens")
    audiences: tuple[str, ...] = Field(
        ("remedyd",), min_length=1, description="Audiences for which such a token may be issued"
    )
    scopes_from: Literal["grants", "rbac"] = Field(
        "grants", description="What says who may do what: the tokens file's grants, or RBAC"
    )
    namespaces: tuple[str, ...] = Field(
        (), description="Namespaces asked about one by one with RBAC; empty: the whole cluster only"
    )


class OidcSettings(_Section):
    """Callers with tokens of an OpenID Connect provider; scopes come from the grants."""

    issuer: str = Field("", description="Issuer URL, exactly as in the tokens; unset: none")
    audience: str = Field("", description="Audience that a token must name: our client id")
    jwks_url: str = Field("", description="Where the signing keys are; unset: by discovery")
    ca_file: Path | None = Field(None, description="CA bundle for the provider")
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"],
        ...,
    ] = Field(("RS256", "ES256"), min_length=1, description="Signatures that are accepted")
    username_claim: str = Field("sub", min_length=1, description="Claim that names the user")
    username_prefix: str = Field("oidc:", description="Put before the name in every history")
    groups_claim: str = Field("groups", min_length=1, description="Claim that lists the groups")
    leeway_seconds: float = Field(30.0, ge=0, le=300, description="Clock difference allowed for")
    redirect_url: str = Field(
        "", description="Our /console/sign-in/callback as the provider knows it; unset: no sign-in"
    )
    client_secret: SecretStr | None = Field(None, description="Client secret; unset: PKCE alone")
    client_secret_file: Path | None = Field(None, description="File with that secret")
    sign_in_scope: str = Field(
        "openid profile email", description="Scope that signing in to the console asks for"
    )

    def client_secret_value(self) -> str:
        """Return the client secret, "" for a public client."""
        return _secret(self.client_secret, self.client_secret_file)

    @model_validator(mode="after")
    def _whole(self) -> "OidcSettings":
        if self.issuer and not self.audience:
            raise ValueError("an issuer needs an audience: any of its tokens would do otherwise")
        if self.redirect_url and not self.issuer:
            raise ValueError("a redirect_url needs an issuer to sign in with")
        for name in ("issuer", "jwks_url", "redirect_url"):
            url = getattr(self, name)
            if url and not secure(url):
                raise ValueError(f"{name} must be an https URL, without a user in it")
        return self


class ServerSettings(_Section):
    """The HTTP face."""

    host: str = Field(
        "0.0.0.0",  # noqa: S104 - in a pod
        description="Address to listen on; `::`: every one, IPv4 and IPv6",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0: any free one")
    tokens_file: Path | None = Field(None, description="YAML file with bearer tokens and scopes")
    tokens: SecretStr | None = Field(None, description="The same YAML, inline")
    kubernetes_tokens: KubernetesTokenSettings = KubernetesTokenSettings()
    oidc: OidcSettings = OidcSettings()
    identity_cache_seconds: float = Field(
        60.0,
        ge=0,
        le=600,
        description="How long who holds a Kubernetes or OIDC token is remembered",
    )
    body_limit_bytes: int = Field(1_000_000, gt=0, description="Largest request body")
    requests_per_minute: int = Field(
        1200, ge=1, description="Requests a minute that one principal may send"
    )
    session_key: SecretStr | None = Field(
        None, description="Signs the console's sessions, 32 characters or more; unset: a new one"
    )
    session_key_file: Path | None = Field(None, description="File with that key")
    session_minutes: float = Field(
        480.0, gt=0, le=_YEAR / 60, description="How long a sign-in is good"
    )

    def session_key_value(self) -> bytes:
        """Return the key that signs sessions, b"" for one that is made at start.

        Raises ConfigurationError for one that could be guessed, or a file that cannot be read.
        """
        key = _secret(self.session_key, self.session_key_file)
        if key and (len(key) < 32 or len(set(key)) < 8):
            raise ConfigurationError(
                "the session key is too short or repeats itself: sessions could be forged",
                hint="a good one is the output of: openssl rand -hex 32",
            )
        return key.encode("utf-8")

    mcp: bool = Field(True, description="Serve the Model Context Protocol at /mcp")
    allowed_origins: tuple[str, ...] = Field(
        (), description="Origins of web pages that may ask at /mcp; none: no page may"
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names that /mcp answers to; none: any"
    )


class LimitSettings(_Section):
    """How much may happen."""

    workers: int = Field(4, ge=1, le=64, description="Threads that run audits and writes")
    retention_days: float = Field(
        90.0, gt=0, le=36_500, description="How long finished proposals are kept"
    )
    approval_seconds: float = Field(
        900.0, gt=0, le=_YEAR, description="Life of a proposal awaiting approval"
    )
    workflow_approval_seconds: float = Field(
        86_400.0,
        gt=0,
        le=_YEAR,
        description="Life of a proposal that a workflow or agent requested",
    )


class TracesSettings(_Section):
    """OpenTelemetry traces of the daemon's own work."""

    endpoint: str = Field("", description="Base URL of an OTLP/HTTP collector; unset: no traces")
    headers: SecretStr | None = Field(None, description="Headers for it: name=value, by commas")
    headers_file: Path | None = Field(None, description="File with those headers")

    def headers_value(self) -> str:
        """Return the headers, or "" when none are configured."""
        return _secret(self.headers, self.headers_file)


class RightsSettings(_Section):
    """The daemon's own rights in Kubernetes, reviewed at the start and every ten minutes."""

    most_excess: int | None = Field(
        None, ge=0, description="Rights held without need that are put up with; unset: any number"
    )
    requested_actions: tuple[str, ...] = Field(
        (), description="Actions that people, workflows and agents request, beyond the policies'"
    )
    requested_namespaces: tuple[str, ...] = Field(
        (), description="Namespaces of those requests; empty: all"
    )


class ClockSettings(_Section):
    """A faster clock, shared with the embedded lab; leave alone in a real cluster."""

    speed: float = Field(1.0, gt=0, description="How many times faster than the machine's clock")
    origin: datetime | None = Field(None, description="Time shown at `epoch`")
    epoch: datetime | None = Field(None, description="Machine time at which `origin` is shown")
    reached: Path | None = Field(
        None, description="File in which a lab says how far it has come: the clock waits for it"
    )

    @model_validator(mode="after")
    def _whole(self) -> "ClockSettings":
        scaled = self.speed != 1.0 or self.reached is not None
        if scaled and (self.origin is None or self.epoch is None):
            raise ValueError("a speed other than 1, and reached, need origin and epoch")
        return self

    def clock(self) -> Clock:
        """Return the clock these settings describe."""
        if self.origin is None or self.epoch is None:
            return SystemClock()
        clock = ScaledClock(self.origin, self.epoch, self.speed)
        return clock if self.reached is None else WaitingClock(clock, _told_in(self.reached))


def _told_in(path: Path) -> Callable[[], datetime]:
    """Return what reads a time, as seconds since 1970 in eight bytes, that others go on writing."""
    try:
        with path.open("rb") as file:
            seconds = memoryview(mmap(file.fileno(), 8, access=ACCESS_READ)).cast("d")
    except (OSError, ValueError) as error:
        hint = "clock.reached is for a daemon beside a lab; leave it out in a real cluster"
        raise ConfigurationError(
            f"{path}: no time can be read there: {error}", hint=hint
        ) from error
    return lambda: datetime.fromtimestamp(seconds[0], UTC)


class _Sourced(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="REMEDYD_",
        frozen=True,
        hide_input_in_errors=True,  # some are secrets
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: explicit values, environment, then the YAML file."""
        return (init_settings, env_settings, YamlConfigSettingsSource(settings_cls))


class Settings(_Sourced):
    """All settings of `remedyd run`."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", extra="forbid")

    cluster_name: str = Field("", description="k8s.cluster.name of this cluster's telemetry")
    database: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "sqlite:////var/lib/remedyd/remedyd.db", description="SQLAlchemy URL of the store"
    )
    database_file: Path | None = Field(
        None, description="File with that URL; its user and password may change"
    )
    policies: Paths = Field(
        default_factory=lambda: (shipped("policies"),),
        description="Policy files or directories (a:b, or a JSON list)",
    )
    audits: Paths = Field(
        default_factory=lambda: (shipped("esql"),),
        description="Audit directories (a:b, or a JSON list)",
    )
    guardrails: Path | None = Field(None, description="Guardrails file; unset: the defaults")
    namespace: str = Field(
        "", description="Namespace remedyd runs in, always protected; unset: the ServiceAccount's"
    )
    lease: str = Field(
        "", description="Lease by which several daemons elect the one that acts; unset: one daemon"
    )
    dry_run: bool = Field(False, description="Plan and check everything, write nothing")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line to print"
    )
    log_format: _LogFormat = Field("ecs", description="ECS JSON, or for people")
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    trail: TrailSettings = TrailSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    rights: RightsSettings = RightsSettings()
    traces: TracesSettings = TracesSettings()
    clock: ClockSettings = ClockSettings()

    def database_url(self) -> str:
        """Return the URL of the store; one that is set goes before the file's.

        Raises ConfigurationError for a file that cannot be read, or is empty.
        """
        if self.database_file is None or "database" in self.model_fields_set:
            return self.database
        return secret_in(self.database_file)

    def own_namespace(self) -> str:
        """Return the namespace remedyd runs in, "" outside a cluster when none is set."""
        if self.namespace or not _SERVICE_ACCOUNT.is_file():
            return self.namespace
        return _SERVICE_ACCOUNT.read_text(encoding="utf-8").strip()


class _LogSettings(_Sourced):
    """How the log is written: known also where other settings are wrong."""

    model_config = SettingsConfigDict(extra="ignore")

    log_format: _LogFormat = "ecs"


_Kind = TypeVar("_Kind", Settings, _LogSettings)


def load(config: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings from `config` (or `$REMEDYD_CONFIG`) and the environment.

    Raises ConfigurationError naming every setting that is wrong.
    """
    config = _named(config)
    if config is not None and not config.is_file():
        raise ConfigurationError(f"{config}: no such configuration file")
    try:
        return _read(Settings, config, **overrides)
    except yaml.YAMLError as error:
        raise ConfigurationError("the settings are not valid", [_broken(config, error)]) from error
    except SettingsError as error:  # its cause quotes the value, which may be a secret
        raise ConfigurationError(
            f"the settings are not valid: {error}",
            hint="write such a variable as JSON: an object, or a list",
        ) from None
    except ValidationError as error:
        problems = [
            Problem(f"{'.'.join(map(str, e['loc']))}: {e['msg']}", str(config or "settings"))
            for e in error.errors()
        ]
        raise ConfigurationError("the settings are not valid", problems) from error
    except (TypeError, ValueError) as error:  # a file that holds a text or a list
        wrong = Problem("this is no YAML mapping in UTF-8", str(config or "settings"))
        raise ConfigurationError("the settings are not valid", [wrong]) from error


def log_format(config: Path | None = None) -> str:
    """Return how the log is written, for who has to tell that `load` failed."""
    try:
        return _read(_LogSettings, _named(config)).log_format
    except (OSError, TypeError, ValueError, yaml.YAMLError):  # that is wrong, too
        return "ecs"


def _named(config: Path | None) -> Path | None:
    named = os.environ.get("REMEDYD_CONFIG")
    return Path(named) if config is None and named else config


def _read(kind: type[_Kind], config: Path | None, **overrides: Any) -> _Kind:
    """Read the environment, and the file where there is one."""
    source: type[_Kind] = type(kind.__name__, (kind,), {"model_config": {"yaml_file": config}})
    return source(**overrides)


def _broken(config: Path | None, error: yaml.YAMLError) -> Problem:
    """Return where the file is no YAML, without the text that stands there."""
    mark = getattr(error, "problem_mark", None)
    words = getattr(error, "problem", None) or "it cannot be read"
    place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return Problem(f"not YAML: {words}", str(config or "settings"), *place)
