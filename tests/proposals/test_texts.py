"""What was read before is not decoded again, and never stands for what is stored now."""

from datetime import timedelta

from remedyd.model import Applied, ManualClock, Outcome, State, Verdict
from remedyd.proposals import codec
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from remedyd.proposals.tables import proposals
from remedyd.proposals.texts import Texts
from support.proposals import ALICE, START, a_clock, a_decision, a_plan, a_proposal


def test_a_text_is_decoded_once() -> None:
    """The same text gives the very same proposal."""
    texts, text = Texts(), codec.dump(a_proposal())
    assert texts.read(text) is texts.read(codec.dump(a_proposal()))


def test_another_text_is_another_proposal() -> None:
    """One letter is enough."""
    texts, text = Texts(), codec.dump(a_proposal("p1"))
    texts.read(text)
    assert texts.read(text.replace("384Mi", "385Mi")).plan != a_proposal().plan


def test_those_not_asked_for_longest_are_forgotten() -> None:
    """So many are remembered and no more."""
    texts = Texts(most=2)
    first, second, third = (codec.dump(a_proposal(key)) for key in ("p1", "p2", "p3"))
    one, two = texts.read(first), texts.read(second)
    assert texts.read(first) is one
    texts.read(third)
    assert texts.read(first) is one
    assert texts.read(second) is not two


def test_long_ones_make_room() -> None:
    """Bounded is their length in all, not their number alone; the latest one is remembered."""
    first, second = codec.dump(a_proposal("p1")), codec.dump(a_proposal("p2"))
    texts = Texts(characters=len(first) + len(second))
    one, two = texts.read(first), texts.read(second)
    assert texts.read(second) is two
    assert texts.read(first) is one
    long = texts.read(second.replace("p2", "p3").replace("384Mi", "3" * 4000))
    assert texts.read(codec.dump(long)) is long
    assert texts.read(first) is not one


def test_what_is_remembered_of_a_life_is_what_is_stored(
    store: Store, gate: Gate, clock: ManualClock, url: str
) -> None:
    """After each move a store without memory reads the same."""
    other = Store(url, a_clock())
    made = gate.propose(a_plan(), a_decision())
    approved = gate.approve(made.id, made.digest, ALICE, "seen")
    applying = store.transition(approved, State.APPLYING)
    applied = Applied(START, "4712", 8)
    verdict = Verdict(Outcome.INEFFECTIVE, START, "NoEffect", "still killed")
    lives = [made, approved, applying]
    for state, changes in (
        (State.APPLIED, {"applied": applied}),
        (State.VERIFYING, {"rolled_out_at": START + timedelta(minutes=1)}),
        (State.ROLLING_BACK, {"verdict": verdict}),
        (State.ROLLED_BACK, {"rollback": applied}),
    ):
        clock.advance(timedelta(minutes=1))
        lives.append(store.transition(lives[-1], state, **changes))
        texts = Texts()
        assert store.get(made.id) is lives[-1]
        assert other.get(made.id) == lives[-1] == texts.read(codec.dump(lives[-1]))
    other.close()


def test_a_record_changed_behind_our_back_is_read_as_it_is(store: Store) -> None:
    """The text counts, not the version."""
    made = store.create(a_proposal())
    store.get(made.id)
    text = codec.dump(made).replace("384Mi", "64Gi")
    with store._database.write() as connection:
        connection.execute(proposals.update().values(body=text))
    assert store.get(made.id).plan.changes[0].new == "64Gi"
