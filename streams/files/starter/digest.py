"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "b1d79c6328c542da69177b819c86abf98e237c5e1ac42b73cdb767c9f4eb4003"
