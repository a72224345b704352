"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "cb2aef1eead22f5c477d27c461034263d2cd7431b4c1bd3bd38bcb5db5a93daf"
