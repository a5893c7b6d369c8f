"""Scenario files as pytest sees them: a file is a collector, a scenario a test, a tag a marker and a keyword."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optilocal.forwarder.clock import SystemClock
from optilocal.scenarios.language.loader import load_file
from optilocal.scenarios.language.problems import CannotRun, ScenarioError
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.pytest_plugin.plugin import servers_of
from optilocal.scenarios.reporters.console import failure_text
from optilocal.scenarios.running.runner import run_scenario

_MARKER = re.compile(r"[A-Za-z][\w.-]*")
_OWN_MARKERS = (
    "parametrize",
    "usefixtures",
    "filterwarnings",
    "skip",
    "skipif",
    "xfail",
    "tryfirst",
    "trylast",
)
"""pytest does something at these; a tag is a word and does nothing."""


class ScenarioFailed(Exception):
    """A scenario did not hold, or could not be run; carries its entry of the result document."""

    def __init__(self, entry: dict[str, Any]) -> None:
        super().__init__(failure_text(entry))
        self.entry = entry


class ScenarioFile(pytest.File):
    """One `*.scenario.yaml` file."""

    def collect(self) -> Iterator[ScenarioItem]:
        """Its scenarios, in order. What is wrong with the file is a collection error that names each mistake."""
        try:
            scenarios = load_file(_from_here(self.path))
        except ScenarioError as error:
            raise self.CollectError(error.report()) from None
        except CannotRun as error:
            raise self.CollectError(str(error)) from None
        times = Counter(scenario.name for scenario in scenarios)
        for scenario in scenarios:
            name = scenario.name if times[scenario.name] == 1 else f"{scenario.name} [line {scenario.line}]"
            item: ScenarioItem = ScenarioItem.from_parent(self, name=name, scenario=scenario)
            yield item


class ScenarioItem(pytest.Item):
    """One scenario, run in a namespace of its own."""

    def __init__(self, *, scenario: Scenario, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.scenario = scenario
        self.extra_keyword_matches.update(scenario.tags)
        for tag in scenario.tags:
            if _MARKER.fullmatch(tag) and tag not in _OWN_MARKERS:
                # --strict-markers is about misspelt marks of test functions; a tag declares itself.
                self.config.addinivalue_line("markers", f"{tag}: a tag of scenarios")
                self.add_marker(tag)

    def runtest(self) -> None:
        """Run it; raises ScenarioFailed."""
        servers = servers_of(self.config)
        emulator = servers.client(servers.fresh_namespace(self.name))
        try:
            entry = run_scenario(self.scenario, emulator, now_ms=SystemClock().now_ms())
        finally:
            emulator.session.close()
        if entry["status"] != "passed":
            raise ScenarioFailed(entry)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The console's text of the scenario, and its reason for pytest's summary; a traceback helps nobody here."""
        if not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo, style)
        entry = excinfo.value.entry
        failure = excinfo.getrepr(style="value")
        if failure.reprcrash is not None:
            failure.reprcrash.message = entry["reason"]
            failure.reprcrash.path, failure.reprcrash.lineno = entry["file"], entry["line"]
        return failure

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line (from 0) and name."""
        return self.path, self.scenario.line - 1, self.name


def _from_here(path: Path) -> Path:
    """The path as a person would type it from the current folder."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
