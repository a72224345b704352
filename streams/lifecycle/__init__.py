"""The life of a model in an installation: channels, gates, labels, rules, and its way back."""
