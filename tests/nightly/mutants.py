"""Small wrong changes of a Solidity file: another operator or number, a statement less, the opposite."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TOKENS: Final = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|(?:\b(?:hex|unicode))?"[^"\n]*"|\s+)
    |(?P<number>0x[0-9a-fA-F_]+|\d[\d_]*)
    |(?P<word>[A-Za-z_$][\w$]*)
    |(?P<operator>>>=|<<=|=>|->|:=|\+\+|--|&&|\|\||<<|>>|<=|>=|==|!=|[-+*/%&|^]=|[-+*/%&|^<>=!~?])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("*",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|",),
    "|": ("&",),
    "^": ("&",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "+=": ("-=",),
    "-=": ("+=",),
    "*=": ("/=",),
    "|=": ("&=",),
    "<<=": (">>=",),
    ">>=": ("<<=",),
    "++": ("--",),
}
OPCODES: Final[dict[str, str]] = {
    "add": "sub",
    "sub": "add",
    "mul": "div",
    "div": "sdiv",
    "sdiv": "div",
    "mod": "smod",
    "smod": "mod",
    "addmod": "mulmod",
    "mulmod": "addmod",
    "exp": "mul",
    "signextend": "byte",
    "byte": "signextend",
    "lt": "gt",
    "gt": "lt",
    "slt": "lt",
    "sgt": "gt",
    "eq": "xor",
    "iszero": "not",
    "not": "iszero",
    "and": "or",
    "or": "and",
    "xor": "or",
    "shl": "shr",
    "shr": "shl",
    "sar": "shr",
}
"""What else an opcode in assembly could have been."""
WORDS: Final[dict[str, str]] = {"true": "false", "false": "true"}
STATEMENT: Final = re.compile(
    r"""^[ ]*(?:
        (?:if\ \(.*\)\ )?(?:return|revert|break|continue)\b.*;   # an exit, also a conditional one
        |if\ \(.*\)\ [^{}]*;
        |[\w.\[\]]+\ (?:[-+*/%&|^]|<<|>>)?=\ .*;                 # an assignment
        |(?:\+\+|--)[\w.\[\]]+;
        |[\w.]+\(.*\);                                           # a call
        |(?:mstore8?|mcopy|calldatacopy)\(.*\)(?:\ *//.*)?       # the same in assembly
        |\w+\ :=\ .*
    )$""",
    re.VERBOSE | re.MULTILINE,
)
UNMUTATED: Final = re.compile(
    r"^\s*(?:pragma|import|error|event|using|type|struct|function [^{;]*;)\b.*$", re.MULTILINE
)
FUNCTION: Final = re.compile(r"^ *(?:function (\w+)|(constructor))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: `text` in place of source[start:end]."""

    line: int
    function: str
    before: str
    """The lines changed, without what stands around them."""
    after: str
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the changed file."""
        return source[: self.start] + self.text + source[self.end :]

    @property
    def identity(self) -> tuple[str, str, str]:
        """What names the change in any version of the file that still has it."""
        return self.function, self.before, self.after


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a file, in the order of their places."""
    edits = sorted({*_token_edits(source), *_deletions(source), *_negations(source)})
    return [_mutant(source, *edit) for edit in edits]


def _mutant(source: str, start: int, end: int, text: str) -> Mutant:
    first = source.rfind("\n", 0, start) + 1
    last = source.find("\n", end)
    names = [match[1] or match[2] for match in FUNCTION.finditer(source, 0, last)]
    return Mutant(
        line=source.count("\n", 0, start) + 1,
        function=names[-1] if names else "",
        before=source[first:last].strip(),
        after=(source[first:start] + text + source[end:last]).strip(),
        start=start,
        end=end,
        text=text,
    )


def _token_edits(source: str) -> Iterator[tuple[int, int, str]]:
    """Exchange operators, opcodes of assembly and truth values; move numbers by one, or to zero."""
    barred = [match.span() for match in UNMUTATED.finditer(source)]
    assembly = [_block(source, match.end()) for match in re.finditer(r'assembly \("memory-safe"\) ', source)]
    before = ""
    for token in TOKENS.finditer(source):
        if token.lastgroup == "skip":
            continue
        word, place = token[0], token.start()
        if not _within(place, barred):
            for text in _exchanges(token.lastgroup, word, before, _within(place, assembly)):
                yield place, token.end(), text
        before = word


def _exchanges(kind: str | None, word: str, before: str, is_assembly: bool) -> tuple[str, ...]:
    if kind == "number":
        value = int(word.replace("_", ""), 0)
        return tuple(str(other) for other in sorted({value + 1, abs(value - 1), 0} - {value}))
    if kind == "operator":
        is_unary = word == "-" and not (before[-1:].isalnum() or before in {")", "]", "_"})
        return () if is_unary else OPERATORS.get(word, ())
    if kind == "word":
        other = OPCODES.get(word) if is_assembly else WORDS.get(word)
        return () if other is None else (other,)
    return ()


def _deletions(source: str) -> Iterator[tuple[int, int, str]]:
    """Leave out a statement that stands on a line of its own."""
    for match in STATEMENT.finditer(source):
        start = match.end() - len(match[0].lstrip())
        yield start, match.end(), ""


def _negations(source: str) -> Iterator[tuple[int, int, str]]:
    """Negate the condition of an `if`."""
    for match in re.finditer(r"\bif \(", source):
        start, end = _block(source, match.end() - 1)
        yield start, end, f"(!{source[start:end]})"


def _block(source: str, start: int) -> tuple[int, int]:
    """Return where the parenthesis or brace that opens at `start` begins and ends."""
    depth = 0
    for place in range(start, len(source)):
        depth += (source[place] in "({") - (source[place] in ")}")
        if depth == 0:
            return start, place + 1
    raise ValueError("unbalanced source")


def _within(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)
