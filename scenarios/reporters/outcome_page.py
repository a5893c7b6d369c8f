"""Where outcomes are explained."""


def page_of(outcome: str) -> str:
    """The section of the documentation on an outcome."""
    return f"docs/outcomes.md#{outcome}"
