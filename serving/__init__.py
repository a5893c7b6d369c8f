"""HTTP/1.1 for a WSGI app, on a loop in a thread: it knows nothing of Segment or Optimizely."""
