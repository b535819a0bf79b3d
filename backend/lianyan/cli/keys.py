"""The settings of commands that must not make a key where there is none."""

import os
from typing import Literal

from lianyan.settings import KEY_BYTES, KEY_FILE, PREFIX, Settings

Key = Literal["environment", "file", "none"]


def found() -> tuple[Settings, Key]:
    """Return the settings and where their key comes from; with "none" it is zeros, for nobody."""
    if os.environ.get(f"{PREFIX}SECRET_KEY"):
        return Settings.from_env(), "environment"
    keyless = Settings.from_env(secret_key=bytes(KEY_BYTES))
    if (keyless.data_dir / KEY_FILE).exists():
        return Settings.from_env(), "file"
    return keyless, "none"
