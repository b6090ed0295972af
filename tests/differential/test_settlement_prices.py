"""Pushes of prices on the deployed price oracle and on its twin: taken or refused for the same reason."""

from collections import Counter
from copy import deepcopy
from random import Random

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement import oracle
from optimistic.protocol.settlement.observations import Observation, PushRefused, Refusal, push
from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD
from scripts.staging.market_terms import SIGNERS
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_chain import CHAIN_ID, OWNER
from tests.helpers.settlement_setup import SIGNER_NUMBER, key_of, recoverable
from tests.helpers.settlement_twins import FEEDS, Twins

PUSHES = 600
SELECTORS = {keccak256(refusal.encode())[:4]: refusal for refusal in Refusal}


class Pushes:
    """Observations at random around the last price, some of them wrong."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins, self.random = twins, Random(seed)
        keys = [key_of(SIGNER_NUMBER + i) for i in range(SIGNERS)]
        self.keys = sorted(keys, key=lambda pair: pair[1])
        self.stranger = key_of(SIGNER_NUMBER + SIGNERS)

    def seen(self) -> tuple[list[Observation], list[tuple[int, int, bytes]]]:
        """Observations, and as the contract takes them."""
        random, now = self.random, self.twins.chain.now
        keys = sorted(random.sample(self.keys, random.choice((2, 3, 3, 3, 4, 4))), key=lambda pair: pair[1])
        if random.random() < 0.05:
            keys[random.randrange(len(keys))] = self.stranger
        if random.random() < 0.05:
            random.shuffle(keys)
        last = self.twins.state.feeds[FEEDS[0]].price_wad
        factor = random.choice((100, 100, 101, 99, 115, 125, 80, 60, 160, 45, 220))
        if random.random() < 0.06:
            last, factor = random.choice((0, 1, QUANTUM_WAD - 1, 2 * 10**27)), 100
        found, sent = [], []
        for key, address in keys:
            price = last * factor // 100 + random.choice((0, 1, -1, QUANTUM_WAD)) * (last > WAD // 10**6)
            at = now - random.choice((0, 0, 0, 0, 1, 2, 400)) + (random.random() < 0.02)
            digest = oracle.observation_digest(oracle.domain_separator(CHAIN_ID), FEEDS[0], price, at)
            found.append(Observation(price, at, address))
            sent.append((price, at, recoverable(key, digest)))
        return found, sent

    def push(self) -> Refusal | None:
        """Push to both; return why they refused, None if they did not."""
        found, sent = self.seen()
        feed = deepcopy(self.twins.state.feeds[FEEDS[0]])
        refused: Refusal | None = None
        answer: Refusal | None = None
        try:
            push(feed, found, self.twins.chain.now)
        except PushRefused as exc:
            refused = exc.refusal
        try:
            self.twins.chain.act(OWNER, "PriceOracle", "push", FEEDS[0], sent)
        except Reverted as exc:
            answer = SELECTORS[exc.selector]
        assert answer is refused
        assert feed == self.twins.state.feeds[FEEDS[0]]
        assert self.twins.chain.read("PriceOracle", "averageWad", FEEDS[0]) == feed.averages.average_wad
        return refused


def test_pushes__any_observations__are_taken_or_refused_alike() -> None:
    twins = Twins()
    pushes, outcomes = Pushes(twins, 1), Counter[Refusal | None]()
    for _ in range(PUSHES):
        twins.chain.move_to(twins.chain.now + pushes.random.choice((0, 1, 5, 30, 299, 300, 301, 2_000)))
        outcomes[pushes.push()] += 1

    assert set(outcomes) == {None, *Refusal}
