"""What holds for every test."""

from hypothesis import settings

# A slow machine is no reason to fail, so examples have no deadline.
settings.register_profile("misfire", deadline=None)
settings.load_profile("misfire")
