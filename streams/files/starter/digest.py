"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "77bf2c6a22c3df19e5f1be8f0aef23a6e30099bd592f804ee65844c0041bae1d"
