"""Rasa: a guard for the actions of an action server. Only its public names live here."""

from streams.runtimes.rasa.guard import ANSWER, QUESTION, ActionGuard

__all__ = ["ANSWER", "QUESTION", "ActionGuard"]
