"""From a stream of events to a bundle."""
