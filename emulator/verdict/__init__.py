"""Delivery, conversion and attribution make one verdict: outcome, sentence, remedy."""
