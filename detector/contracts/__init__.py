"""The frozen values that cross a boundary: events, decisions, confirmations and errors."""
