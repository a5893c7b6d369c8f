"""A verdict in words, for a terminal or as plain text."""

import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from optilocal.scenarios.reporters.terminal import Terminal
from optilocal.scenarios.reporters.wording import page_of

CONDITIONS = {
    "event_key_matches": "the event key is in the datafile",
    "experiment_running": "an experiment with this metric is running",
    "user_identified": "the user is identified (userId)",
    "user_activated": "the visitor was activated before",
}
_ANSWERS = {True: ("yes", "green"), False: ("no ", "bold red"), None: ("—  ", "dim")}


def fault_words(rule: dict[str, Any]) -> str:
    """A fault rule in a few words: what it does, where, and that Optimizely did not do it."""
    does = [f"answers {rule['status']}"] if rule.get("status") else []
    does += [f"breaks the connection ({rule['break']})"] if rule.get("break") else []
    does += [f"answers {rule['latency_ms']:g} ms late"] if rule.get("latency_ms") else []
    when = " after it was received" if rule.get("phase") == "after" else ""
    return f"a fault rule on {rule['on']} {' and '.join(does) or 'applied'}{when}; see GET /_emulator/faults"


def journey_link(root: str, message_id: str, namespace: str) -> str:
    """The viewer's page on one event."""
    return f"{root}/#/event/{quote(message_id, safe='')}?ns={quote(namespace, safe='')}"


def verdict_text(verdict: dict[str, Any]) -> str:
    """The verdict in words, as plain text."""
    text = io.StringIO()
    print_verdict(verdict, Terminal(file=text, color_system=None, force_terminal=False, soft_wrap=True), None)
    return text.getvalue()


def print_verdict(
    verdict: dict[str, Any], console: Console, root: str | None, faults: Sequence[dict[str, Any]] = ()
) -> None:
    """Print the verdict in words; with the viewer's page on it when `root` is a viewer's address.

    `faults` are the fault rules that made requests of its delivery fail.
    """
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
    for rule in faults:
        console.print(Text.assemble("  ", ("fault injected: ", "yellow"), fault_words(rule)))
    for warning in verdict["warnings"]:
        console.print(Text.assemble("  ", ("worth knowing: ", "yellow"), warning["message"]))
    if verdict["outcome"] is not None:
        console.print(Text.assemble("  ", ("see ", "dim"), page_of(verdict["outcome"])))
    if root is not None:
        link = journey_link(root, str(verdict["message_id"]), verdict["namespace"])
        console.print(Text(f"  {link}", "cyan"))
