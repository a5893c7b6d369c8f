"""How times, names and lists read in sentences."""

import pytest

from optilocal.emulator.wording import between, joined, listed, plural, quoted, when


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (1_768_471_200_000, "2026-01-15 10:00:00 UTC"),
        (1_768_471_200_042, "2026-01-15 10:00:00.042 UTC"),
        (-1, "1969-12-31 23:59:59.999 UTC"),
        (10**18, "1000000000000000000 ms"),
    ],
)
def test_a_time_reads_as_a_date_where_there_is_one(ms, text):
    assert when(ms) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0, "0 milliseconds"),
        (1, "1 millisecond"),
        (1000, "1 second"),
        (90_000, "2 minutes"),
        (172_800_000, "2 days"),
        (700 * 86_400_000, "700 days"),
        (3653 * 86_400_000, "10 years"),
    ],
)
def test_a_span_reads_in_its_largest_unit(span, text):
    assert between(5, 5 + span) == between(5 + span, 5) == text


def test_names_are_quoted_shortened_and_listed():
    assert listed(["a", "b", "c"]) == '"a", "b" and "c"'
    assert listed(["a", "b"], "or") == '"a" or "b"' and joined([]) == "" and joined(["x"]) == "x"
    assert len(quoted("x" * 500)) == 80 and plural(2, "mapping") == "2 mappings"
    assert quoted("a\n\tb") == '"a\\n\\tb"'
