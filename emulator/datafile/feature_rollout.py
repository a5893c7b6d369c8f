"""Feature rollouts, rules of the type `fr`: the variation that Optimizely's SDKs add to them when they read a datafile.

The datafile lists the variation that is rolled out, with its share of the traffic. All other visitors of the rule get
the flag's "everyone else" variation, and the SDKs report them as visitors of the same rule. So results need it too.
Sources: `optimizely/project_config.py` of python-sdk 5.7.0 (`_get_everyone_else_variation`),
`lib/project_config/project_config.ts` of javascript-sdk 6.5.0, `DatafileProjectConfig.java` of java-sdk 4.4.0.
"""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.json_text import as_list, objects

FEATURE_ROLLOUT = "fr"


def added_variations(raw: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Rule id → the variations to add to it, if it is a feature rollout, in the order of the flags that it is a rule of.

    `raw` is a datafile as it was given. The variation of a flag is the first one of the last rule of the flag's
    rollout. A flag without a rollout, a rollout without a rule, or a last rule without a variation adds nothing.
    """
    rollouts = {str(item.get("id")): item for item in objects(raw.get("rollouts"))}
    added: dict[str, list[Mapping[str, Any]]] = {}
    for flag in objects(raw.get("featureFlags")):
        variation = _everyone_else(rollouts.get(str(flag.get("rolloutId"))))
        if variation is not None:
            for rule_id in as_list(flag.get("experimentIds")):
                added.setdefault(str(rule_id), []).append(variation)
    return added


def with_added(
    variations: list[Mapping[str, Any]], added: list[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The variations of a feature rollout: its own, then the added ones; of one id the added one counts, as in the SDKs."""
    by_id = {str(variation["id"]): variation for variation in variations}
    by_id.update({str(variation["id"]): variation for variation in added})
    return list(by_id.values())


def _everyone_else(rollout: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The first variation of a rollout's last rule."""
    rules = as_list(rollout.get("experiments")) if rollout else []
    last = rules[-1] if rules else None
    variations = objects(last.get("variations")) if isinstance(last, dict) else []
    return variations[0] if variations else None
