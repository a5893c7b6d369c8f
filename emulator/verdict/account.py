"""Verdicts on events under an account that no datafile here belongs to."""

from optilocal.emulator.datafile.nearest import difference, fold
from optilocal.emulator.verdict.case import ResultsCase
from optilocal.emulator.verdict.decided import elsewhere
from optilocal.emulator.verdict.ending import Ending
from optilocal.emulator.wording import listed, quoted


def wrong_account(case: ResultsCase) -> Ending:
    """The event names an account of its own: it is filed there, and no experiment here is in that account."""
    sent, known = case.conversion["account_id"] or "", case.everything.account_ids
    near = next((account for account in known if fold(account) == fold(sent)), None)
    apart = f", which differs {difference(near, sent)}" if near else ""
    belong = "the datafile here belongs to" if len(known) == 1 else "the datafiles here belong to"
    return Ending(
        "wrong_account",
        f"{case.name} was sent for account {quoted(sent)}{apart}, but {belong} {listed(known)}; an event counts only in "
        "the account that it names.",
        f"Send it with account_id {listed(known, 'or')}, the accountId of the datafile. {_source(case)} If account "
        f"{quoted(sent)} is meant, serve a datafile of that account here.",
        tuple(elsewhere(case)),
    )


def _source(case: ResultsCase) -> str:
    """Where the sender has its account id from."""
    client = case.conversion["client_name"] or ""
    if case.report is not None or client == "Segment":
        return (
            "Segment's destination takes it from the datafile that its Datafile URL serves, not from its setting Account "
            "ID: point that URL at this account's datafile."
        )
    if client == "RudderStack":
        return "RudderStack takes it from its destination's setting Account ID."
    if client.endswith("-sdk") or "agent" in client.lower():
        return "An SDK takes it from the datafile that it was given: give it the one that is served here."
    return "Whoever builds the event batch writes it there: look where it comes from."
