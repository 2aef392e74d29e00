"""The form that docs/architecture.md promises: small files, short functions, no hidden state, no broad except."""

from __future__ import annotations

import ast

from tests.architecture.source import modules

LONGEST_FILE = 350
#: One place for all errors is worth more than a short file.
LONG_BY_DESIGN = {"pipelines/core/errors.py"}
LONGEST_FUNCTION = 50
#: The only places where any exception at all may be caught: the edges where a traceback has to become an answer.
BROAD_EXCEPT = {
    "services/api/gate.py",
    "services/worker/tasks.py",
    "services/worker/reading.py",
    "services/work/report_child.py",  # a defect's message may quote the patient: only its place leaves the process
    "pipelines/nets/zoo_trusted.py",  # somebody else's code runs here and may raise anything
}
#: They hand a chosen part of the environment on to a child process and read none of it.
HANDS_ENVIRONMENT_ON = {
    "pipelines/core/limited_process.py",
    "services/worker/embedded.py",
    "services/worker/reader.py",
}
MODULES = modules()


def violations(found: dict[str, object]) -> str:
    return "\n".join(f"{place}: {what}" for place, what in found.items())


def test_no_file_is_a_god_file() -> None:
    found = {
        module.path: len(module.lines)
        for module in MODULES
        if len(module.lines) > LONGEST_FILE and module.path not in LONG_BY_DESIGN
    }
    assert not found, violations(found)


def test_functions_are_short() -> None:
    found = {
        f"{module.path}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for module in MODULES
        for node in module.walk()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert not found, violations(found)


def test_every_file_says_in_one_sentence_what_it_is() -> None:
    found = {
        module.path: ast.get_docstring(module.tree)
        for module in MODULES
        if not module.path.endswith("__init__.py") and not (ast.get_docstring(module.tree) or "").strip()
    }
    assert not found, violations(found)


def test_nobody_reads_the_environment_but_settings() -> None:
    found = {
        f"{module.path}:{node.lineno}": f"os.{node.attr}"
        for module in MODULES
        for node in module.walk()
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "getenv"}
        and module.path not in HANDS_ENVIRONMENT_ON
    }
    assert not found, violations(found)


def test_nobody_commits_but_the_unit_of_work() -> None:
    found = {
        f"{module.path}:{node.lineno}": "commit()"
        for module in MODULES
        for node in module.walk()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and module.path != "services/store/session.py"
    }
    assert not found, violations(found)


def test_any_exception_is_caught_only_at_the_edges() -> None:
    found = {
        f"{module.path}:{node.lineno}": "catches every exception"
        for module in MODULES
        for node in module.walk()
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
        and module.path not in BROAD_EXCEPT
    }
    assert not found, violations(found)


def test_no_work_is_left_for_later_in_the_source() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")
    found = {
        f"{module.path}:{number}": line.strip()
        for module in MODULES
        for number, line in enumerate(module.lines, 1)
        if any(mark in line for mark in marks)
    }
    assert not found, violations(found)


def test_nothing_is_evaluated_or_unpickled() -> None:
    found = {
        f"{module.path}:{node.lineno}": ast.unparse(node)[:80]
        for module in MODULES
        for node in module.walk()
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"})
        or (isinstance(node, ast.Import) and any(name.name in {"pickle", "marshal"} for name in node.names))
    }
    assert not found, violations(found)
