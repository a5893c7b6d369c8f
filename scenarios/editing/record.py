"""`optilocal record`: a namespace's journal becomes a scenario file that has passed before it is handed over."""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optilocal.forwarder.clock import SystemClock
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.scenarios.editing.expectation_changes import applied, changes
from optilocal.scenarios.editing.recording import Journal, record
from optilocal.scenarios.editing.yaml_text import block
from optilocal.scenarios.language.loader import SUFFIX, load_file
from optilocal.scenarios.language.problems import CannotRun, ScenarioError
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.runner import run_scenario
from optilocal.scenarios.running.servers import LocalServers, ServerOptions
from optilocal.serving.printable import printable
from optilocal.serving.private_file import write_private

_TOKEN = "recorded"


@dataclass
class Draft:
    """A scenario to be written: its document, and the datafiles that stand beside it by file name."""

    document: dict[str, Any]
    comments: list[str]
    files: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def text(self) -> str:
        """The scenario file."""
        return "".join(f"# {line}\n" for line in self.comments) + block(self.document)


def record_namespace(
    *, emulator: str, namespace: str | None, message_id: Sequence[str], output: Path | None, force: bool
) -> int:
    """Write what a namespace saw as a scenario, as the options of `optilocal record` say.

    0 where the scenario does again what was recorded, 1 where it does something else in places, which are printed.
    """
    if output is not None:
        _check_name(output, overwrite=force)
    client = EmulatorClient(emulator, namespace)
    client.health()
    draft = _draft(client, message_id, output)
    if output is not None and not force:
        for name, datafile in draft.files.items():
            beside = output.with_name(name)
            if beside.exists() and beside.read_text(encoding="utf-8") != _as_file(datafile):
                raise CannotRun(f"{beside} is there already, with another datafile; --force overwrites it")
    lines = settle(draft)
    for line in lines:
        print(f"optilocal: not as recorded: {printable(line)}", file=sys.stderr)
    _write(draft, output)
    if output is not None:
        count = sum("track" in step for step in draft.document["steps"])
        calls = f"{count} track call{'' if count == 1 else 's'}"
        print(f"recorded {calls} in {output}, {', '.join(draft.files)} beside it: optilocal run {output}")
    return 1 if lines else 0


def recorded_scenario(emulator: EmulatorClient, message_ids: Sequence[str]) -> tuple[str, list[str]]:
    """A scenario file with its datafiles in it, of everything or of the events named, and the differences from what was
    recorded, a line each. Raises CannotRun.
    """
    draft = _draft(emulator, message_ids, None)
    differences = settle(draft)
    return draft.text(), differences


def read_journal(emulator: EmulatorClient, message_ids: Sequence[str]) -> Journal:
    """Everything a scenario is made of. Raises CannotRun when something is not there any more."""
    verdicts = emulator.verdicts()
    missing = set(message_ids) - {row["message_id"] for row in verdicts}
    if missing:
        raise CannotRun(f"no event with the message id {sorted(missing)[0]!r} was reported in this namespace")
    datafile = _datafile_row(emulator, verdicts)
    return Journal(
        verdicts=verdicts,
        decisions=emulator.listing("events", kind="decision"),
        results=emulator.experiment_results(),
        datafiles=_datafiles(emulator, datafile),
        unusable=_unusable(datafile),
        wanted=frozenset(message_ids),
    )


def _datafile_row(emulator: EmulatorClient, verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """The datafile that the deliveries fetched, of several the one they fetched most."""
    known = {row["sdkKey"]: row for row in emulator.datafiles() if row["revisions"]}
    if not known:
        raise CannotRun("no datafile was ever set in this namespace, so there is nothing to record against")
    fetched = Counter(
        key
        for row in verdicts
        for request in (row["delivery"] or {}).get("requests", ())
        for key in known
        if request["to"] == "datafile" and f"/{key}.json" in request["url"]
    )
    row: dict[str, Any] = known[fetched.most_common(1)[0][0]] if fetched else next(iter(known.values()))
    return row


def _datafiles(emulator: EmulatorClient, row: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Every revision with the time from which it held, oldest first."""
    path = f"/_emulator/datafiles/{row['sdkKey']}"
    times = dict.fromkeys(revision["from"] for revision in row["revisions"])
    return [(at, emulator.call("GET", path, params={"at": at})) for at in times]


def _unusable(row: Mapping[str, Any]) -> tuple[int, dict[str, Any]] | None:
    """The text that is served now in the datafile's place; None when it is a valid datafile that is served as one."""
    if row["text"] is None:
        return None
    served = {"raw": row["text"], "content_type": row["content_type"], "status": row["status"]}
    return row["from"], {key: value for key, value in served.items() if value is not None}


def _draft(emulator: EmulatorClient, message_ids: Sequence[str], output: Path | None) -> Draft:
    """The document; datafiles go beside a file and into a document that has none. Raises CannotRun."""
    journal = read_journal(emulator, message_ids)
    try:
        recording = record(journal)
    except ValueError as error:
        where = f"namespace {emulator.namespace or 'default'} at {emulator.root}"
        raise CannotRun(
            f"{where}: {error}; see what is there in the viewer, or name another --namespace"
        ) from None
    files: dict[str, Mapping[str, Any]] = {}

    def placed(datafile: Mapping[str, Any]) -> Any:
        if output is None:
            return datafile
        name = (
            f"{output.name.removesuffix(SUFFIX).removesuffix('.yaml')}.datafile-{datafile['revision']}.json"
        )
        files[name] = datafile
        return name

    events = sum(1 for step in recording.steps if "track" in step)
    datafile = {"datafile": placed(journal.datafiles[0][1])}
    document: dict[str, Any] = {
        "scenario": f"Recorded: {events} track call{'' if events == 1 else 's'} in {emulator.namespace or 'default'}",
        "tags": ["recorded"],
        **(datafile if output else {}),
        **({"settings": {"accessToken": _TOKEN}} if recording.needs_token else {}),
        "mappings": journal.mappings or "default",
        "clock": iso_time(recording.clock_ms),
        "steps": [
            {"datafile": placed(step["datafile"])} if "revision" in step.get("datafile", ()) else step
            for step in recording.steps
        ],
        "expect": recording.expect,
        **({} if output else datafile),  # hundreds of lines, below what is read
    }
    comments = [
        f"Recorded by `optilocal record` from {emulator.root}, namespace {emulator.namespace or 'default'}."
    ]
    comments += [f"Left out: {sentence}." for sentence in recording.left_out]
    return Draft(document, comments, files)


def settle(draft: Draft) -> list[str]:
    """Run the draft and make it expect what it does; each difference from what was recorded, in a line."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalServers(ServerOptions(emulator_port=0), with_forwarder=False) as sandbox,
    ):
        file = Path(folder) / f"draft{SUFFIX}"
        for name, datafile in draft.files.items():
            (Path(folder) / name).write_text(json.dumps(datafile), encoding="utf-8")
        scenario, entry = _run(draft, file, EmulatorClient(sandbox.emulator_url, "first"))
        lines = [_difference_line(difference) for difference in entry["differences"]]
        if lines:
            document = {key: value for key, value in draft.document.items() if key != "expect"}
            draft.document = applied({**document, "expect": scenario.expect}, changes(scenario, entry))
            _, entry = _run(draft, file, EmulatorClient(sandbox.emulator_url, "second"))
            lines += [
                f"still different: {_difference_line(difference)}" for difference in entry["differences"]
            ]
    return lines


def _run(draft: Draft, file: Path, emulator: EmulatorClient) -> tuple[Scenario, dict[str, Any]]:
    file.write_text(draft.text(), encoding="utf-8")
    try:
        (scenario,) = load_file(file)
    except ScenarioError as error:
        raise CannotRun(f"what was recorded makes no scenario: {error.problems[0].message}") from None
    entry = run_scenario(scenario, emulator, now_ms=SystemClock().now_ms())
    if entry["status"] == "error":
        raise CannotRun(f"what was recorded cannot be run again: {entry['reason']}")
    return scenario, entry


def _difference_line(difference: Mapping[str, Any]) -> str:
    was = json.dumps(difference["expected"], ensure_ascii=False) if "expected" in difference else "nothing"
    now = json.dumps(difference["captured"], ensure_ascii=False) if "captured" in difference else "nothing"
    return f"{difference['where']} was {was[:120]}, is {now[:120]} when it is done again"


def _write(draft: Draft, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(draft.text())
        return
    try:
        for name, datafile in draft.files.items():
            write_private(output.with_name(name), _as_file(datafile))
        write_private(output, draft.text())
    except OSError as error:
        raise CannotRun(f"cannot write {output}: {error.strerror}") from None


def _as_file(datafile: Mapping[str, Any]) -> str:
    return json.dumps(datafile, ensure_ascii=False, indent=2) + "\n"


def _check_name(output: Path, *, overwrite: bool) -> None:
    """Raise CannotRun for a file that is there already; warn of a name that runs of a folder never collect."""
    if output.is_dir():
        raise CannotRun(f"{output} is a folder; name a file, such as {output / f'recorded{SUFFIX}'}")
    if output.exists() and not overwrite:
        raise CannotRun(f"{output} is there already; --force overwrites it")
    if not output.name.endswith(SUFFIX):
        print(
            f"optilocal: {output.name} does not end in {SUFFIX}: `optilocal run FOLDER` and pytest pass it over, "
            "only its own name runs it",
            file=sys.stderr,
        )
