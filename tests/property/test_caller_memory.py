"""The memory of callers against a plain one: nobody is found who should be forgotten, or missed."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from gatepass.plugin import caller_memory as module
from gatepass.plugin.budgets.applicable import NO_LIMITS
from gatepass.plugin.caller_memory import Barred, CallerMemory
from gatepass.plugin.decision import Caller
from gatepass.plugin.directory.notices import one_row
from gatepass.plugin.known_caller import KnownCaller, Life
from gatepass.rbac.errors import AccessFault
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import RoleRules
from gatepass.rbac.standing import standing_of
from support.callers import SOMEBODY

PEOPLE = [replace(SOMEBODY, subject=str(number)) for number in range(6)]
ROWS = [one_row("team", str(number)) for number in range(4)]
STANDING = standing_of(Policy({}, {}, RoleRules()), SOMEBODY, Principals())
BOUND = 4

people = st.sampled_from(PEOPLE)
some_rows = st.sets(st.sampled_from(ROWS))


class Memory(RuleBasedStateMachine):
    """`model` holds, oldest first, of whom the rows are remembered: these rows, or a refusal."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = CallerMemory()
        self.model: dict[object, set[bytes] | None] = {}
        self.now = 100.0
        self.good: dict[object, bool] = {}
        self.by_token: dict[object, KnownCaller] = {}
        module.MAX_ENTRIES = BOUND

    def teardown(self) -> None:
        module.MAX_ENTRIES = 10_000

    def _put(self, key: object, rows: set[bytes] | None) -> None:
        self.model.pop(key, None)
        self.model[key] = rows
        self.good[key] = True
        if len(self.model) > BOUND:
            oldest = next(iter(self.model))
            del self.model[oldest]

    @rule(person=people, rows=some_rows)
    def keep(self, person: object, rows: set[bytes]) -> None:
        key = (person, None)
        life = Life(self.now + 10)
        life.stale_until = self.now + 20
        known = KnownCaller(
            Caller(SOMEBODY, Principals(), STANDING.role),
            (),
            NO_LIMITS,
            STANDING,
            model_decides=False,
            life=life,
        )
        self.memory.keep(key, known, rows)  # type: ignore[arg-type]
        self.by_token[key] = known
        self._put(key, rows)

    @rule(person=people)
    def bar(self, person: object) -> None:
        key = (person, None)
        self.memory.bar(key, AccessFault.USER_UNKNOWN, self.now + 5, self.memory.notices)  # type: ignore[arg-type]
        self._put(key, None)

    @rule(row=st.sampled_from(ROWS))
    def forget(self, row: bytes) -> None:
        self.memory.forget([row])
        for key, rows in self.model.items():
            if rows is None or row in rows:
                self.good[key] = False

    @rule()
    def forget_everything(self) -> None:
        self.memory.forget(None)
        self.good = dict.fromkeys(self.good, False)

    @rule()
    def doubt_everything(self) -> None:
        self.memory.doubt_all(self.now)
        self.good = dict.fromkeys(self.good, False)

    @invariant()
    def who_is_remembered_is_who_should_be(self) -> None:
        for person in PEOPLE:
            key = (person, None)
            entry = self.memory.by_identity.get(key)
            if isinstance(entry, Barred):
                good = entry.notices == self.memory.notices
            else:
                good = entry is not None and entry.life.good_until > self.now
            assert good is (key in self.model and self.good[key])

    @invariant()
    def whoever_is_not_remembered_is_dead_everywhere(self) -> None:
        for key, known in self.by_token.items():
            if self.memory.by_identity.get(key) is not known:  # type: ignore[call-overload]
                assert known.life.stale_until == 0

    @invariant()
    def notices_find_the_living_and_nobody_else(self) -> None:
        living = {
            entry.life
            for entry in self.memory.by_identity.values()
            if isinstance(entry, KnownCaller) and entry.life.rows
        }
        bound = {life for lives in self.memory._lives.values() for life in module._each(lives)}
        assert bound == living
        assert len(self.memory.by_identity) <= BOUND


TestMemory = Memory.TestCase
