"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "bd8fd843df1912c9660ccbe526b895151da982a4a435d3580deb76fc2aaf0b78"
