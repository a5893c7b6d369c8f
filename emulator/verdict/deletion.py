"""What a deletion asked Optimizely for. It is not a conversion and has no outcome.

Source: Segment's optimizely-feature-experimentation-actions/index.ts.
"""

import json

from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.verdict.ending import Ending, retry_due
from optilocal.emulator.wording import joined, listed, quoted


def deletion(report: DeliveryReport, history: DatafileHistory) -> Ending:
    """The ending of a deletion, with an empty outcome."""
    user = quoted(report.user_id or report.anonymous_id)
    requests = report.requests_to("privacy")
    json_body = requests[-1].get("json") if requests else None
    body = json_body if isinstance(json_body, dict) else {}
    identifier, identifier_type = body.get("identifier"), body.get("identifier_type")
    ask = (
        f"Ask Optimizely yourself: POST /v2/subject-access-requests with identifier {user}, "
        "identifier_type "
        '"fullstack_id", data_type "visitor" and request_type "delete".'
    )
    details = report.messages
    if report.outcome == "deleted":
        named = f"the {identifier_type} {quoted(identifier)}, which is the account's id from the settings"
        accounts = history.newest.account_ids if history.newest else ()
        if accounts and identifier and identifier not in accounts:
            details.append(f"The datafile belongs to another account: {listed(accounts)}.")
        if body:
            details.append(f"The request's body was {json.dumps(body, ensure_ascii=False)}.")
        details.append(
            "Segment's page on this destination says that it deletes users; its published code never sends "
            "the user's id."
        )
        explanation = (
            f"Segment's destination asked Optimizely to delete {named if identifier else 'the account'}, not user "
            f"{user}: Optimizely knows nobody by that name, and nothing of {user} was erased."
        )
        return Ending("", explanation, ask, tuple(details))
    why = (report.error_message or joined(report.details) or "the report does not say why").rstrip(".")
    status = requests[-1].get("status") if requests else None
    if isinstance(status, int):
        explanation = f"Optimizely refused the deletion of user {user}: {status} {why}. Nothing was erased."
    else:
        explanation = f"The deletion of user {user} did not reach Optimizely: {why}. Nothing was erased."
    without_token = report.error.get("code") == "INVALID_AUTHENTICATION" or "Access Token" in why
    if without_token or status in (401, 403):
        ask = (
            f"Set a Personal Access Token that {'Optimizely accepts' if status else 'the destination can send'}; "
            f"but even then the request names the account. {ask}"
        )
    return Ending("", explanation + retry_due(report), ask, tuple(details))
