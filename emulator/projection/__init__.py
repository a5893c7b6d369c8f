"""From recorded exchanges to events, counts and verdicts."""
