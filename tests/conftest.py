"""What all tests share: property tests are in no hurry, for a busy machine is no defect."""

from hypothesis import HealthCheck, settings

settings.register_profile("optilocal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("optilocal")
