"""The store keeps what it was given, finds it again, and says what stands in the way."""

import stat
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.errors import ConfigurationError, Conflict, InvalidInput, NotFound, StoreError
from remedyd.model import Approval, ManualClock, Principal, Proposal, ProposalId, State
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from support.proposals import ALICE, START, a_clock, a_proposal


def test_what_was_created_is_read_back_equal(store: Store) -> None:
    """A stored proposal equals the one given, nested records and dates included."""
    proposal = store.create(a_proposal())
    assert store.get(proposal.id) == proposal


def test_creating_never_overwrites(store: Store) -> None:
    """A second proposal under the same id is refused and the first one stays."""
    first = store.create(a_proposal("p1"))
    with pytest.raises(Conflict, match="p1 exists already"):
        store.create(a_proposal("p1", "cart"))
    assert store.get(first.id) == first


def test_one_open_proposal_per_workload(store: Store) -> None:
    """A workload with an open proposal gets no second one, and the answer names the first."""
    store.create(a_proposal("p1"))
    with pytest.raises(Conflict, match=r"already has the open proposal p1 \(Proposed\)"):
        store.create(a_proposal("p2"))


def test_a_closed_proposal_frees_its_workload(store: Store) -> None:
    """After the first proposal ended, the workload may get another."""
    store.transition(store.create(a_proposal("p1")), State.REJECTED)
    store.create(a_proposal("p2"))
    assert [p.id for p in store.unfinished()] == ["p2"]


def test_who_had_an_open_proposal_at_a_time(store: Store, clock: ManualClock) -> None:
    """From after its making until its end, in its own namespace."""
    began = clock.now()
    made = store.create(a_proposal(at=began))
    clock.advance(timedelta(minutes=5))
    ended = store.transition(made, State.REJECTED, action="reject", principal="ann")
    workload = made.plan.target.workload
    assert ended.updated_at == clock.now()
    assert store.open_at("shop", began) == set()
    assert store.open_at("shop", began + timedelta(minutes=1)) == {workload}
    assert store.open_at("other", began + timedelta(minutes=1)) == set()
    assert store.open_at("shop", clock.now()) == set()


def test_reopening_waits_for_the_other_open_one(store: Store) -> None:
    """An ended proposal cannot be undone by hand while another is open on its workload."""
    first = store.create(a_proposal("p1"))
    for state in (State.APPROVED, State.APPLYING, State.APPLIED, State.VERIFYING, State.EFFECTIVE):
        first = store.transition(first, state)
    store.create(a_proposal("p2"))
    with pytest.raises(Conflict, match="already has the open proposal p2"):
        store.transition(first, State.ROLLING_BACK)
    assert store.get(first.id).state is State.EFFECTIVE


def test_a_transition_stores_record_and_event_together(store: Store, clock: ManualClock) -> None:
    """A move changes state, version, time and the given fields, and appends its event."""
    proposal = store.create(a_proposal(), detail="seen twice")
    clock.advance(timedelta(seconds=5))
    approval = Approval(ALICE, proposal.digest, clock.now(), "go")
    moved = store.transition(
        proposal,
        State.APPROVED,
        action="approve",
        principal="alice",
        detail="go",
        data={"digest": proposal.digest},
        approval=approval,
    )
    assert store.get(proposal.id) == moved
    assert (moved.version, moved.updated_at, moved.approval) == (1, clock.now(), approval)
    first, second = store.events(proposal.id)
    assert (first.action, first.state, first.detail) == ("propose", State.PROPOSED, "seen twice")
    assert (second.sequence, second.principal, second.data) == (
        1,
        "alice",
        {"digest": proposal.digest},
    )


def test_the_loser_of_a_race_learns_the_state_now(store: Store) -> None:
    """A move from an outdated record writes nothing and names what the winner made of it."""
    seen = store.create(a_proposal())
    store.transition(seen, State.REJECTED)
    with pytest.raises(Conflict, match="is Rejected now") as lost:
        store.transition(seen, State.APPROVED)
    assert "read it again" in lost.value.hint
    assert len(store.events(seen.id)) == 2


def test_the_version_counts_even_in_the_same_state(store: Store) -> None:
    """An outdated record of the same state is refused as well."""
    seen = store.create(a_proposal())
    store.amend(seen, action="note", reason="looked at")
    with pytest.raises(Conflict, match=r"version 1"):
        store.amend(seen, action="note")


def test_a_forbidden_move_is_refused_before_the_store(store: Store) -> None:
    """A move that the life cycle does not know is refused with the moves it knows."""
    proposal = store.create(a_proposal())
    with pytest.raises(Conflict, match="is Proposed and cannot become Applied") as refused:
        store.transition(proposal, State.APPLIED)
    assert "Approved" in refused.value.hint


def test_the_store_sets_its_own_fields(store: Store) -> None:
    """A caller cannot set the version or the time of change."""
    proposal = store.create(a_proposal())
    with pytest.raises(InvalidInput, match="updated_at, version"):
        store.amend(proposal, action="note", version=9, updated_at=START)


def test_moving_a_deleted_proposal_says_so(store: Store) -> None:
    """A move of a proposal that is not stored raises NotFound."""
    with pytest.raises(NotFound, match="no proposal p1"):
        store.transition(a_proposal(), State.REJECTED)


def test_an_unknown_id_is_not_found(store: Store) -> None:
    """Reading an unknown id raises NotFound with the next step."""
    with pytest.raises(NotFound) as missing:
        store.get(ProposalId("nope"))
    assert "list" in missing.value.hint


def test_only_a_new_proposal_can_be_created(store: Store) -> None:
    """A proposal is born Proposed or DryRun, never Approved."""
    with pytest.raises(InvalidInput, match="cannot be created as Approved"):
        store.create(replace(a_proposal(), state=State.APPROVED))


def test_pages_cover_everything_once(store: Store) -> None:
    """Following the cursor visits every proposal once, newest first, also with equal times."""
    for n in range(7):
        at = START + timedelta(seconds=n // 3)
        store.create(a_proposal(f"p{n}", f"w{n}", at=at))
    seen: list[str] = []
    cursor = ""
    while True:
        page = store.list(ProposalFilter(limit=2, cursor=cursor))
        seen += [proposal.id for proposal in page.items]
        cursor = page.next
        if not cursor:
            break
    assert seen == ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]


def test_a_page_stays_right_while_new_ones_arrive(store: Store) -> None:
    """A proposal made after the first page does not shift the second."""
    for n in range(4):
        store.create(a_proposal(f"p{n}", f"w{n}", at=START + timedelta(seconds=n)))
    first = store.list(ProposalFilter(limit=2))
    store.create(a_proposal("p9", "w9", at=START + timedelta(seconds=9)))
    second = store.list(ProposalFilter(limit=2, cursor=first.next))
    assert [p.id for p in second.items] == ["p1", "p0"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ProposalFilter(states=frozenset({State.REJECTED})), ["p1"]),
        (ProposalFilter(open=True), ["p2"]),
        (ProposalFilter(open=False), ["p1"]),
        (ProposalFilter(namespace="shop"), ["p2", "p1"]),
        (ProposalFilter(namespace="other"), []),
        (ProposalFilter(namespaces=frozenset()), []),
        (ProposalFilter(namespaces=frozenset({"shop"})), ["p2", "p1"]),
        (ProposalFilter(workload="prod/shop/Deployment/cart"), ["p2"]),
        (ProposalFilter(policy="oom-raise-memory", source="audit"), ["p2", "p1"]),
        (ProposalFilter(source="request"), []),
        (ProposalFilter(since=START + timedelta(seconds=1)), ["p2"]),
        (ProposalFilter(until=START + timedelta(seconds=1)), ["p1"]),
    ],
)
def test_filters(store: Store, wanted: ProposalFilter, found: list[str]) -> None:
    """Each condition of a filter narrows the list as it says."""
    store.transition(store.create(a_proposal("p1")), State.REJECTED)
    store.create(a_proposal("p2", "cart", at=START + timedelta(seconds=1)))
    assert [proposal.id for proposal in store.list(wanted).items] == found


def test_a_reach_only_narrows() -> None:
    """Narrowing a filter to a principal's namespaces never adds one."""
    wanted = ProposalFilter(namespaces=frozenset({"a", "b"})).within(frozenset({"b", "c"}))
    assert wanted.namespaces == frozenset({"b"})


@pytest.mark.parametrize("cursor", ["x", "!!", "MjAyNg", "MjAyNi0xMS0wNVQxMjowMDowMCBwMQ"])
def test_a_strange_cursor_is_refused(store: Store, cursor: str) -> None:
    """A cursor that was not handed out is an input error, not a wrong page."""
    with pytest.raises(InvalidInput, match="cursor"):
        store.list(ProposalFilter(cursor=cursor))


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_strange_page_size_is_refused(store: Store, limit: int) -> None:
    """A page holds 1 to 200 proposals."""
    with pytest.raises(InvalidInput, match="1 to 200"):
        store.list(ProposalFilter(limit=limit))


def test_proposals_in_states_come_oldest_first(store: Store) -> None:
    """The loop's worklist is ordered by age."""
    for n in (2, 1):
        store.create(a_proposal(f"p{n}", f"w{n}", at=START + timedelta(seconds=n)))
    assert [p.id for p in store.in_states(frozenset({State.PROPOSED}))] == ["p1", "p2"]
    assert store.in_states(frozenset({State.APPLYING})) == ()


def test_retention_deletes_old_ends_and_their_events(store: Store, clock: ManualClock) -> None:
    """Only what ended before the limit goes; open and recent ones stay with their history."""
    old = store.transition(store.create(a_proposal("old", "a")), State.REJECTED)
    store.create(a_proposal("open", "b"))
    clock.advance(timedelta(days=10))
    recent = store.transition(store.create(a_proposal("recent", "c")), State.REJECTED)
    assert store.delete_finished(START + timedelta(days=5)) == 1
    assert store.events(old.id) == ()
    assert {p.id for p in store.list().items} == {"open", "recent"}
    assert len(store.events(recent.id)) == 2


def test_retention_lets_others_write_in_between(store: Store, clock: ManualClock) -> None:
    """A hundred go at once; then it rests for as long as that took, and others have their turn."""
    for number in range(250):
        store.transition(store.create(a_proposal(f"p{number}", f"w{number}")), State.REJECTED)
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        store.create(a_proposal(f"new{len(rests)}", f"v{len(rests)}"))
        assert len(store.list(ProposalFilter(open=False, limit=200)).items) in (150, 50)

    assert store.delete_finished(START + timedelta(days=5), rest=rest) == 250
    assert len(rests) == 2
    assert min(rests) > 0
    assert {one.id for one in store.list().items} == {"new1", "new2"}


def test_retention_can_be_ended(store: Store) -> None:
    """By a rest that says so: what is left of a long history goes another time."""
    for number in range(120):
        store.transition(store.create(a_proposal(f"p{number}", f"w{number}")), State.REJECTED)
    assert store.delete_finished(START + timedelta(days=5), rest=lambda _: True) == 100
    assert store.delete_finished(START + timedelta(days=5), rest=lambda _: True) == 20


def test_a_note_on_an_ended_proposal_does_not_renew_its_end(
    store: Store, clock: ManualClock
) -> None:
    """The cooldown and the retention count from the end, not from the last note."""
    ended = store.transition(store.create(a_proposal()), State.REJECTED)
    clock.advance(timedelta(hours=1))
    store.amend(ended, action="note")
    key = ("oom-raise-memory", "prod/shop/Deployment/checkout")
    assert store.decision_state(clock.now()).finished[key] == START


def test_an_asserted_identity_is_kept(store: Store) -> None:
    """What a principal says about whom it acts for survives the store."""
    asker = Principal("flow", frozenset(), frozenset({"shop"}), "eve@example.org")
    store.create(a_proposal(requested_by=asker))
    assert store.get(ProposalId("p1")).requested_by == asker


def test_a_healthy_store_passes_its_check(store: Store) -> None:
    """A migrated, writable store raises nothing."""
    store.check()


def test_the_file_belongs_to_the_daemon_alone(tmp_path: Path) -> None:
    """A new SQLite file is readable and writable by its owner only."""
    Store(f"sqlite:///{tmp_path / 'new.db'}", a_clock()).close()
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


def test_a_damaged_file_is_a_store_error(tmp_path: Path) -> None:
    """A file that is no database is reported under the store's name, not as a driver's error."""
    (tmp_path / "remedyd.db").write_bytes(b"this is not a database, by all means" * 100)
    store = Store(f"sqlite:///{tmp_path / 'remedyd.db'}", a_clock())
    with pytest.raises(StoreError, match=r"remedyd\.db could not be read: file is not a database"):
        store.migrate()
    store.close()


def test_a_missing_server_is_a_store_error_without_the_password() -> None:
    """An unreachable PostgreSQL is reported by name; the password is not shown."""
    url = "postgresql://u:secret-word@127.0.0.1:1/d"
    store = Store(url, a_clock(), busy_timeout=timedelta(seconds=1))
    with pytest.raises(StoreError) as failed:
        store.list()
    assert "127.0.0.1" in failed.value.message
    assert "secret-word" not in failed.value.message
    store.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://h/d", "cannot be kept in mysql"),
        ("sqlite://", "forget approvals"),
        ("sqlite:///:memory:", "forget approvals"),
        ("sqlite:////no/such/place/x.db", "directory /no/such/place does not exist"),
    ],
)
def test_an_unusable_url_is_refused_at_once(url: str, message: str) -> None:
    """A URL that cannot hold proposals is a configuration error with the next step."""
    with pytest.raises(ConfigurationError, match=message) as refused:
        Store(url, a_clock())
    assert refused.value.hint


def test_what_no_text_can_hold_is_no_fault_of_the_store(store: Store) -> None:
    """PostgreSQL refuses a NUL, SQLite finds nothing: neither is an outage."""
    found: tuple[Proposal, ...] = ()
    with suppress(InvalidInput):
        found = store.list(ProposalFilter(namespace="shop\0")).items
    assert found == ()
