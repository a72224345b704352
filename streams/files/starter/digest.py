"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "b7810e95d63750323ea3c752707a3bd2f3c6d1712e8046ba68c873321d2400b7"
