"""Mutation tests: a seeded sample of mutants, each run against the tests of its group.

    nice -n 19 .venv/bin/python -m tests.support.mutants GROUP --seed 12 --count 40

GROUP is pipeline or monitoring (Python), or sql (the SQL text of pipeline, merge, staging and lock). Git's index
of ``--source`` (a worktree with its .venv) is copied, and only the copy is changed. First the unchanged copy must pass
(``--skip-baseline`` skips that); ``--minutes`` ends the sample early. Survivors are printed as diffs, the counts
in the last line. Timeouts are counted separately: raise ``--timeout``, or inspect them.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import random
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_PIPELINE_TESTS = ["tests/unit/ozon/pipeline", "tests/unit/ozon/warehouse", "tests/integration/ozon/pipeline"]
_MONITORING_TESTS = ["tests/unit/ozon/monitoring", "tests/integration/ozon/monitoring"]
_WAREHOUSE = [
    f"include/ozon/warehouse/{name}*.py" for name in ("product_merge", "inventory_merge", "staging", "lock", "tables/")
]
_MONITORING = [f"include/ozon/monitoring/{name}.py" for name in ("health/*", "alerts/*", "metrics/*", "results")]
GROUPS = {
    "pipeline": (["include/ozon/pipeline/**/*.py", *_WAREHOUSE], _PIPELINE_TESTS),
    "monitoring": (_MONITORING, _MONITORING_TESTS),
}
GROUPS["sql"] = GROUPS["pipeline"]
_COMPARISONS = {"Lt": "<=", "LtE": "<", "Gt": ">=", "GtE": ">", "Eq": "!=", "NotEq": "=="}
_COMPARISONS |= {"Is": "is not", "IsNot": "is", "In": "not in", "NotIn": "in"}
_ARITHMETIC = {"Add": "-", "Sub": "+", "Mult": "/", "Div": "*"}
_SQL = {
    r"IS DISTINCT FROM": "IS NOT DISTINCT FROM", r"\bIS NOT NULL\b": "IS NULL", r"\bIS NULL\b": "IS NOT NULL",
    r"\bNOT (?=EXISTS|\w+\.?\w* ?(?:AND|\)|$))": "", r"\bAND\b": "OR", r"\bOR\b": "AND", r"^ *AND .*\n": "",
    r" <> ": " = ", r" = (?=[^,\n]*$)": " <> ", r" > ": " >= ", r" < ": " <= ", r" \+ ": " - ", r" - ": " + ",
}  # fmt: skip
Mutant = tuple[str, int, str]  # file, line, the file's text with the change


def python_changes(node: ast.AST) -> Iterator[str]:
    """Yield replacements for the expression or statement."""
    of = ast.unparse
    match node:
        case ast.Compare(ops=[op]):
            yield f"{of(node.left)} {_COMPARISONS[type(op).__name__]} {of(node.comparators[0])}"
        case ast.BoolOp():
            word = " or " if isinstance(node.op, ast.And) else " and "
            yield "(" + word.join(f"({of(value)})" for value in node.values) + ")"
        case ast.UnaryOp(op=ast.Not()):
            yield f"bool({of(node.operand)})"
        case ast.BinOp() if type(node.op).__name__ in _ARITHMETIC:
            yield f"({of(node.left)}) {_ARITHMETIC[type(node.op).__name__]} ({of(node.right)})"
        case ast.IfExp():
            yield f"({of(node.orelse)} if {of(node.test)} else {of(node.body)})"
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() | float() as value):
            yield str(value + 1)
        case ast.Return(value=ast.expr()):
            yield "return None"
        case ast.Expr(value=ast.Call()):
            yield "pass"


def python_mutants(path: str, text: str) -> Iterator[Mutant]:
    lines = text.encode().splitlines(keepends=True)
    nodes: list[ast.AST] = [ast.parse(text)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Raise | ast.JoinedStr):  # messages
            continue
        types = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        nodes += [child for child in ast.iter_child_nodes(node) if child not in types]
        if not isinstance(node, ast.expr | ast.stmt) or re.search(rb"\blog(ger)?\.", lines[node.lineno - 1]):
            continue
        start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
        after = start + len((ast.get_source_segment(text, node) or "").encode())
        for change in python_changes(node):
            yield path, node.lineno, (text.encode()[:start] + change.encode() + text.encode()[after:]).decode()


def sql_mutants(path: str, text: str) -> Iterator[Mutant]:
    for literal in re.finditer(r'"""\n?(.*?)"""|"((?:SELECT|UPDATE|DELETE|INSERT)[^"\n]*)"', text, re.DOTALL):
        if not re.search(r"\b(SELECT|UPDATE|DELETE|FROM|WHERE)\b", body := literal[1] or literal[2] or ""):
            continue
        for pattern, change in _SQL.items():
            for hit in re.finditer(pattern, body, re.MULTILINE):
                start = literal.start(1 if literal[1] else 2) + hit.start()
                yield path, text.count("\n", 0, start) + 1, text[:start] + change + text[start + len(hit[0]) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", choices=GROUPS)
    for name, value in (("--seed", 12), ("--count", 40), ("--minutes", 600.0), ("--timeout", 900.0)):
        parser.add_argument(name, type=type(value), default=value)
    parser.add_argument("--source", type=Path, default=Path.cwd())
    parser.add_argument("--skip-baseline", action="store_true")
    options = parser.parse_args()
    source, (patterns, tests) = options.source.resolve(), GROUPS[options.group]
    make = sql_mutants if options.group == "sql" else python_mutants
    files = sorted({file for pattern in patterns for file in source.glob(pattern)})
    mutants = [mutant for file in files for mutant in make(str(file.relative_to(source)), file.read_text())]
    sample = random.Random(options.seed).sample(mutants, min(options.count, len(mutants)))
    print(f"{len(mutants)} mutants in {len(files)} files, {len(sample)} in the sample", flush=True)
    end, results = time.monotonic() + options.minutes * 60, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        subprocess.run(["git", "-C", source, "checkout-index", "-a", f"--prefix={folder}/"], check=True)
        (copy / ".venv").symlink_to(source / ".venv")
        if not options.skip_baseline and (answer := run_tests(copy, tests, options.timeout, "-"))[0] != "survived":
            raise SystemExit(f"The unchanged copy does not pass: {answer}")
        for path, line, changed in sample:
            if time.monotonic() > end:
                break
            original = (copy / path).read_text()
            (copy / path).write_text(changed)
            result, by = run_tests(copy, tests, options.timeout, Path(path).stem)
            (copy / path).write_text(original)
            results[result] += 1
            print(f"{result}: {path}:{line} {by}", flush=True)
            if result != "killed":
                diff = difflib.unified_diff(original.splitlines(), changed.splitlines(), path, path, n=0, lineterm="")
                print("\n".join(diff), flush=True)
    print(f"{options.group}, seed {options.seed}: {results['killed']}/{results.total()} killed, {dict(results)}")


def run_tests(copy: Path, tests: list[str], timeout: float, module: str) -> tuple[str, str]:
    """Run the tests, those that name the module first; return the result and pytest's first failure."""
    files = sorted({file for folder in tests for file in (copy / folder).rglob("test_*.py")})
    files.sort(key=lambda file: (module not in file.read_text(), "integration" in file.parts))
    command = [copy / ".venv/bin/python", "-B", "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:randomly"]
    command += ["-o", "addopts=--import-mode=importlib", "-m", "not long and not docker", *files]
    with subprocess.Popen(command, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.terminate()  # pytest then ends its servers
            return "timeout", f"after {timeout:g} s"
    lines = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))] or output.splitlines()[-1:]
    return {0: "survived", 1: "killed", 2: "killed"}.get(process.returncode, "error"), " ".join(lines[:1])[:200]


if __name__ == "__main__":
    main()
