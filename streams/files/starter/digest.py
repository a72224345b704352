"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "4a9fb85928402eff3aa3803175e9cbd0014d008639a19b64fedb332801915c4b"
