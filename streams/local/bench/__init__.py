"""What the hook costs and what it survives, measured on this machine: ``misfire bench hook`` and ``misfire bench storm``."""
