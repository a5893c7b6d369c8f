"""`optilocal explain`: verdicts in words."""

import json as json_module
from functools import partial
from typing import Any

import click

from optilocal.scenarios.commands.options import Command, emulator_option, option, verdict_options
from optilocal.serving.printable import printable


@click.command("explain", cls=Command)
@click.argument("message_ids", nargs=-1, metavar="[MESSAGE_ID ...]")
@option("--last", is_flag=True, help="The newest verdict, of those that the other options choose.")
@verdict_options
@option(
    "--json", "as_json", envvar="OPTILOCAL_EXPLAIN_JSON", is_flag=True, help="Print the verdicts as JSON."
)
@emulator_option()
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    message_ids: tuple[str, ...],
    last: bool,
    as_json: bool,
    emulator: str,
    **filters: str | None,
) -> int:
    """Put verdicts in words: why an event was counted, or was not, and what to change.

    MESSAGE_ID is an event's messageId as Segment has it, or the uuid that an SDK sent. Exit code 1 when there is no such
    verdict.

    \b
    Examples:
      optilocal explain --last
      optilocal explain --user u-1 --event "Order Completed"
      optilocal explain --outcome user_not_activated --json
      optilocal explain ajs-next-1768471201000-5d0e4f8a
    """
    if not (message_ids or last or any(filters.values())):
        context.fail("name a MESSAGE_ID, or --last, --user, --event, --outcome or --namespace")
    from optilocal.scenarios.language.document import check_outcome  # noqa: PLC0415 - `--help` needs none of it
    from optilocal.scenarios.reporters.terminal import Terminal  # noqa: PLC0415
    from optilocal.scenarios.reporters.verdict_words import print_verdict  # noqa: PLC0415
    from optilocal.scenarios.running.emulator_client import EmulatorClient  # noqa: PLC0415
    from optilocal.scenarios.running.verdict_feed import Selection, matching_verdicts, newest_verdict  # noqa: PLC0415

    check_outcome(filters["outcome"])
    client = EmulatorClient(emulator)
    client.health()

    ask = partial(client.call, "GET")
    missing: list[str] = []
    verdicts: list[dict[str, Any]] = []
    for message_id in message_ids or (None,):
        selection = Selection(**filters, message_id=message_id)
        if last:
            verdict = newest_verdict(ask, selection)
            rows = [] if verdict is None else [verdict]
        else:
            rows = matching_verdicts(ask, selection)
        verdicts += rows
        if message_id is not None and not rows:
            missing.append(message_id)
    if as_json:
        click.echo(
            printable(json_module.dumps({"verdicts": verdicts}, ensure_ascii=False, indent=1), lines=True)
        )
        return 0 if verdicts and not missing else 1
    console = Terminal(soft_wrap=True)
    for verdict in verdicts:
        print_verdict(verdict, console, client.root, faults=_faults(client, verdict))
    for message_id in missing:
        console.print(
            f"No event with the message id {message_id!r} was reported or received at {client.root}. "
            "It never reached this sandbox, or the journal was reset since."
        )
    if not verdicts and not missing:
        console.print(
            f"There is no such verdict at {client.root}. Nothing of the kind reached this sandbox, "
            "or the journal was reset since."
        )
    return 0 if verdicts and not missing else 1


def _faults(client: Any, verdict: dict[str, Any]) -> list[dict[str, Any]]:
    """The fault rules that answered the requests of an event's delivery."""
    rules: list[dict[str, Any]] = []
    space = client.in_namespace(verdict["namespace"])
    for request in (verdict.get("delivery") or {}).get("requests", ()):
        if request.get("status") is not None and request["status"] < 400 and not request.get("error"):
            continue
        status = {} if request.get("status") is None else {"status": request["status"]}
        params = {"surface": request["to"], "order": "newest", "limit": 1000, **status}
        rows = space.call("GET", "/_emulator/exchanges", params=params)["exchanges"]
        near = [row for row in rows if row["fault"] and abs(row["at"] - request["at"]) < 60_000]
        rules += [row["fault"] for row in near[:1] if row["fault"] not in rules]
    return rules
