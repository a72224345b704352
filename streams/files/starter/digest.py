"""The SHA-256 of the starter bundle's manifest. ``misfire starter train`` writes it."""

SHA256 = "ce8b556d8b627bfb17c10355b287ca396989df96fdbaeb85d57d93a204ef4340"
