"""HTTP for the two servers: what emulator and forwarder share and what is neither Segment's nor Optimizely's."""
