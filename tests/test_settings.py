"""Settings: read once, refused in a sentence, never shown with their secrets."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from lianyan.settings import Settings, SettingsError, is_loopback

KEY = base64.b64encode(bytes(range(32))).decode()


def read(**values: str) -> Settings:
    return Settings.from_env(
        {"LIANYAN_SECRET_KEY": KEY} | {f"LIANYAN_{n}": v for n, v in values.items()}
    )


def test_nothing_set_is_a_portal_on_this_machine():
    settings = read()
    assert settings.public_url == "http://127.0.0.1:8000"
    assert (settings.base_path, settings.demo, settings.database_url) == ("", False, "")


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("PORT", "70000", "LIANYAN_PORT must be a whole number from 1 to 65535; it is '70000'."),
        ("PORT", "８０", "LIANYAN_PORT must be"),
        ("POOL_SIZE", "-1", "LIANYAN_POOL_SIZE must be"),
        ("DEMO", "perhaps", "LIANYAN_DEMO must be 1 or 0"),
        ("PUBLIC_URL", "portal.example.edu", "LIANYAN_PUBLIC_URL must be a full address"),
        ("PUBLIC_URL", "https://a.example/?x=1", "no user, query or fragment"),
        ("DATABASE_URL", "mysql://x/y", "LIANYAN_DATABASE_URL must look like postgresql://"),
        ("SECRET_KEY", "c2hvcnQ=", "LIANYAN_SECRET_KEY must be 32 random bytes"),
        ("TRUSTED_PROXIES", "the office", "LIANYAN_TRUSTED_PROXIES must be addresses"),
        ("TRUSTED_PROXIES", "10.0.0.1, ::/0", "LIANYAN_TRUSTED_PROXIES must list the proxies only"),
        ("LIMITS", "maybe", "LIANYAN_LIMITS must be 1 or 0"),
        ("LIMIT_READS", "many", "LIANYAN_LIMIT_READS must be requests/seconds, such as 1200/60"),
        ("LIMIT_READS", "9/0", "LIANYAN_LIMIT_READS must be"),
        ("PG_BIN", "/nowhere/at/all", "LIANYAN_PG_BIN must be a folder that exists"),
        ("POOLSIZE", "3", "LIANYAN_POOLSIZE is no setting: it is LIANYAN_POOL_SIZE."),
        ("OWNER_DATABASE_URL", "postgresql://o@h/d", "needs LIANYAN_DATABASE_URL beside it"),
    ],
)
def test_a_bad_value_is_named_in_a_sentence(name, value, words):
    with pytest.raises(SettingsError) as refused:
        read(**{name: value})
    assert words in str(refused.value)


def test_a_limit_is_so_many_in_so_many_seconds():
    settings = read(LIMIT_WRITES="90/10", LIMIT_READS="70", LIMIT_VISITS="0", LIMITS="off")
    assert (settings.limit_writes, settings.limit_reads) == ((90, 10), (70, 60))
    assert (settings.limit_visits.most, settings.limits) == (0, False)
    assert read().limits


def test_every_bad_value_is_named_at_once():
    with pytest.raises(SettingsError) as refused:
        read(PORT="x", POOL_SIZE="y")
    assert len(str(refused.value).splitlines()) == 2


def test_a_secret_is_never_shown():
    with pytest.raises(SettingsError) as refused:
        read(DATABASE_URL="postgres:/secret-word")
    assert "secret-word" not in str(refused.value)
    assert "secret-word" not in repr(read(DATABASE_URL="postgresql://a:secret-word@h/d"))


def test_demo_is_for_this_machine_only():
    assert read(DEMO="1").demo
    assert read(DEMO="1", PUBLIC_URL="http://[::1]:9/p").demo
    with pytest.raises(SettingsError, match="refused"):
        read(DEMO="1", PUBLIC_URL="http://192.168.1.5:8000")


@pytest.mark.parametrize(
    "url, here",
    [
        ("http://localhost:1", True),
        ("http://127.8.9.1", True),
        ("http://demo.localhost", True),
        ("http://127.0.0.1.example.edu", False),
        ("http://localhost.example.edu", False),
        ("http://0.0.0.0:8000", False),
    ],
)
def test_what_this_machine_is(url, here):
    assert is_loopback(url) is here


def test_a_path_below_a_host_is_kept_without_a_slash_behind():
    settings = read(PUBLIC_URL="https://portal.example.edu:8443/lianyan/")
    assert settings.base_path == "/lianyan"
    assert settings.origin == "https://portal.example.edu:8443"


def test_the_key_is_made_once_and_kept_for_its_owner_alone(tmp_path):
    found = {"LIANYAN_DATA_DIR": str(tmp_path / "data")}
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Settings.from_env(found).secret_key, range(8)))
    assert len(keys) == 1
    path = tmp_path / "data" / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["secret.key"]  # noqa: PTH208  no half-made one is left


def test_a_damaged_key_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "secret.key").write_text("nothing")
    with pytest.raises(SettingsError, match="put the old file back"):
        Settings.from_env({"LIANYAN_DATA_DIR": str(tmp_path)})
