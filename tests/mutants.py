"""`make mutants`: which mistakes in the rules of the field no test would notice, module by module, by cosmic-ray.

A mutant is a copy of the repository with one change in one module: an operator inverted or shifted by one, a number, a `not`, an `and`.
One that passes the tests named here survives; docs/fidelity.md lists those that do, each with its reason.

cosmic-ray changes files, which suits a repository whose packages are links and whose operators stand in tables. mutmut forks a
process that has imported everything: a table made at import, and what a cache holds, stay as they were, so its mutants survive.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODULES: dict[str, tuple[str, str]] = {
    "trigger": ("forwarder/destination/trigger.py", "tests/forwarder/test_trigger.py"),
    "mapping": (
        "forwarder/destination/mapping",
        "tests/forwarder/test_mapping.py tests/forwarder/test_mapping_validate.py tests/forwarder/test_mapping_liquid.py",
    ),
    "fields": (
        "forwarder/destination/fields.py",
        "tests/forwarder/test_fields.py tests/forwarder/test_track_event.py",
    ),
    "track_event": (
        "forwarder/destination/track_event.py",
        "tests/forwarder/test_track_event.py tests/forwarder/test_fields.py",
    ),
    "attribution": (
        "emulator/counting/attribution.py",
        "tests/emulator/test_attribution.py tests/emulator/test_attribution_details.py"
        " tests/emulator/test_plain_reckoning.py tests/emulator/test_verdict.py",
    ),
    "standing": (
        "emulator/counting/standing.py",
        "tests/emulator/test_attribution_details.py tests/emulator/test_accounts.py tests/emulator/test_set_aside.py"
        " tests/emulator/test_results.py tests/emulator/test_attribution.py tests/emulator/test_verdict.py tests/emulator/test_advice.py"
        " tests/emulator/test_plain_reckoning.py",
    ),
    "verdict": (
        "emulator/verdict/verdict.py",
        "tests/emulator/test_verdict.py tests/emulator/test_verdict_forwarder.py tests/emulator/test_verdict_warnings.py"
        " tests/emulator/test_verdict_visitors.py tests/emulator/test_accounts.py tests/emulator/test_advice.py",
    ),
    "compare": ("scenarios/comparing/compare.py", "tests/scenarios/test_compare.py"),
    "results": (
        "scenarios/comparing/results.py",
        "tests/scenarios/test_run_document.py tests/scenarios/test_result_document.py",
    ),
}
"""Name → what is changed, and the tests that are to notice."""
# Only changes that say something: `|` stands in annotations, and of the comparisons the neighbour and the opposite will do.
KINDS = (
    "AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceUnaryOperator_Delete_Not", "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue", "NumberReplacer", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop",
    "ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq", "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_LtE_Lt", "ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is", "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add", "ReplaceBinaryOperator_Mul_Div",
)  # fmt: skip
CONFIG = """
[cosmic-ray]
module-path = {module}
timeout = 60.0
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [{excluded}]
"""


def main() -> int:
    """Try the modules named, all of them without a name; 1 when the time was over before all their mutants were tried."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[*MODULES, []], help=", ".join(MODULES))
    parser.add_argument("--minutes", type=float, default=30, help="time for each module, 30")
    given = parser.parse_args()
    whole = [_tried(name, given.minutes) for name in given.modules or MODULES]
    return 0 if all(whole) else 1


def _tried(name: str, minutes: float) -> bool:
    module, tests = MODULES[name]
    with tempfile.TemporaryDirectory(prefix="optilocal-mutants-") as folder:
        copy = Path(folder)
        _copy(copy)
        command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {tests}"
        excluded = json.dumps(f"core/(?!(?:{'|'.join(KINDS)})$)")
        config = CONFIG.format(module=json.dumps(module), command=json.dumps(command), excluded=excluded)
        (copy / "mutants.toml").write_text(config, encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": str(copy / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

        def run(*arguments: str, timeout: float | None = None) -> str:
            done = subprocess.run(
                [sys.executable, "-m", *arguments],
                cwd=copy, env=environment, capture_output=True, text=True, timeout=timeout, check=True,
            )  # fmt: skip
            return done.stdout

        run("cosmic_ray.cli", "baseline", "mutants.toml")
        run("cosmic_ray.cli", "init", "mutants.toml", "mutants.sqlite")
        run("cosmic_ray.tools.filters.operators_filter", "mutants.sqlite", "mutants.toml")
        in_time = True
        try:
            run("cosmic_ray.cli", "exec", "mutants.toml", "mutants.sqlite", timeout=minutes * 60)
        except subprocess.TimeoutExpired:
            in_time = False
        _print(name, copy, run("cosmic_ray.cli", "dump", "mutants.sqlite"))
        return in_time


def _copy(folder: Path) -> None:
    """What git knows, changes that are not committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists() or source.is_symlink():
            shutil.copy2(source, target, follow_symlinks=False)


def _print(name: str, copy: Path, dump: str) -> None:
    outcomes: Counter[str] = Counter()
    survivors = []
    for item, result in map(json.loads, dump.splitlines()):
        outcome = _outcome(result)
        outcomes[outcome] += 1
        if outcome == "survived":
            survivors += [_shown(copy, mutation) for mutation in item["mutations"]]
    outcomes.pop("skipped", None)
    print(
        f"{name}: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())),
        flush=True,
    )
    for line in sorted(survivors):
        print(f"  {line}", flush=True)


def _outcome(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not tried"
    if result["worker_outcome"] == "skipped":
        return "skipped"
    return str(result["test_outcome"] or result["worker_outcome"])


def _shown(copy: Path, mutation: dict[str, Any]) -> str:
    line, column = mutation["start_pos"]
    source = (copy / mutation["module_path"]).read_text(encoding="utf-8").splitlines()[line - 1].strip()
    kind = mutation["operator_name"].removeprefix("core/")
    return f"{mutation['module_path']}:{line}:{column} {kind} #{mutation['occurrence']}  {source}"


def modules() -> Iterator[str]:
    """The files that the table names, for the test that they are there."""
    for module, tests in MODULES.values():
        yield from (module, *tests.split())


if __name__ == "__main__":
    sys.exit(main())
