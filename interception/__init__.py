"""Catches what programs send to the real hosts of Optimizely and Segment: an intercepting proxy, its certificates, the
environment that leads a program through it. It knows the two services by their addresses and imports neither.
"""
