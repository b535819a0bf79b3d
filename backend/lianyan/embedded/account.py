"""Whom PostgreSQL runs as: the caller, or an ordinary user where the caller is root."""

import os
import pwd
import stat
from pathlib import Path
from typing import Any, NamedTuple

from lianyan.embedded.fault import EmbeddedError

CANDIDATES = ("lianyan", "postgres", "nobody")


class Account(NamedTuple):
    """The user PostgreSQL runs as; `drop` says that this process is root and steps down to it."""

    uid: int
    gid: int
    drop: bool

    @property
    def spawn(self) -> dict[str, Any]:
        """Return the arguments with which a child process becomes this user."""
        if not self.drop:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give `path` to this user."""
        if self.drop:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Say whether this user may walk to `path` and, if it is a folder, into it."""
        if not self.drop:
            return True
        path = path.resolve()
        folders = [*path.parents, *([path] if path.is_dir() else [])]
        return all(self._enters(folder.stat()) for folder in folders)

    def _enters(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def choose(cluster: Path | None = None) -> Account:
    """Return whom PostgreSQL runs as: the owner of `cluster` where there is one."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), drop=False)
    if cluster is not None and cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, drop=True)
    for name in CANDIDATES:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid, drop=True)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and none of the users "
        f"{', '.join(CANDIDATES)} exists: run `useradd --system lianyan`."
    )
