"""OVOS: two plugins of ovos-core that ask misfire before a skill's intent runs.

ovos-core loads them by their entry points, if its configuration names them.
"""
