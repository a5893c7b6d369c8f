"""A verdict in words, for a terminal or as plain text."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from optilocal.scenarios.running.emulator_client import EmulatorClient

CONDITIONS = {
    "event_key_matches": "the event key is in the datafile",
    "experiment_running": "an experiment with this metric is running",
    "user_identified": "the user is identified (userId)",
    "user_activated": "the visitor was activated before",
}
_ANSWERS = {True: ("yes", "green"), False: ("no ", "bold red"), None: ("—  ", "dim")}


def explain(emulator: EmulatorClient, message_id: str, console: Console) -> bool:
    """Print every verdict on a message id, whatever its namespace; False when there is none."""
    verdicts = emulator.verdicts(message_id=message_id, ns="*")
    for verdict in verdicts:
        print_verdict(verdict, console, emulator.root)
    if not verdicts:
        console.print(
            f"No event with the message id {message_id!r} was reported or received at {emulator.root}. "
            "It never reached this sandbox, or the journal was reset since."
        )
    return bool(verdicts)


def journey_link(root: str, message_id: str, namespace: str) -> str:
    """The viewer's page on one event."""
    return f"{root}/#/event/{quote(message_id, safe='')}?ns={quote(namespace, safe='')}"


def verdict_text(verdict: dict[str, Any]) -> str:
    """The verdict in words, as plain text."""
    text = io.StringIO()
    print_verdict(
        verdict,
        Console(file=text, color_system=None, force_terminal=False, markup=False, soft_wrap=True),
        None,
    )
    return text.getvalue()


def print_verdict(verdict: dict[str, Any], console: Console, root: str | None) -> None:
    """Print the verdict in words; with the viewer's page on it when `root` is a viewer's address."""
    outcome = verdict["outcome"] or verdict["kind"]
    good = outcome == "counted"
    title = Text.assemble(
        (outcome, "bold green" if good else "bold red"), "  ", (str(verdict["event"] or ""), "bold")
    )
    console.print(title.append(f"  {verdict['message_id']}  namespace {verdict['namespace']}", "dim"))
    console.print(Text("  " + verdict["explanation"]))
    if verdict["remedy"]:
        console.print(Text.assemble("  ", ("To do: ", "bold"), verdict["remedy"]))
    if verdict["outcome"] is not None:
        for name, words in CONDITIONS.items():
            answer, style = _ANSWERS[verdict["conditions"][name]]
            console.print(Text.assemble("  ", (answer, style), " ", words))
    for attribution in verdict["attributed_to"]:
        console.print(
            Text(f"  counted in {attribution['experiment']} for variation {attribution['variation']}")
        )
    for detail in verdict["details"]:
        console.print(Text(f"  · {detail}"))
    for warning in verdict["warnings"]:
        console.print(Text.assemble("  ", ("worth knowing: ", "yellow"), warning["message"]))
    if root is not None:
        link = journey_link(root, str(verdict["message_id"]), verdict["namespace"])
        console.print(Text(f"  {link}", "cyan"))
