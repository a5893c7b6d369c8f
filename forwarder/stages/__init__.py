"""What Segment does with an event between its source and a destination's mappings: pure functions, one file a stage."""
