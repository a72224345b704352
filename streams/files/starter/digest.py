"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "d8211669884e4628e8993d17fbadaf0978d458adba60d89a1386284243d96c35"
