"""Catches requests of programs to the real hosts of Optimizely and Segment: an intercepting proxy, its certificates, and
the environment variables that send a program through it. It knows the two servers by their addresses and imports neither.
"""
