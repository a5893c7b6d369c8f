"""optilocal: a local test harness and mock Optimizely for Segment events. Why was this conversion not counted?

This folder is the one import package. In the repository its rooms are links to the folders at the top level; the wheel
holds the files themselves. So an installed optilocal, an editable install, a checkout and mypy see the same names.
"""

__version__ = "0.1.0"
