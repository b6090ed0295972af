"""Findings as plain JSON values: what the CLI prints, the daemon writes and the health page shows."""

from typing import Any

from challenger.model import Assertion, ChainView, Knowledge, Verdict, WrongUnits, split_unit
from challenger.monitor import Findings
from challenger.responder import describe


def findings_document(findings: Findings) -> dict[str, Any]:
    """Return everything the last turn found."""
    view, known = findings.view, findings.known
    return {
        "l1_block": view.block.number,
        "l1_block_hash": _hex(view.block.hash),
        "l1_time": view.now,
        "batches": len(view.batches),
        "replayed": findings.n_replayed,
        "latest_confirmed": _hex(view.latest_confirmed),
        "account": _account(view),
        "assertions": [assertion_document(view, known, a) for a in _in_order(view)],
        "actions": [describe(action) for action in findings.actions],
        "alerts": [
            {"severity": a.severity.value, "alert": a.kind, "subject": a.subject, "detail": a.detail}
            for a in findings.alerts
        ],
    }


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the assertions counted instead of listed."""
    counts: dict[str, int] = {}
    for assertion in document["assertions"]:
        counts[assertion["verdict"]] = counts.get(assertion["verdict"], 0) + 1
    return {**document, "assertions": counts}


def assertion_document(view: ChainView, known: Knowledge, assertion: Assertion) -> dict[str, Any]:
    """Return one assertion with its verdict."""
    verdict = known.verdicts.get(assertion.id)
    return {
        "id": _hex(assertion.id),
        "parent": _hex(assertion.parent),
        "seq": assertion.seq,
        "poster": _hex(assertion.poster),
        "from_batch": assertion.from_batch,
        "to_batch": assertion.to_batch,
        "status": assertion.status.name.lower(),
        "unit_root": _hex(assertion.unit_root),
        "end_leaf": _hex(assertion.end_leaf),
        "window_end": view.window_end(assertion) if assertion.child_to and assertion.t0 else None,
        "disputes_with": [
            _hex(newer if older == assertion.id else older)
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
        "first_wrong_unit": wrong.named,
        "batch": None if offset is None else assertion.from_batch + offset,
        "unit_in_batch": within,
        "is_exact": wrong.unit is not None,
        "lowest_possible": wrong.first,
        "highest_possible": wrong.last,
        "known_from": wrong.source,
    }


def _account(view: ChainView) -> dict[str, Any] | None:
    if view.me is None:
        return None
    stake = view.me.stake
    return {
        "address": _hex(stake.address),
        "balance_wei": str(view.me.balance_wei),
        "stake_wei": str(stake.amount),
        "stake_on": _hex(stake.tip) if stake.amount else None,
        "is_slashed": stake.is_slashed,
    }


def _in_order(view: ChainView) -> list[Assertion]:
    return sorted(view.assertions.values(), key=lambda a: (a.to_batch, a.seq, a.id))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
