"""Settings, read once from the `LIANYAN_*` variables of the environment."""

import base64
import binascii
import ipaddress
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

PREFIX = "LIANYAN_"
KEY_BYTES = 32
KEY_FILE = "secret.key"


class SettingsError(ValueError):
    """A setting is wrong; the text is one sentence for each, with the remedy."""


class Rate(NamedTuple):
    """So many of something in so many seconds; 0 of them is no limit at all."""

    most: int
    seconds: int

    def __str__(self) -> str:
        """Return it as the environment writes it."""
        return f"{self.most}/{self.seconds}" if self.most else "0"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting the portal knows; the variables are `LIANYAN_` and the name in capitals."""

    database_url: str = ""
    """Where the portal reads and writes, as the role `lianyan_app`; empty means the embedded one."""
    owner_database_url: str = ""
    """Where migrations run, as the role that owns the schema; else `database_url`."""
    public_url: str = "http://127.0.0.1:8000"
    """The address in people's browsers, path included; links in letters begin with it."""
    demo: bool = False
    """Demo data and demo login; refused unless `public_url` is on this machine."""
    demo_port: int = 8790
    """Where the demo's people log in; every demo identity names it, so a database keeps its port."""
    data_dir: Path = Path(".lianyan")
    """What this machine keeps: the embedded database, the key, uploads."""
    secret_key: bytes = b""
    """32 bytes; from the environment in base64, else from a file in `data_dir` made once."""
    pool_size: int = 8
    """Database connections for writes, per process."""
    read_pool_size: int = 8
    """Database connections for reads, per process."""
    host: str = "127.0.0.1"
    """The address the server listens on."""
    port: int = 8000
    """The port the server listens on."""
    pg_bin: Path | None = None
    """The folder with PostgreSQL's programs, instead of the ones found."""
    wal_archive: Path | None = None
    """A folder, best on another disk, where the embedded database keeps its log for restoring to any
    moment since a backup; nothing is kept where it is not set."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the proxies whose `X-Forwarded-For` is believed; list the proxies, no clients."""
    session_idle_minutes: int = 720
    """After so long without a sign of its person a session by login is over."""
    session_hours: int = 168
    """After so long a session by login is over whatever happens."""
    limits: bool = True
    """Whether anybody is ever told to come back later; load tests by few people switch it off."""
    limit_reads: Rate = Rate(1200, 60)
    """What a person may read, as requests in seconds; after a pause the whole of it at once."""
    limit_writes: Rate = Rate(600, 60)
    """What a person may change."""
    limit_searches: Rate = Rate(300, 60)
    """What a person may search for."""
    limit_visits: Rate = Rate(60_000, 60)
    """What one address may ask without being logged in: a whole campus may stand behind it."""
    limit_visitor_searches: Rate = Rate(6000, 60)
    """What one address may search for without being logged in."""
    limit_logins: Rate = Rate(3600, 60)
    """Logins begun from one address."""
    limit_dead_links: Rate = Rate(120, 600)
    """Dead links and forged logins tried from one address; a living link works all the same."""

    alarm_proposals: int = 60
    """Confidential matter of more proposals than this, read by one person within ten minutes, is told
    to those who watch over the log."""
    alarm_people: int = 30
    """The same for people whose reviewing was read about."""

    @property
    def base_path(self) -> str:
        """Return the path the portal lives under: empty, or `/portal` without a slash behind it."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def origin(self) -> str:
        """Return scheme, host and port of the public address, without a path."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def migration_url(self) -> str:
        """Return where migrations run."""
        return self.owner_database_url or self.database_url

    def __repr__(self) -> str:
        """Return the settings without addresses that hold passwords, and without the key."""
        shown = {n: getattr(self, n) for n in self.__struct_fields__ if n not in SECRET}
        return f"Settings({shown})"

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Read the environment, `given` values first; raise SettingsError on what is wrong."""
        source = os.environ if environment is None else environment
        found, faults = _read(source)
        found.update(given)
        if "public_url" not in found:
            found["public_url"] = f"http://127.0.0.1:{found.get('port', 8000)}"
        if not faults:
            settings = cls(**found)
            faults = _contradictions(settings)
        if faults:
            raise SettingsError("\n".join(faults))
        if settings.secret_key:
            return settings
        return msgspec.structs.replace(settings, secret_key=_kept_key(settings.data_dir))


def is_loopback(url: str) -> bool:
    """Say whether `url` names this very machine."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder; as root others may pass it, for PostgreSQL runs as another user."""
    data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def _database(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    known = scheme in {"postgresql", "postgres", "postgresql+asyncpg"}
    if not (known and separator and urlsplit(value).path[1:]):
        message = "must look like postgresql://user:password@host:5432/name"
        raise ValueError(message)
    return f"postgresql://{rest}"


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "must be a full address, such as https://portal.example.edu/lianyan"
        raise ValueError(message)
    if parts.query or parts.fragment or parts.username:
        message = "must have no user, query or fragment"
        raise ValueError(message)
    return value.rstrip("/")


def _switch(value: str) -> bool:
    answers = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    answers |= {"on": True, "off": False}
    if value.lower() not in answers:
        message = "must be 1 or 0"
        raise ValueError(message)
    return answers[value.lower()]


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            message = f"must be a whole number from {low} to {high}"
            raise ValueError(message)
        return int(value)

    return parse


def _key(value: str) -> bytes:
    try:
        key = base64.b64decode(value, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        message = f"must be {KEY_BYTES} random bytes in base64 (openssl rand -base64 {KEY_BYTES})"
        raise ValueError(message)
    return key


def _folder(value: str) -> Path:
    if not Path(value).is_dir():
        message = "must be a folder that exists"
        raise ValueError(message)
    return Path(value)


def _networks(value: str) -> tuple[str, ...]:
    names = [part.strip() for part in value.split(",") if part.strip()]
    try:
        networks = [ipaddress.ip_network(name) for name in names]
    except ValueError as error:
        message = "must be addresses or networks with commas between, such as 10.0.0.0/8, ::1"
        raise ValueError(message) from error
    if not all(network.prefixlen for network in networks):
        message = "must list the proxies only: believing everybody lets anybody choose an address"
        raise ValueError(message)
    return tuple(str(network) for network in networks)


def _rate(value: str) -> Rate:
    count, _, seconds = value.partition("/")
    try:
        return Rate(_number(0, 10_000_000)(count), _number(1, 86_400)(seconds or "60"))
    except ValueError as error:
        message = "must be requests/seconds, such as 1200/60, or 0 for no limit"
        raise ValueError(message) from error


PARSERS: dict[str, Callable[[str], Any]] = {
    "database_url": _database,
    "owner_database_url": _database,
    "public_url": _address,
    "demo": _switch,
    "demo_port": _number(1, 65535),
    "data_dir": Path,
    "secret_key": _key,
    "pool_size": _number(1, 200),
    "read_pool_size": _number(1, 200),
    "host": str,
    "port": _number(1, 65535),
    "pg_bin": _folder,
    "wal_archive": Path,
    "trusted_proxies": _networks,
    "session_idle_minutes": _number(15, 1440),
    "session_hours": _number(1, 720),
    "limits": _switch,
    "limit_reads": _rate,
    "limit_writes": _rate,
    "limit_searches": _rate,
    "limit_visits": _rate,
    "limit_visitor_searches": _rate,
    "limit_logins": _rate,
    "limit_dead_links": _rate,
    "alarm_proposals": _number(1, 1_000_000),
    "alarm_people": _number(1, 1_000_000),
}
SECRET = {"database_url", "owner_database_url", "secret_key"}


def _read(source: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return what the environment says, parsed, and a sentence for each bad value."""
    found: dict[str, Any] = {}
    faults: list[str] = []
    for variable, value in source.items():
        if not variable.startswith(PREFIX) or not value:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in PARSERS:
            faults += _misspelt(variable, name)
            continue
        try:
            found[name] = PARSERS[name](value)
        except ValueError as error:
            shown = "" if name in SECRET else f"; it is {value!r}"
            faults.append(f"{variable} {error}{shown}.")
    return found, faults


def _misspelt(variable: str, name: str) -> list[str]:
    """Return a sentence if `name` is nearly a setting; variables of other tools are left alone."""
    import difflib  # noqa: PLC0415  only a misspelt variable pays for it

    near = difflib.get_close_matches(name, PARSERS, n=1, cutoff=0.85)
    return [f"{variable} is no setting: it is {PREFIX}{near[0].upper()}."] if near else []


def _contradictions(settings: Settings) -> list[str]:
    """Return a sentence for each pair of settings that cannot both stand."""
    faults = []
    if settings.demo and not is_loopback(settings.public_url):
        faults.append(
            f"{PREFIX}DEMO=1 lets anybody log in as anybody, so it is refused while "
            f"{PREFIX}PUBLIC_URL is not on this machine; it is {settings.public_url!r}."
        )
    if settings.owner_database_url and not settings.database_url:
        faults.append(f"{PREFIX}OWNER_DATABASE_URL needs {PREFIX}DATABASE_URL beside it.")
    return faults


def _kept_key(data_dir: Path) -> bytes:
    """Return the key kept in `data_dir`, made at the first start; two first starts agree on one."""
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            make_data_dir(data_dir)
            descriptor, new = tempfile.mkstemp(prefix=f"{KEY_FILE}.", dir=data_dir)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(new, path)
            except FileExistsError:
                pass
            finally:
                Path(new).unlink()
        return _key(path.read_text().strip())
    except ValueError as error:
        message = f"The key in {path} {error}: put the old file back, or set {PREFIX}SECRET_KEY."
        raise SettingsError(message) from error
    except OSError as error:
        message = f"{path} cannot be read or made ({error.strerror}): set {PREFIX}DATA_DIR."
        raise SettingsError(message) from error
