"""A cluster on the disk: where it is, how it is made, who may log in."""

import asyncio
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

import asyncpg

from lianyan.embedded.account import Account, choose
from lianyan.embedded.binaries import STATE, Binaries
from lianyan.embedded.fault import EmbeddedError

ROLES = ("postgres", "lianyan_owner", "lianyan_app")
DATABASE = "lianyan"
PORT = 5432
UNFINISHED = "restore.unfinished"
# A Unix socket's path may be 107 bytes long, of which PostgreSQL's own name takes these.
LONGEST = 107 - len(f"/.s.PGSQL.{PORT}")
# The first locale is right; a system without it (macOS) has the second. Under the locale "C" a
# search for Chinese finds nothing, without an error.
CTYPES = ("C.UTF-8", "en_US.UTF-8")


class Home:
    """Where one data folder keeps its cluster, with the passwords of its roles."""

    def __init__(
        self, data_dir: Path, cluster: Path, passwords: dict[str, str], archive: str = ""
    ) -> None:
        """Take what `database.json` says."""
        self.data_dir, self.cluster, self.passwords = data_dir, cluster, passwords
        self._archive = archive

    @property
    def archive(self) -> str:
        """Return the name under which this cluster's log is archived: no two clusters share one."""
        # A cluster older than the name has the number PostgreSQL gave it, its first eight bytes.
        return self._archive or (self.cluster / "global" / "pg_control").read_bytes()[:8].hex()

    @property
    def socket(self) -> Path:
        """Return the folder of the server's socket: beside the cluster, or a short one."""
        beside = self.cluster.with_name(
            "socket"
            if self.cluster.is_relative_to(self.data_dir)
            else f"{self.cluster.name}.socket"
        )
        if len(os.fsencode(beside)) <= LONGEST:
            return beside
        name = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"lianyan-{name}"

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the address of `database` for `role`."""
        host = quote(str(self.socket), safe="/")
        return f"postgresql://{role}:{self.passwords[role]}@/{database}?host={host}&port={PORT}"

    @classmethod
    def read(cls, data_dir: Path) -> "Home | None":
        """Return the home `data_dir` knows of, if it knows one."""
        note = data_dir / "database.json"
        try:
            found = json.loads(note.read_text())
            passwords = {role: found[role] for role in ROLES}
            return cls(data_dir, Path(found["cluster"]), passwords, found.get("archive", ""))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, OSError) as error:
            raise EmbeddedError(
                f"{note} cannot be read ({error}): put back a good copy."
            ) from error

    @classmethod
    def make(cls, data_dir: Path) -> "Home":
        """Choose where a new cluster goes and keep that in `database.json`."""
        inside = data_dir / "postgres"
        if (data_dir / UNFINISHED).exists():
            left = (data_dir / UNFINISHED).read_text().strip()
            raise EmbeddedError(
                f"A restore into {data_dir} did not finish: remove {left or inside}, empty the "
                "folder and restore again."
            )
        if inside.exists():
            raise EmbeddedError(
                f"{inside} holds a database, but database.json beside it, with its passwords, is "
                "gone: put it back, or move the folder away to begin with an empty database."
            )
        home = cls.plan(data_dir, {role: secrets.token_urlsafe(24) for role in ROLES})
        home.write()
        return home

    @classmethod
    def plan(cls, data_dir: Path, passwords: dict[str, str]) -> "Home":
        """Choose where a new cluster goes: inside the folder, if PostgreSQL's user gets there."""
        name = secrets.token_hex(6)
        cluster = data_dir / "postgres" if choose().reaches(data_dir) else STATE / name
        return cls(data_dir, cluster, passwords, name)

    def write(self) -> None:
        """Keep all that in `database.json`, whole or not at all."""
        note = self.data_dir / "database.json"
        new = note.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            kept = {"cluster": str(self.cluster), "archive": self._archive, **self.passwords}
            json.dump(kept, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.replace(note)

    def prepare_socket(self, account: Account) -> None:
        """Make the socket's folder, closed to everybody but `account`."""
        folder = self.socket
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {account.uid, os.geteuid()}:
            raise EmbeddedError(f"{folder} belongs to somebody else: remove it.")
        account.own(folder)
        folder.chmod(0o700)
        for stale in folder.glob(".s.PGSQL.*"):
            stale.unlink()

    async def initialise(self, binaries: Binaries, account: Account) -> None:
        """Make the cluster where there is none: whole or not at all."""
        if not (self.cluster / "PG_VERSION").exists():
            await self._initdb(binaries, account)
        if not account.reaches(self.cluster):
            raise EmbeddedError(
                f"PostgreSQL's user (uid {account.uid}) cannot reach {self.cluster} any more: "
                "allow others to pass (`chmod o+x`) the folders above it, or move it and name "
                f"its new place in {self.data_dir / 'database.json'}."
            )
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if int(found) != binaries.major:
            raise EmbeddedError(
                f"{self.cluster} was made by PostgreSQL {found}, the programs are "
                f"{binaries.version}. Dump it with PostgreSQL {found} (pg_dump), move the folder "
                "and database.json away, start again and restore the dump (pg_restore)."
            )

    async def _initdb(self, binaries: Binaries, account: Account) -> None:
        self.cluster.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = self.cluster.with_name(f"{self.cluster.name}.new")
        password = self.cluster.with_name(f"{self.cluster.name}.password")
        try:
            password.unlink(missing_ok=True)
            with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(self.passwords["postgres"])
            account.own(password)
            for ctype in CTYPES:
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir(mode=0o700)
                account.own(new)
                said = await _run_initdb(binaries, account, new, password, ctype)
                if said is None:
                    new.rename(self.cluster)
                    return
                if "invalid locale name" not in said:
                    break
            raise EmbeddedError(f"initdb could not make a database in {self.cluster}: {said}")
        finally:
            password.unlink(missing_ok=True)
            shutil.rmtree(new, ignore_errors=True)

    async def admit(self) -> None:
        """Make the roles and the database that are missing."""
        admin = await asyncpg.connect(self.url("postgres", "postgres"), timeout=10)
        try:
            for role in ROLES[1:]:
                exists = await admin.fetchval("select 1 from pg_roles where rolname = $1", role)
                verb = "alter" if exists else "create"
                await admin.execute(f"{verb} role {role} login password '{self.passwords[role]}'")
            if not await admin.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await admin.execute(f"create database {DATABASE} owner lianyan_owner")
            await admin.execute(f"revoke all on database {DATABASE} from public")
            await admin.execute(f"grant connect on database {DATABASE} to lianyan_app")
        finally:
            await admin.close()


async def _run_initdb(
    binaries: Binaries, account: Account, folder: Path, password: Path, ctype: str
) -> str | None:
    """Run initdb; return what it complained of, or None."""
    process = await asyncio.create_subprocess_exec(
        *(binaries.program("initdb"), "-D", folder, "-U", "postgres", "-A", "scram-sha-256"),
        *("--pwfile", password, "-E", "UTF8", "--locale-provider=builtin"),
        *("--builtin-locale=C.UTF-8", "--lc-collate=C", f"--lc-ctype={ctype}", "-k"),
        "--no-instructions",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
        cwd="/",
        start_new_session=True,
        **account.spawn,
    )
    said, _ = await process.communicate()
    return None if process.returncode == 0 else said.decode(errors="replace").strip()


def environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs, free of this shell's locale and PG* settings."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
