"""The sections of `make nightly`: what runs, and how long each may take."""

from dataclasses import dataclass, field

PYTEST = (".venv/bin/python", "-m", "pytest", "-q", "-n", "2", "--nightly", "--timeout", "7200")
FORGERIES = "tests/differential/test_osp_forgeries.py"
THREE_WAY = "tests/differential/test_three_way.py"
DISPUTES = tuple(
    f"tests/actions/test_{name}.py" for name in ("dispute_scenarios", "every_step", "first_children")
)
STORIES = (
    *("tests/actions", "tests/e2e", "tests/unit/service", "tests/unit/node"),
    *(f"--ignore={path}" for path in DISPUTES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One resumable part of the nightly run; `{fixtures}` in a command is the folder of state tests."""

    name: str
    command: tuple[str, ...]
    limit_s: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def needs_fixtures(self) -> bool:
        """Whether the section reads the official state tests."""
        return "{fixtures}" in self.command


SECTIONS = (
    Section(
        name="properties",
        command=(
            *(*PYTEST, "tests/property", "tests/differential"),
            *(f"--ignore={path}" for path in (FORGERIES, THREE_WAY)),
        ),
        limit_s=7_200,
        environment={"HYPOTHESIS_PROFILE": "nightly"},
    ),
    Section(
        name="three-way",
        command=(*PYTEST, THREE_WAY),
        limit_s=3_600,
        environment={"HYPOTHESIS_PROFILE": "nightly"},
    ),
    Section(name="model", command=(*PYTEST, "tests/model"), limit_s=7_200),
    Section(name="forgeries", command=(*PYTEST, FORGERIES), limit_s=3_600),
    Section(
        name="forge-fuzz",
        command=("node_modules/.bin/forge", "test"),
        limit_s=3_600,
        environment={"FOUNDRY_PROFILE": "nightly"},
    ),
    Section(
        name="conformance",
        command=(
            *(".venv/bin/python", "scripts/conformance.py", "--fixtures", "{fixtures}"),
            *("--engine", "py-evm", "--jobs", "2", "--json"),
        ),
        limit_s=5_400,
    ),
    Section(
        name="conformance-stepper",
        command=(
            *(".venv/bin/python", "scripts/conformance.py", "--fixtures", "{fixtures}"),
            *("--engine", "stepper", "--case-limit", "400", "--jobs", "2", "--json"),
        ),
        limit_s=7_200,
    ),
    Section(
        name="conformance-witness",
        command=(
            *(".venv/bin/python", "scripts/conformance.py", "--fixtures", "{fixtures}"),
            *("--engine", "stepper", "--max-steps", "2000", "--sample", "4000", "--check-witness"),
            *("--jobs", "2", "--json"),
        ),
        limit_s=5_400,
    ),
    Section(
        name="conformance-onchain",
        command=(
            *(".venv/bin/python", "scripts/conformance.py", "--fixtures", "{fixtures}"),
            *("--engine", "onchain", "--max-steps", "1000", "--jobs", "2", "--json"),
        ),
        limit_s=7_200,
    ),
    Section(
        name="conformance-onchain-long",
        command=(
            *(".venv/bin/python", "scripts/conformance.py", "--fixtures", "{fixtures}"),
            *("--engine", "onchain", "--min-steps", "1001", "--jobs", "2", "--json"),
        ),
        limit_s=7_200,
    ),
    Section(
        name="conformance-exclusions",
        command=(
            *(".venv/bin/python", "scripts/conformance.py", "--fixtures", "{fixtures}"),
            *("--jobs", "2", "--check-exclusions", "--json"),
        ),
        limit_s=1_800,
    ),
    Section(
        name="mutation",
        command=(".venv/bin/python", "scripts/mutate.py", "--record", "--least", "95"),
        limit_s=7_200,
        environment={"HYPOTHESIS_PROFILE": "ci"},
    ),
    Section(name="symbolic", command=(".venv/bin/python", "-m", "tests.nightly.symbolic"), limit_s=1_800),
    Section(name="disputes", command=(*PYTEST, *DISPUTES), limit_s=7_200),
    Section(name="kills", command=(*PYTEST, *STORIES, "-k", "kill or crash"), limit_s=5_400),
    Section(name="reorgs", command=(*PYTEST, *STORIES, "-k", "reorg"), limit_s=3_600),
    Section(name="stories", command=(*PYTEST, *STORIES, "-k", "not (kill or crash or reorg)"), limit_s=5_400),
)
