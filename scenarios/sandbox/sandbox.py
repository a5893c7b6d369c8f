"""`optilocal.sandbox()`: an Optimizely and a Segment of one's own for as long as a block or a function runs."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from optilocal.forwarder.clock import SystemClock
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.reporters.verdict_words import verdict_text
from optilocal.scenarios.sandbox.optimizely import TIMEOUT_S, Datafile, Optimizely
from optilocal.scenarios.sandbox.segment import Segment
from optilocal.scenarios.sandbox.servers import LazyServers
from optilocal.serving.json_file import read_json_file

if TYPE_CHECKING:
    from optilocal.interception.interception import Interception

PARAMETER = "sandbox"
"""A decorated function that has a parameter of this name is given the sandbox."""
_Function = TypeVar("_Function", bound=Callable[..., Any])
Settings = Mapping[str, Any] | str | Path
"""The destination's settings: an object, or the path of a JSON file as `optilocal up --settings` takes it."""


class Sandbox:
    """A sandbox that runs: one namespace (None: the default one) of an emulator and a forwarder.

    The servers, `optimizely`, `segment` and the interception are each started when they are first asked for. Every
    attribute raises CannotRun, one line, when that cannot be done.
    """

    def __init__(self, servers: LazyServers, namespace: str | None = None) -> None:
        self._servers, self._namespace = servers, namespace
        self._open = ExitStack()
        self._interception: Interception | None = None

    @property
    def emulator_url(self) -> str:
        """Where the emulator is for this sandbox: `…/v1/events`, `…/datafiles/<sdkKey>.json` below it."""
        return self._of_namespace(self._servers.emulator_url)

    @property
    def forwarder_url(self) -> str:
        """Where Segment's API is for this sandbox: what a Segment library takes as its host."""
        return self._of_namespace(self._servers.forwarder_url)

    @functools.cached_property
    def optimizely(self) -> Optimizely:
        """Optimizely: datafiles, decisions, verdicts, results, assertions."""
        return self._open.enter_context(Optimizely(self._servers.client(self._namespace)))

    @functools.cached_property
    def segment(self) -> Segment:
        """A Segment source whose destination is connected to `optimizely`."""
        return self._open.enter_context(Segment(self._servers.forwarder_url, self.optimizely))

    @property
    def environment(self) -> dict[str, str]:
        """What `optilocal exec` would set for a program: with it, what it sends to the real hosts ends here.

        For a program of yours: `subprocess.run(command, env={**os.environ, **sandbox.environment})`.
        """
        if self._interception is None:
            # Certificates are slow to import, and most tests need none.
            from optilocal.interception.hosts import InterceptionError  # noqa: PLC0415
            from optilocal.interception.interception import Interception  # noqa: PLC0415

            self.segment  # noqa: B018 - the destination is to be connected before a program sends anything
            try:
                self._interception = self._open.enter_context(
                    Interception(
                        self._servers.emulator_url,
                        self._servers.forwarder_url,
                        os.environ,
                        now_ms=SystemClock().now_ms(),
                        namespace=self._namespace,
                    )
                )
            except InterceptionError as error:
                raise CannotRun(str(error)) from None
        return dict(self._interception.environment)

    def explain(self, message_id: str, *, timeout: float = TIMEOUT_S) -> str:
        """The verdict on one event in words: by the messageId of a Segment event, or the uuid that an SDK sent.

        Waits for it up to `timeout` seconds; AssertionError when it has not come by then.
        """
        __tracebackhide__ = True
        return "\n".join(map(verdict_text, self.optimizely.wait_for(message_id=message_id, timeout=timeout)))

    def close(self) -> None:
        """Close the connections and end the interception; the servers go on."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _of_namespace(self, url: str) -> str:
        return url if self._namespace is None else f"{url}/ns/{self._namespace}"


class SandboxContext:
    """What `optilocal.sandbox()` answers: for `with`, `async with`, or before a function as a decorator."""

    def __init__(
        self,
        datafile: Datafile | None,
        settings: Settings | None,
        mappings: Sequence[Mapping[str, Any]] | None,
        intercept: bool,
    ) -> None:
        self._datafile, self._settings, self._mappings = datafile, settings, mappings
        self._intercept = intercept
        self._opened: list[ExitStack] = []

    def __enter__(self) -> Sandbox:
        with ExitStack() as opened:
            sandbox = opened.enter_context(Sandbox(opened.enter_context(LazyServers())))
            sandbox.optimizely.put_datafile(SHOP if self._datafile is None else self._datafile)
            settings = _read_settings(self._settings)
            if self._mappings is not None:
                settings["mappings"] = self._mappings
            if settings:
                sandbox.segment.configure(**settings)
            if self._intercept:
                opened.enter_context(_environment(sandbox.environment))
            self._opened.append(opened.pop_all())
        return sandbox

    def __exit__(self, *_: object) -> None:
        self._opened.pop().close()

    async def __aenter__(self) -> Sandbox:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *exception: Any) -> None:
        await asyncio.to_thread(self.__exit__, *exception)

    def __call__(self, function: _Function) -> _Function:
        """The function, run in a sandbox of its own each time; a coroutine function too."""
        signature = inspect.signature(function)
        wanted = PARAMETER in signature.parameters

        def sandbox_argument(sandbox: Sandbox) -> dict[str, Sandbox]:
            return {PARAMETER: sandbox} if wanted else {}

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapped(*positional: Any, **named: Any) -> Any:
                async with self._again() as sandbox:
                    return await function(*positional, **sandbox_argument(sandbox), **named)

        else:

            @functools.wraps(function)
            def wrapped(*positional: Any, **named: Any) -> Any:
                with self._again() as sandbox:
                    return function(*positional, **sandbox_argument(sandbox), **named)

        # pytest reads the parameters to find fixtures; this one is not its business.
        left = [each for each in signature.parameters.values() if each.name != PARAMETER]
        wrapped.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return wrapped  # type: ignore[return-value]

    def _again(self) -> SandboxContext:
        return SandboxContext(self._datafile, self._settings, self._mappings, self._intercept)


def sandbox(
    datafile: Datafile | None = None,
    settings: Settings | None = None,
    mappings: Sequence[Mapping[str, Any]] | None = None,
    intercept: bool = False,
) -> SandboxContext:
    """An emulator of Optimizely and a Segment in front of it, on free ports, for a `with` block or a function.

    `datafile` is a dict, its JSON, the path of a file or a URL (default: the shipped shop's), `settings` the
    destination's, `mappings` its mappings. With `intercept` this process's own environment is set so that what it and
    its children send to the real hosts of Optimizely and Segment ends here; it is as before at the end.
    Raises ValueError for a `datafile` that is not a valid datafile, CannotRun when a server cannot be started.
    """
    return SandboxContext(datafile, settings, mappings, intercept)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process, set in a block and afterwards as they were."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _read_settings(settings: Settings | None) -> dict[str, Any]:
    """The settings as `Segment.configure` takes them. Raises CannotRun for a file that holds none."""
    if settings is None:
        return {}
    if isinstance(settings, Mapping):
        return dict(settings)
    try:
        read = read_json_file(Path(settings), "the settings file")
    except ValueError as error:
        raise CannotRun(str(error)) from None
    if not isinstance(read, dict):
        raise CannotRun(f"the settings file {settings} does not hold a JSON object")
    return read
