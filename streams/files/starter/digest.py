"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "a8ce178673f719ef9bd042c8bc3a1f3ea32754bb3bc61ebbe0fe4fa3932954c3"
