"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "56e48af840c10a87abfa78b0c3b48428b3cadfe1e45cbf42f6f3197a3ade3435"
