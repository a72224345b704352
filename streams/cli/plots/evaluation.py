"""The plots of ``misfire evaluate``."""

from __future__ import annotations

from collections.abc import Sequence

from detector.evaluation.evaluate import Evaluation
from detector.evaluation.reliability import Reliability
from detector.evaluation.scenarios.portland import PlayedChain
from streams.cli.plots.canvas import FILLS, LINES, Canvas, percent

__all__ = ["draw_evaluation"]


def draw_evaluation(
    canvas: Canvas, found: Evaluation, base_rate: float, chains: Sequence[PlayedChain]
) -> None:
    """Draw the results of an evaluation; without misfires, only the chains.

    Args:
        canvas: the canvas.
        found: the results.
        base_rate: the policy's share of misfires among commands.
        chains: the Portland chain and a meant one, or none.
    """
    if found.roc:
        _draw_roc(canvas, found)
        _draw_kinds(canvas, found)
        _draw_costs(canvas, found, base_rate)
    if found.reliability is not None:
        _draw_reliability(canvas, found.reliability)
    if chains:
        _draw_chains(canvas, chains)


def _draw_roc(canvas: Canvas, found: Evaluation) -> None:
    meant = found.committing - found.misfires
    with canvas.picture("roc", "Recall of misfires by false interruptions") as (_, (axes,)):
        for line, (name, curve) in zip(LINES, found.roc.items(), strict=False):
            rates, recalls = zip(*curve, strict=True)
            axes.plot(rates, recalls, label=name, markevery=5, **line)
        axes.set_xscale("log")
        axes.set_xlim(1e-4, 1.0)
        axes.set_ylim(0.0, 1.02)
        axes.axvspan(1e-4, max(1.0 / meant, 1e-4), color="#eeeeee", zorder=0)
        axes.xaxis.set_major_formatter(percent)
        axes.set_xlabel(
            f"false interruptions, share of {meant:,} meant commands (shaded: less than one)"
        )
        axes.set_ylabel(f"recall, share of {found.misfires:,} misfires")
        axes.legend()


def _draw_kinds(canvas: Canvas, found: Evaluation) -> None:
    kinds = sorted(
        found.recall_by_kind, key=lambda kind: -found.recall_by_kind[kind].recall["0.01"]
    )
    with canvas.picture("kinds", "Recall by kind of misfire") as (figure, (axes,)):
        figure.set_figheight(1.9 + 0.55 * len(kinds))
        rates = list(found.recall)
        height = 0.8 / len(rates)
        for number, (rate, fill) in enumerate(zip(rates, FILLS, strict=True)):
            places = [
                place + (number - (len(rates) - 1) / 2) * height for place in range(len(kinds))
            ]
            values = [found.recall_by_kind[kind].recall[rate] for kind in kinds]
            bars = axes.barh(places, values, height, label=f"{100 * float(rate):g} %", **fill)
            axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=8)
        axes.set_yticks(
            range(len(kinds)),
            [
                f"{kind.replace('_', ' ')}\n({found.recall_by_kind[kind].misfires:,})"
                for kind in kinds
            ],
        )
        axes.set_xlim(0.0, 1.1)
        axes.set_xticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("recall")
        figure.legend(
            loc="outside lower center",
            ncols=len(rates),
            title="at this share of interrupted meant commands",
        )


def _draw_costs(canvas: Canvas, found: Evaluation, base_rate: float) -> None:
    with canvas.picture("costs", "Cost of 1,000 commands in the policy's units") as (_, (axes,)):
        for line, (name, curve) in zip(LINES, found.cost_curve.items(), strict=True):
            rates, costs = zip(*curve, strict=True)
            axes.plot(rates, costs, label=name, markevery=5, **line)
        axes.axvline(base_rate, color="#000000", linewidth=0.8)
        axes.annotate(
            "the policy's base rate",
            (base_rate, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=8,
        )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(1e-5, 1e-1)
        axes.xaxis.set_major_formatter(percent)
        axes.set_xlabel("share of misfires among all commands")
        axes.set_ylabel("cost, lower is better")
        axes.legend()


def _draw_reliability(canvas: Canvas, found: Reliability) -> None:
    lowest = 1e-6
    with canvas.picture("reliability", "Reliability of the misfire probability") as (_, (axes,)):
        axes.plot([lowest, 1.0], [lowest, 1.0], **{**LINES[3], "marker": ""}, label="as predicted")
        predicted = [max(each.predicted, lowest) for each in found.bins]
        observed = [max(each.observed, lowest) for each in found.bins]
        axes.plot(predicted, observed, label="observed", **LINES[0])
        for number, each in enumerate(found.bins):
            above = number % 2
            axes.annotate(
                f"{each.misfires:,} of {each.commands:,}",
                (predicted[number], observed[number]),
                xytext=(-5, 6) if above else (6, -10),
                textcoords="offset points",
                horizontalalignment="right" if above else "left",
                fontsize=7.5,
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks([10.0**power for power in range(-6, 1)])
        axes.set_xlim(lowest, 10.0)
        axes.set_ylim(lowest / 2, 4.0)
        axes.xaxis.set_major_formatter(percent)
        axes.yaxis.set_major_formatter(percent)
        axes.set_xlabel("mean misfire probability of the commands in a bin")
        axes.set_ylabel("share of misfires at the base rate")
        axes.legend(loc="upper left")


def _draw_chains(canvas: Canvas, chains: Sequence[PlayedChain]) -> None:
    title = f"Surprisal along two chains that end in {chains[0].turns[-1].intent}"
    with canvas.picture("chain", title, widths=[2.0 + len(chain.turns) for chain in chains]) as (
        figure,
        every,
    ):
        figure.set_figwidth(8.0)
        highest = 1.15 * max(turn.bits for chain in chains for turn in chain.turns)
        for axes, chain, fill in zip(every, chains, FILLS[1:], strict=False):
            bits = [turn.bits for turn in chain.turns]
            bars = axes.bar(range(len(bits)), bits, 0.7, **fill)
            axes.bar_label(bars, [f"{value:.1f}" for value in bits], padding=2, fontsize=8)
            axes.set_xticks(
                range(len(bits)),
                [f"{turn.intent.partition('.')[2]}\n{turn.act}" for turn in chain.turns],
                fontsize=7.5,
                rotation=45,
                rotation_mode="anchor",
                horizontalalignment="right",
            )
            axes.set_ylim(0.0, highest)
            axes.grid(visible=False, axis="x")
            axes.set_title(
                f"{chain.name}:\n{chain.verdict.value}, "
                f"misfire probability {100 * chain.misfire_probability:.2f} %",
                fontsize=9.5,
            )
        every[0].set_ylabel("surprisal in bits, higher is rarer")
