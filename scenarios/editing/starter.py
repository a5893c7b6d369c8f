"""The first files of a project: a small datafile, a scenario that counts, one that does not, schemas, a CI file."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optilocal.scenarios.language import schema

DATAFILE = "datafile.json"
_MOST_TRIED = 50
EDITOR_TAGS = (
    "!any scalar",
    "!absent scalar",
    "!uuid scalar",
    "!timestamp scalar",
    "!regex scalar",
    "!approx scalar",
    "!approx sequence",
    "!contains scalar",
    "!contains sequence",
    "!contains mapping",
    "!unordered sequence",
)
"""The matchers, with what may stand behind each, as the editor wants them."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a user calls things; all of them end up in the datafile."""

    experiment: str
    variations: tuple[str, ...]
    events: tuple[str, ...]
    flag: str
    sdk_key: str


@dataclass(frozen=True, slots=True)
class Example:
    """What counts with a datafile: an experiment that runs, one of its variations, an event that is its metric."""

    experiment: str
    variation: str
    event: str


def new_datafile(names: Names) -> dict[str, Any]:
    """A version-4 datafile with one flag whose only rule is an A/B test over all variations, in equal parts."""
    experiment = "9300000000001"
    variations = [
        {"id": str(20000000001 + number), "key": key, "featureEnabled": True, "variables": []}
        for number, key in enumerate(names.variations)
    ]
    share = 10000 // len(variations)
    ends = [share * (number + 1) for number in range(len(variations) - 1)] + [10000]
    return {
        "version": "4",
        "revision": "1",
        "accountId": "10000000001",
        "projectId": "10000000002",
        "sdkKey": names.sdk_key,
        "environmentKey": "production",
        "anonymizeIP": True,
        "botFiltering": False,
        "sendFlagDecisions": True,
        "variables": [],
        "integrations": [],
        "attributes": [{"id": "40000000001", "key": "plan"}],
        "audiences": [],
        "typedAudiences": [],
        "groups": [],
        "rollouts": [],
        "events": [
            {"id": str(30000000001 + number), "key": key, "experimentIds": [experiment]}
            for number, key in enumerate(names.events)
        ],
        "experiments": [
            {
                "id": experiment,
                "key": names.experiment,
                "status": "Running",
                "layerId": "9300000000101",
                "audienceIds": [],
                "audienceConditions": [],
                "forcedVariations": {},
                "variations": variations,
                "trafficAllocation": [
                    {"entityId": variation["id"], "endOfRange": end}
                    for variation, end in zip(variations, ends, strict=True)
                ],
            }
        ],
        "featureFlags": [
            {
                "id": "50000000001",
                "key": names.flag,
                "experimentIds": [experiment],
                "rolloutId": "",
                "variables": [],
            }
        ],
    }


def examples(datafile: Mapping[str, Any]) -> Iterator[Example]:
    """What may count with a datafile, the last variation of each experiment first; only an SDK shows whether it does."""
    grouped = [group.get("experiments") or [] for group in datafile.get("groups") or []]
    experiments = [each for several in (datafile.get("experiments") or [], *grouped) for each in several]
    count = 0
    for experiment in experiments:
        events = [
            event["key"]
            for event in datafile.get("events") or []
            if experiment.get("id") in (event.get("experimentIds") or [])
        ]
        if experiment.get("status") != "Running" or not events:
            continue
        for variation in reversed(experiment.get("variations") or []):
            count += 1
            if count > _MOST_TRIED:
                return
            yield Example(experiment["key"], variation["key"], events[0])


def files(datafile: Mapping[str, Any], example: Example) -> dict[str, str]:
    """Path within the folder → text."""
    return {
        DATAFILE: json.dumps(datafile, ensure_ascii=False, indent=2) + "\n",
        "counted.scenario.yaml": _counted(example),
        "lost.scenario.yaml": _lost(example),
        ".vscode/scenario.schema.json": _json(schema.read("scenario")),
        ".vscode/defaults.schema.json": _json(schema.read("defaults")),
        ".vscode/settings.json": _json(editor_settings()),
        ".github/workflows/tracking.yml": _WORKFLOW,
    }


def editor_settings() -> dict[str, Any]:
    """What an editor with Red Hat's YAML extension needs to know of scenario files."""
    return {
        "yaml.schemas": {
            ".vscode/scenario.schema.json": "*.scenario.yaml",
            ".vscode/defaults.schema.json": "scenario-defaults.yaml",
        },
        "yaml.customTags": list(EDITOR_TAGS),
    }


def written(folder: Path, texts: Mapping[str, str]) -> tuple[list[Path], list[Path]]:
    """Write the files that are not there yet: those written, and those left as they were. Raises OSError."""
    new: list[Path] = []
    existing: list[Path] = []
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
        except FileExistsError:
            existing.append(file)
        else:
            new.append(file)
    return new, existing


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _quoted(name: str) -> str:
    """A name as YAML reads it, whatever it holds."""
    return json.dumps(name, ensure_ascii=False)


def _counted(example: Example) -> str:
    experiment, variation, event = map(_quoted, (example.experiment, example.variation, example.event))
    return f"""\
scenario: A purchase by an activated user is counted
datafile: {DATAFILE}
steps:
  # Optimizely's own SDK activates the user and sends the decision.
  - activate: {{user: u-1, experiment: {experiment}, variation: {variation}}}
  # Then a Segment event of the same user goes through the destination.
  - track: {{userId: u-1, event: {event}, properties: {{revenue: 4999}}}}
expect:
  tracks:
    - outcome: counted
      attributed_to: [{{experiment: {experiment}, variation: {variation}}}]
  results: {{{experiment}: {{{variation}: {{visitors: 1, {event}: {{unique: 1, revenue: 4999}}}}}}}}
"""


def _lost(example: Example) -> str:
    experiment, variation, event = map(_quoted, (example.experiment, example.variation, example.event))
    return f"""\
scenario: The same user under another id is lost
teaches: >-
  A visitor id is compared letter by letter. The decision was made for u-1, the event came from U-1, and so the conversion
  belongs to nobody who was in the experiment.
datafile: {DATAFILE}
steps:
  - activate: {{user: u-1, experiment: {experiment}, variation: {variation}}}
  - track: {{userId: U-1, event: {event}, properties: {{revenue: 4999}}}}
expect:
  # Write `counted` here and run it again: the report says why it is not.
  tracks: [{{outcome: user_not_activated}}]
"""


_WORKFLOW = """\
name: tracking
on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  scenarios:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install optilocal
      - name: Does every conversion still count?
        run: optilocal run . --github --junit build-junit.xml --html build-report.html
      - uses: actions/upload-artifact@v4
        if: ${{ !cancelled() }}
        with:
          name: tracking
          path: |
            build-junit.xml
            build-report.html
"""
