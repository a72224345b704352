"""From a household's state, an event and a bundle to a decision and the next state."""
