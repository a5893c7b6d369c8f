"""A program of the user's as a child of ours: its signals and its exit code are as under a shell."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Self

NOT_EXECUTABLE, NOT_FOUND = 126, 127
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class CannotStart(Exception):
    """The program cannot be started; `code` is what a shell ends with: 127 for none of this name, else 126."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Stopped(BaseException):
    """Everything ends at once: a second signal came, or a first one while no program ran. `code` is the exit code."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


class Child:
    """One program while it runs, as a context manager in the main thread: signals to us are for it until the block ends.

    It gets a signal once: at a terminal Ctrl-C reaches it directly; elsewhere it is a process group, and we send it.
    A second signal kills it and raises Stopped; so does the first one before it was started and after it has ended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._at_terminal = _at_terminal()
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}
        self._signals = 0

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._send(signal.SIGTERM)
            self._process.wait()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, environment: Mapping[str, str]) -> int:
        """Its exit code; 128 and the number of the signal that ended it. Raises CannotStart, Stopped."""
        group = None if self._at_terminal or not hasattr(os, "setpgid") else 0
        name = self._command[0]
        try:
            self._process = subprocess.Popen(self._command, env=dict(environment), process_group=group)
        except FileNotFoundError as error:
            if error.filename not in (None, name):
                raise CannotStart(f"{error.filename}: no such file or folder", NOT_FOUND) from None
            exists = os.path.sep in name and Path(name).exists()
            why = "what its first line names is not there" if exists else "there is no such command"
            raise CannotStart(f"{name}: {why}", NOT_FOUND) from None
        except OSError as error:
            raise CannotStart(f"{name} cannot be run: {error.strerror or error}", NOT_EXECUTABLE) from None
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1 or self._process is None or self._process.returncode is not None:
            self._send(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            raise Stopped(number)
        if not (number == signal.SIGINT and self._at_terminal):
            self._send(number)

    def _send(self, number: int) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        try:
            if self._at_terminal or not hasattr(os, "killpg"):
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)
        except ProcessLookupError:
            pass


def _at_terminal() -> bool:
    """Whether we are in the foreground of a terminal, which then sends Ctrl-C to our children as well as to us."""
    if not hasattr(os, "tcgetpgrp"):
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
