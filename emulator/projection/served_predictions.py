"""Which predictions were served, by the uuid that an SDK asks with and its impression carries on as `cmab_uuid`."""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.batch.row import EventRow, Note, note
from optilocal.emulator.journal.interface import Journal
from optilocal.emulator.verdict.wording import quoted

KIND = "prediction"
NOT_SERVED, DIFFERS = "prediction_not_served", "prediction_differs"


def remember(journal: Journal, namespace: str, uuid: str, served: Mapping[str, Any]) -> None:
    """Keep `{"rule_id", "variation_id", "at": ms}` of one prediction; of the visitor nothing is kept."""
    journal.change_document(KIND, namespace, lambda _: served, uuid)


def prediction_note(journal: Journal, namespace: str, row: EventRow) -> Note | None:
    """What is odd about a decision's `cmab_uuid`: no prediction was served under it here, or another one."""
    uuid = row["cmab_uuid"]
    if uuid is None:
        return None
    served = journal.document(KIND, namespace, uuid)
    if served is None:
        message = (
            f"The decision's cmab_uuid {quoted(uuid)} is that of no prediction served here; the SDK asked another "
            "prediction service. Point it at POST /predict/<rule id> of this emulator."
        )
        return note(NOT_SERVED, message)
    if (served["rule_id"], served["variation_id"]) == (row["experiment_id"], row["variation_id"]):
        return None
    message = (
        f"Under the decision's cmab_uuid {quoted(uuid)} variation {quoted(served['variation_id'])} of rule "
        f"{quoted(served['rule_id'])} was predicted, but the decision is for variation {quoted(row['variation_id'])} of "
        f"rule {quoted(row['experiment_id'])}."
    )
    return note(DIFFERS, message)
