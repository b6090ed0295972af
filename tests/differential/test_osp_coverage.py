"""Each step of programs that touch everything there is is proven on L1, and the table of that is complete."""

from collections.abc import Callable

import pytest

from tests.helpers.covering_programs import covering, sources
from tests.helpers.onchain_host import host_of
from tests.helpers.step_coverage import Touch, required, table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # the first test that needs the contracts may have to compile them
]


def test_steps__of_programs_that_touch_everything__are_proven_on_l1(
    record_property: Callable[[str, object], None],
) -> None:
    seen: set[Touch] = set()
    n_programs, n_steps = 0, 0
    for program in covering(sources()):
        host = host_of(program.source.params, program.source.deposit_hashes)
        for step in program.steps:
            assert host.prove(step) == step.post, (program.source.name, step.j, step.v, step.phase)
        seen |= program.new.keys() | program.skips
        n_programs, n_steps = n_programs + 1, n_steps + len(program.steps)

    record_property("table", f"{n_steps} steps of {n_programs} programs\n{table(seen)}")
    assert required() <= seen, sorted(required() - seen)
