"""Scoring a spoken yes as an event of the chain that it answers. An unlikely yes is refused."""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import ConfirmMethod
from detector.contracts.events import Act, IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.verdict import judge_chain
from detector.evidence import Moment
from detector.household.chains import extend
from detector.household.conversations import runtime_session_id
from detector.household.state import MAX_TURNS, HouseholdState, Question, Session
from detector.population.model import Model

__all__ = ["is_yes", "score_yes"]


def is_yes(state: HouseholdState, question: Question, heard: IntentEvent) -> bool:
    """Return whether a turn is an affirmation of the question.

    It must come from the same household, conversation, device and intent, and after the question.
    The order of decisions defines "after", because the device's clock may be wrong.
    """
    session = question.session
    decided = [decision.event_id for decision in state.recent]
    asked = decided.index(question.event_id) + 1 if question.event_id in decided else 0
    return (
        session is not None
        and heard.act is Act.AFFIRM
        and heard.household_id == state.household_id
        and heard.session_id == runtime_session_id(question.session_id)
        and heard.device_id == session.device_id
        and heard.intent == question.intent
        and heard.event_id not in (question.event_id, *decided[:asked])
    )


def score_yes(
    state: HouseholdState, question: Question, heard: IntentEvent, bundle: Bundle
) -> tuple[float | None, float | None, bool]:
    """Score a yes.

    Returns:
        The surprisal of the yes in bits (higher is rarer), or ``None`` if training saw the intent
        but never a yes to it; the misfire probability of the chain including the yes, or ``None``
        if the judge failed; and whether the yes is enough to run the command. It is enough if it is
        no rarer than the policy allows, and running a misfire that passed a spoken question costs
        less than refusing a meant command.
    """
    session, policy = question.session, bundle.policy
    if session is None or session.chain is None:
        raise AssertionError("an open question keeps its session and chain")
    bits = _yes_bits(session, heard, bundle.model)
    chain = extend(session.chain, heard, turn=session.turns, bits=bits, known=session.slots)
    if chain is None:
        raise AssertionError("an affirmation does not close a chain (chains.MOVES)")
    symbol = bundle.model.vocabulary.index(heard.intent, heard.act)
    longer = replace(
        session,
        turns=session.turns + 1,
        symbols=(*session.symbols, symbol)[-MAX_TURNS:],
        intents=(*session.intents, heard.intent)[-MAX_TURNS:],
        chain=chain,
    )
    # The model's only symbol for such a yes stands for everything that training did not see, so its
    # surprisal is that of all rarities together. One-shot commands have no dialogue with a yes.
    unmodelled = symbol == bundle.model.vocabulary.unseen and bundle.model.vocabulary.knows_intent(
        heard.intent
    )
    surprisal = None if unmodelled else round(bits, 6)
    risk = policy.risk_class(heard.intent)
    judgement = judge_chain(Moment.of(heard, longer, chain, state, bundle.model), bundle, risk)
    if judgement.failed:
        return surprisal, None, False
    probability = judgement.misfire_probability
    usual = unmodelled or bits <= policy.confirmation.answer_bits
    likely = usual and policy.suffices(risk, ConfirmMethod.SPOKEN, probability)
    return surprisal, round(probability, 12), likely


def _yes_bits(session: Session, heard: IntentEvent, model: Model) -> float:
    """Return the surprisal of the yes after the chain.

    If the chain already ended with a yes, this one replaces it: the question was repeated.
    """
    before = session.symbols
    if before[-1] == model.vocabulary.index(heard.intent, Act.AFFIRM):
        before = before[:-1]
    current, previous = model.sequence.fresh(), model.sequence.start
    for symbol in before:
        current, _ = model.sequence.step(current, previous, symbol)
        previous = symbol
    return model.sequence.step(current, previous, model.vocabulary.index(heard.intent, heard.act))[
        1
    ]
