"""Segment's destination itself: settings, subscriptions, trigger, fields, track event, deletion."""
