"""What follows from the warnings of a conversion that counts here: what it may cost at Optimizely, and what to change."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from optilocal.emulator.batch.row import Note
from optilocal.emulator.verdict.ending import Ending
from optilocal.emulator.wording import joined

NOTHING = "Nothing needs to change."


@dataclass(frozen=True)
class Advice:
    """What to change for one kind of warning; `but` says how it may cost the whole conversion, to follow "but"."""

    remedy: str
    but: str | None = None


_REVENUE = "Send revenue as a whole number of cents in the event's own revenue: 1999 for 19.99."
_VALUE = "Send value as a number in the event's own value."
_SCHEMA = Advice("Correct the sender, so that the event satisfies the Event API's schema.")
_CENTS = Advice("Send revenue in cents: 1999 for 19.99.")

ADVICE = {
    # What may cost the conversion.
    "nested_tag": Advice(
        "Flatten the nested tags, or map only texts, numbers and booleans to event tags.",
        "Optimizely may drop the whole event for its nested tags",
    ),
    "sent_to_us_region": Advice(
        "Have the event posted to eu.logx.optimizely.com, as Optimizely's current SDKs do by the datafile's region; "
        "Segment's destination has no setting for it.",
        "at Optimizely it probably counts nowhere: the US Event API was used, and the account's region is EU",
    ),
    "timestamp_in_future": Advice(
        "Correct the sender's clock.",
        "in Optimizely's results it is missing until the time of its timestamp has come",
    ),
    "counted_under_anonymous_id": Advice(
        "Send a userId with the event, the one that the SDK decides for.",
        "Segment's page on this destination says that events without a userId are not sent",
    ),
    "not_enriched": Advice(
        "Send the batch with enrich_decisions true, as Optimizely's SDKs do.",
        "Optimizely takes earlier decisions only where enrich_decisions is true",
    ),
    # What loses a part of it.
    "revenue_not_integer": Advice(_REVENUE),
    "revenue_lost": Advice(_REVENUE),
    "revenue_only_in_tags": Advice(_REVENUE),
    "revenue_dropped": Advice(_REVENUE),
    "revenue_under_other_name": Advice(
        "If that is its revenue, send it as revenue in cents, or map revenue to it."
    ),
    "revenue_not_in_cents": _CENTS,
    "revenue_rounded": _CENTS,
    "revenue_coerced": Advice("Send revenue as a number."),
    "revenue_taken_out": Advice("Let revenue pass in the stage that takes it out, if it should count."),
    "value_taken_out": Advice("Let value pass in the stage that takes it out, if it should count."),
    "value_lost": Advice(_VALUE),
    "value_only_in_tags": Advice(_VALUE),
    "value_dropped": Advice(_VALUE),
    "value_coerced": Advice("Send value as a number."),
    "quantity_not_integer": Advice("Send quantity as a whole number."),
    "tag_stripped": Advice("Map revenue and value to the event's own fields."),
    "tag_type": Advice("Leave out tags that are null."),
    "attribute_not_in_datafile": Advice("Create the attribute in Optimizely, or do not send it."),
    "non_scalar_trait": Advice("Send the trait as a text, number or boolean."),
    "integrations_misnamed": Advice("Give the destination its own name in the event's integrations object."),
    "traits_ignored": Advice("Send the traits in context.traits."),
    "key_is_not_of_entity_id": Advice("Send key and entity_id of one event."),
    "prediction_not_served": Advice("Point the SDK at POST /predict/<rule id> of this emulator."),
    "prediction_differs": Advice(
        "Send the decision for the variation that was predicted under its cmab_uuid."
    ),
    "unknown_type": Advice("Leave the event's type out."),
    "wrong_type": _SCHEMA,
    "missing_field": _SCHEMA,
    "empty_field": _SCHEMA,
    "out_of_range": _SCHEMA,
    "not_allowed": _SCHEMA,
    "typed_value": _SCHEMA,
    "compact_form": _SCHEMA,
}


def advised(counted: Ending, warnings: Iterable[Note]) -> Ending:
    """The ending of a conversion that counts, with what its warnings say: headline, remedy and warnings agree."""
    advices = list(dict.fromkeys(ADVICE[item["code"]] for item in warnings if item["code"] in ADVICE))
    if not advices:
        return counted
    costly = [advice.but for advice in advices if advice.but is not None]
    explanation = counted.explanation
    if costly:
        explanation = f"{explanation.rstrip('.')} here, but {joined(costly)}."
    # What may cost the whole event comes first.
    advices.sort(key=lambda advice: advice.but is None)
    remedy = " ".join(dict.fromkeys(advice.remedy for advice in advices))
    return replace(counted, explanation=explanation, remedy=remedy)
