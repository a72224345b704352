"""Home Assistant: the integration, as data, and its installer.

The integration in ``custom_components/misfire`` runs in Home Assistant's process and is never
imported here.
"""
