"""The HTTP server that emulator and forwarder share; it knows nothing of Segment and Optimizely."""
