"""A campaign that breaks an installation on three brokers while ids are counted end to end."""
