"""The pytest plugin: scenario files as tests, and the fixtures `optimizely` and `segment`."""
