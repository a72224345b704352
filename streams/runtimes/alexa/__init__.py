"""Alexa: a guard for the request handlers of a skill. Only its public names live here."""

from streams.runtimes.alexa.guard import guard_skill
from streams.runtimes.alexa.turns import is_complete
from streams.runtimes.pending import packed, unpacked

__all__ = ["guard_skill", "is_complete", "packed", "unpacked"]
