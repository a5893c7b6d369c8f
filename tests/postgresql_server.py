"""A PostgreSQL of the tests' own, on a free port, in a folder that goes away; it need not outlive a power cut."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MISSING = (
    "These tests start a PostgreSQL of their own and found none: initdb and pg_ctl are neither on PATH nor in"
    " /usr/lib/postgresql/*/bin. Install it, for instance with: apt-get install postgresql"
)
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


def programs() -> Path:
    """The folder with initdb, pg_ctl and postgres; installed by the system's packages when there is none and this is
    root. Raises FileNotFoundError, one sentence.
    """
    for attempt in range(2):
        found = shutil.which("initdb")
        folders = [Path(found).resolve().parent] if found else []
        for place in _PLACES:
            folders += sorted(Path("/").glob(place.lstrip("/")), reverse=True)
        for folder in folders:
            if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
                return folder
        if attempt or os.geteuid() or not shutil.which("apt-get"):
            break
        for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *command], check=False, capture_output=True)
    raise FileNotFoundError(MISSING)


class PostgresqlServer:
    """One cluster; its user is `tester`, without a password unless one is set."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._programs, self._folder = programs(), folder / "cluster"
        self.port = 0
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            name = next(name for name in ("postgres", "nobody") if _exists(name))
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            folder.chmod(0o700)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=tester"]
        self._run("initdb", "-D", str(self._folder), *options)
        with (self._folder / "postgresql.conf").open("a") as file:
            if not durable:
                file.write("fsync = off\nfull_page_writes = off\n")
            file.write(
                f"autovacuum_naptime = 5\nmax_connections = 200\nshared_buffers = 64MB\n"
                f"unix_socket_directories = '{folder}'\nlisten_addresses = '127.0.0.1'\n"
            )

    def _run(self, program: str, *arguments: str) -> None:
        # What a server that goes on writes to must not be a pipe that somebody waits for.
        with tempfile.TemporaryFile() as said:
            command = [str(self._programs / program), *arguments]
            ended = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", **self._as
            )
            said.seek(0)
            log = self._folder / "log"
            more = log.read_text()[-2_000:] if log.exists() else ""
            assert ended.returncode == 0, f"{program}: {said.read().decode()}\n{more}"

    def start(self) -> None:
        """Serve, on the same port as before."""
        if not self.port:
            # Not one of those that the system gives to clients: while the server is away, one of them could take it.
            self.port = next(port for port in random.sample(range(15_000, 30_000), 100) if _is_free(port))
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._folder), "-w", "-l", log, "-o", f"-p {self.port}", "start")

    @property
    def pid(self) -> int:
        """The process that all others of the server come from."""
        return int((self._folder / "postmaster.pid").read_text().splitlines()[0])

    def stop(self) -> None:
        """End at once, without writing anything down: as a crash does."""
        self._run("pg_ctl", "-D", str(self._folder), "-w", "-m", "immediate", "stop")

    def kill(self) -> None:
        """kill -9 of every process of the server."""
        gone = self.signal(signal.SIGKILL)
        while any(_runs(pid) for pid in gone):
            threading.Event().wait(0.01)
        # A process that nobody has fetched yet would be taken for one that runs.
        for left in (self._folder / "postmaster.pid", *self._folder.parent.glob(".s.PGSQL.*")):
            left.unlink()

    def signal(self, number: int) -> list[int]:
        """Send every process of the server a signal; their ids."""
        first = self.pid
        # While it stands still it has no further children.
        os.kill(first, signal.SIGSTOP)
        children = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True, check=False)
        pids = [*map(int, children.stdout.split()), first]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    @contextlib.contextmanager
    def asking_for_passwords(self, user: str) -> Iterator[None]:
        """The server asks this user for a password, as it asks nobody else."""
        rules = self._folder / "pg_hba.conf"
        before = rules.read_text()
        rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{before}")
        self._run("pg_ctl", "-D", str(self._folder), "reload")
        try:
            yield
        finally:
            rules.write_text(before)
            self._run("pg_ctl", "-D", str(self._folder), "reload")

    def url(self, schema: str = "", *, database: str = "postgres", user: str = "tester") -> str:
        """The address of a database, and a schema of it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}" + (
            f"?schema={schema}" if schema else ""
        )


def _is_free(port: int) -> bool:
    with socket.socket() as taken:
        return taken.connect_ex(("127.0.0.1", port)) != 0


def _runs(pid: int) -> bool:
    """Whether a process is more than an entry that nobody has fetched yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _exists(user: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False


@contextlib.contextmanager
def serving(*, durable: bool = False) -> Iterator[PostgresqlServer]:
    """A server that runs; gone at the end. A `durable` one writes to the disk as PostgreSQL does by itself."""
    folder = Path(tempfile.mkdtemp(prefix="optilocal-postgresql-"))
    try:
        server = PostgresqlServer(folder, durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
