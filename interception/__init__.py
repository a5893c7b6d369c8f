"""Catches requests of programs to the real hosts of Optimizely and Segment: an intercepting proxy, its certificates, and
the environment variables that send a program through it. It knows the two servers by their addresses and imports neither.

`optilocal exec` → `sandbox.program` → `Interception` (authority, trust files, proxy, environment) → `Child`. Its HTTPS:
CONNECT → `Greeting` → TLS with the host's certificate → `Caught` → `RequestStream` → emulator or forwarder. At the end
deliveries are settled and verdicts read → `Outcome` → one line, reports, the child's exit code.
"""
