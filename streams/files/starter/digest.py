"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "a6648be83c209f2cc3b720f3d4c4bcb75a06d27959edbf7756e48e46f06d17ec"
