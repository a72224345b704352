"""The page about the starter bundle: its id, its hash, its data and its figures."""

from __future__ import annotations

from detector.decision.bundle import Bundle
from detector.decision.training_report import Data

__all__ = ["starter_page"]


def starter_page(bundle: Bundle, digest: str) -> str:
    """Return the page in Markdown; ``digest`` is the SHA-256 of the manifest."""
    report = bundle.report
    rules = report.readiness.rules
    costs = [("all", report.readiness.overall), *report.readiness.by_class.items()]
    ready = "ready" if report.readiness.may_enforce else "not ready"
    return "\n".join(
        [
            "# The starter bundle",
            "",
            "It decides where no other bundle is named. `misfire starter train` trains it again",
            "and writes this page; `misfire starter show` checks it.",
            "",
            f"- Version: `{bundle.version}`",
            f"- SHA-256 of `bundle/manifest.json`, which has the hash of every file: `{digest}`",
            f"- Data: {report.data.source}",
            f"- Size: {_size(report.data)}",
            f"- It is {ready} to enforce.",
            "",
            "Cost per 1,000 commands at the policy's base rate, on simulated misfires in homes",
            "that the judge has not seen; lower is better:",
            "",
            f"| risk class | {' | '.join(rules)} |",
            f"|---|{'---|' * len(rules)}",
            *(
                f"| {name} | {' | '.join(f'{found[rule]:.1f}' for rule in rules)} |"
                for name, found in costs
            ),
            "",
            "On the same chains:",
            "",
            *(f"- {name}: {value:g}" for name, value in sorted(report.figures.items())),
            "",
            "Risk classes with too few calibration scores for their budget:",
            "",
            *([f"- {each}" for each in report.thin] or ["- none"]),
            "",
        ]
    )


def _size(data: Data) -> str:
    return f"{data.households} households, {data.events:,} events, {data.commands:,} commands"
