"""Segment, imitated: what its destination "Optimizely Feature Experimentation (Actions)" does with an event."""
