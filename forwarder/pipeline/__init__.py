"""What Segment does around a destination, stage by stage, in its order."""
