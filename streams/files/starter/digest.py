"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "e4ede7dca4153a40b6c9cfc61c56817a4695c214ad8f9ef6a0c1768bc855f6a8"
