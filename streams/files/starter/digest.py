"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "cbec918a79a98a0ef30be232600c4e19ec1fcfa23e0838571e0fd9cf27c8f7b5"
