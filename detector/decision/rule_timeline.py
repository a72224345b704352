"""Which rules applied at which time of the log.

A rule has no place among the events, so its time decides which of them it concerns. An event that
is decided again, after a crash or in a backtest, meets the same rules as before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import islice

from detector.contracts.rules import Rule
from detector.decision.rule_set import RuleBook, RuleSet

__all__ = ["TAKES_EFFECT", "RuleTimeline"]

#: Seconds of log time from a change of the rules to its effect. In this time every worker reads the
#: change, which takes milliseconds, although the clocks of two brokers differ.
TAKES_EFFECT = 2.0
#: Books that are kept: events of several partitions are rarely far apart.
_KEPT = 8


class RuleTimeline:
    """Every change of the rules, in the order of the log.

    Args:
        rules: the rules before the first change, by id.
    """

    def __init__(self, rules: Mapping[str, Rule] | None = None) -> None:
        self._times: list[float] = []
        self._changes: list[tuple[str, Rule | None]] = []
        #: By the number of changes that a book contains; the first one stays.
        self._books = {0: RuleBook(rules)}

    def change(self, rule_id: str, rule: Rule | None, at: float) -> None:
        """Add a change that was logged at ``at``, in seconds; ``None`` removes the rule.

        A change whose time is before that of an earlier one takes effect with that one.
        """
        self._times.append(max([at + TAKES_EFFECT, *self._times[-1:]]))
        self._changes.append((rule_id, rule))

    def at(self, at: float) -> RuleBook:
        """Return the rules that apply to an event of the log's time ``at``, in seconds."""
        number = bisect_right(self._times, at)
        found = self._books.get(number)
        return self._made(number) if found is None else found

    def of(self, household_id: str, tenant: str, *, at: float) -> RuleSet:
        """Return those of these rules that can concern a household of a tenant."""
        return self.at(at).of(household_id, tenant)

    def _made(self, number: int) -> RuleBook:
        begin = max(each for each in self._books if each <= number)
        rules = dict(self._books[begin].rules)
        for rule_id, rule in islice(self._changes, begin, number):
            if rule is None:
                rules.pop(rule_id, None)
            else:
                rules[rule_id] = rule
        while len(self._books) >= _KEPT:
            del self._books[next(each for each in self._books if each)]
        self._books[number] = book = RuleBook(rules)
        return book
