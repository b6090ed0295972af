"""Findings as plain JSON values: what the CLI prints, the daemon writes and the health page shows."""

from typing import Any

from challenger.dispute_report import credits_document, disputes_document, settled_document
from challenger.model import Assertion, ChainView, Knowledge, Verdict, WrongUnits, split_unit
from challenger.monitor import Findings
from challenger.responder import describe
from optimistic.service.names import camel_case, hex_of


def findings_document(findings: Findings) -> dict[str, Any]:
    """Return everything the last turn found."""
    view, known = findings.view, findings.known
    return {
        "l1Block": view.block.number,
        "l1BlockHash": hex_of(view.block.hash),
        "l1Time": view.now,
        "batches": len(view.batches),
        "replayed": findings.n_replayed,
        "latestConfirmed": hex_of(view.latest_confirmed),
        "account": _account(view),
        "assertions": [assertion_document(view, known, a) for a in _in_order(view)],
        "disputes": disputes_document(view, known, findings.disputes),
        "settled": settled_document(view),
        "credits": credits_document(view),
        "claimableWei": str(view.claimable_wei),
        "actions": [_spelled(describe(action)) for action in findings.actions],
        "alerts": [
            {"severity": a.severity.value, "alert": a.kind, "subject": a.subject, "detail": a.detail}
            for a in findings.alerts
        ],
    }


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with assertions and disputes counted instead of listed."""
    verdicts: dict[str, int] = {}
    for assertion in document["assertions"]:
        verdicts[assertion["verdict"]] = verdicts.get(assertion["verdict"], 0) + 1
    stages: dict[str, int] = {}
    for dispute in (*document["disputes"], *document["settled"]):
        stages[dispute["stage"]] = stages.get(dispute["stage"], 0) + 1
    kept = {key: value for key, value in document.items() if key not in ("settled", "credits")}
    return {**kept, "assertions": verdicts, "disputes": stages}


def assertion_document(view: ChainView, known: Knowledge, assertion: Assertion) -> dict[str, Any]:
    """Return one assertion with its verdict."""
    verdict = known.verdicts.get(assertion.id)
    return {
        "id": hex_of(assertion.id),
        "parent": hex_of(assertion.parent),
        "seq": assertion.seq,
        "poster": hex_of(assertion.poster),
        "fromBatch": assertion.from_batch,
        "toBatch": assertion.to_batch,
        "status": assertion.status.name.lower(),
        "unitRoot": hex_of(assertion.unit_root),
        "endLeaf": hex_of(assertion.end_leaf),
        "windowEnd": view.window_end(assertion) if assertion.child_to and assertion.t0 else None,
        "disputesWith": [
            hex_of(newer if older == assertion.id else older)
            for older, newer in sorted(view.openings)
            if assertion.id in (older, newer)
        ],
        **_verdict(verdict, assertion),
    }


def _verdict(verdict: Verdict | None, assertion: Assertion) -> dict[str, Any]:
    if verdict is None:
        return {"verdict": "unknown", "reason": "not judged", "wrong": None}
    wrong = None if verdict.wrong is None else _wrong(verdict.wrong, assertion)
    return {"verdict": verdict.judgement.value, "reason": verdict.reason, "wrong": wrong}


def _wrong(wrong: WrongUnits, assertion: Assertion) -> dict[str, Any]:
    offset, within = (None, None) if wrong.named is None else split_unit(wrong.named)
    return {
        "firstWrongUnit": wrong.named,
        "batch": None if offset is None else assertion.from_batch + offset,
        "unitInBatch": within,
        "isExact": wrong.unit is not None,
        "lowestPossible": wrong.first,
        "highestPossible": wrong.last,
        "knownFrom": wrong.source,
    }


def _account(view: ChainView) -> dict[str, Any] | None:
    if view.me is None:
        return None
    stake = view.me.stake
    return {
        "address": hex_of(stake.address),
        "balanceWei": str(view.me.balance_wei),
        "stakeWei": str(stake.amount),
        "stakeOn": hex_of(stake.tip) if stake.amount else None,
        "isSlashed": stake.is_slashed,
    }


def _spelled(values: dict[str, str | int | bool | None]) -> dict[str, str | int | bool | None]:
    return {camel_case(name): value for name, value in values.items()}


def _in_order(view: ChainView) -> list[Assertion]:
    return sorted(view.assertions.values(), key=lambda a: (a.to_batch, a.seq, a.id))
