"""What all tests share: property tests have no deadline, for a busy machine is no defect."""

from hypothesis import settings

settings.register_profile("optilocal", deadline=None)
settings.load_profile("optilocal")
