"""The runner as the worker sees it: a request in, events, a notebook, a report and an exit code out."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any

import pytest


def test_a_notebook_runs_to_its_end(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.prose("# Counting"), cells.code("print(6 * 7)"))

    run = bench.run("a.ipynb")

    assert run.exit_code == 0
    assert [event["event"] for event in run.events] == ["started", "cell", "report", "finished"]
    assert run.printed() == "42\n"
    assert "42" in run.report


def test_parameters_replace_the_defaults_of_the_tagged_cell(bench: Any, cells: Any) -> None:
    bench.write(
        "a.ipynb",
        cells.code("n: int = 3  # how many\nname = 'liver'", "parameters"),
        cells.code("print(n, name)"),
    )

    run = bench.run("a.ipynb", parameters={"n": 5}, report={"parameter_titles": {"n": "How many"}})

    assert run.printed() == "5 liver\n"
    assert re.search(r'<th scope="row">How many</th><td>5</td>', run.report)
    assert re.search(r'<th scope="row">name</th><td>liver</td>', run.report)


def test_progress_names_the_heading_above_each_cell(bench: Any, cells: Any) -> None:
    bench.write(
        "a.ipynb",
        cells.code("n = 1", "parameters"),
        cells.prose("# Study\n\n## Ask the **model**"),
        cells.code("1"),
        cells.code("   "),
        cells.prose("Nothing new.\n```\n# not a heading\n```"),
        cells.code("2"),
        cells.prose("### `Save` [the table](x.csv)"),
        cells.code("3"),
    )

    run = bench.run("a.ipynb", parameters={"n": 2})

    progress = [
        (event["cell"], event["cells"], event["heading"]) for event in run.events if event["event"] == "cell"
    ]
    assert progress == [
        (1, 5, ""),
        (2, 5, ""),
        (3, 5, "Ask the model"),
        (4, 5, "Ask the model"),
        (5, 5, "Save the table"),
    ]


def test_a_cell_that_raises_ends_the_run_in_words(bench: Any, cells: Any) -> None:
    bench.write(
        "a.ipynb",
        cells.prose("## Read the table"),
        cells.code("print('before')"),
        cells.code("raise ValueError('no column <CHROM>')"),
        cells.code("print('after')"),
    )

    run = bench.run("a.ipynb")

    failed = run.event("failed")
    assert run.exit_code == 3
    assert (failed["cell"], failed["heading"]) == (2, "Read the table")
    assert (failed["error"], failed["message"]) == ("ValueError", "no column <CHROM>")
    assert "raise ValueError" in failed["traceback"]
    assert "\x1b" not in failed["traceback"]
    assert run.printed() == "before\n"
    assert "ValueError: no column &lt;CHROM&gt;" in run.report
    statuses = [cell.metadata.papermill.status for cell in run.notebook.cells if cell.cell_type == "code"]
    assert statuses == ["completed", "failed", "pending"]


def test_a_cell_that_may_raise_does_not_end_the_run(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("1 / 0", "raises-exception"), cells.code("print('after')"))

    run = bench.run("a.ipynb")

    assert run.exit_code == 0
    assert run.printed() == "after\n"


def test_sys_exit_without_a_code_is_a_good_end(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("import sys; sys.exit()"), cells.code("print('never')"))

    run = bench.run("a.ipynb")

    assert run.exit_code == 0
    assert "never" not in run.printed()


def test_a_kernel_that_dies_is_told_apart_from_an_error(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("import os; os._exit(1)"))

    run = bench.run("a.ipynb")

    assert run.exit_code == 3
    assert run.event("failed")["error"] == "KernelDied"
    assert "memory" in run.event("failed")["message"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[1, 2]", "not a notebook"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}',
            "not a valid notebook",
        ),
    ],
)
def test_a_file_that_is_no_notebook_is_refused(bench: Any, content: str, words: str) -> None:
    bench.project.mkdir()
    (bench.project / "a.ipynb").write_text(content)

    run = bench.run("a.ipynb")

    assert run.exit_code == 4
    assert words in run.event("refused")["message"]
    assert [event["event"] for event in run.events] == ["refused"]


@pytest.mark.parametrize("name", ["missing.ipynb", "../outside.ipynb", "/etc/passwd"])
def test_a_notebook_that_is_not_in_the_project_is_refused(bench: Any, name: str) -> None:
    (bench.folder / "outside.ipynb").write_text("{}")

    run = bench.run(name)

    assert run.exit_code == 4
    assert name in run.event("refused")["message"]


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"authors": []}, "does not say which kernel"),
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "'ir'"),
    ],
)
def test_a_notebook_without_a_kernel_here_is_refused(
    bench: Any, cells: Any, metadata: Any, words: str
) -> None:
    bench.write("a.ipynb", cells.code("1"), metadata=metadata)

    run = bench.run("a.ipynb")

    assert run.exit_code == 4
    assert words in run.event("refused")["message"]


def test_a_python_notebook_runs_whatever_its_kernel_was_called(
    bench: Any, cells: Any, environment_python: Any
) -> None:
    metadata = {"kernelspec": {"name": "labenv", "display_name": "Lab", "language": "python"}}
    bench.write("a.ipynb", cells.code("import sys; print(sys.prefix)"), metadata=metadata)

    run = bench.run("a.ipynb")

    assert run.printed().strip() == str(environment_python.parent.parent)


def test_an_endless_printer_is_stopped(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.prose("## Talk"), cells.code("while True:\n    print('la ' * 1000)"))

    run = bench.run("a.ipynb", limits={"output_bytes": 1_000_000})

    assert run.exit_code == 5
    assert run.event("failed")["heading"] == "Talk"
    assert "more than 1 MB" in run.event("failed")["message"]
    assert (run.result / "notebook.ipynb").stat().st_size < 1_200_000
    assert "more output was left out" in run.report


def test_endless_tiny_prints_are_stopped_too(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("while True:\n    print('.', end='', flush=True)"))

    run = bench.run("a.ipynb", limits={"output_bytes": 50_000})

    assert run.exit_code == 5


def test_one_huge_output_is_cut(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("'x' * 3_000_000"))

    run = bench.run("a.ipynb", limits={"output_bytes": 1_000_000})

    assert run.exit_code == 5
    assert (run.result / "notebook.ipynb").stat().st_size < 1_100_000


def test_an_output_beyond_all_measure_never_enters_memory(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("'x' * 70_000_000"))

    run = bench.run("a.ipynb", limits={"output_bytes": 1_000_000})

    assert run.exit_code == 5
    assert "more than 1 MB" in run.event("failed")["message"]


def test_output_that_is_cleared_is_not_counted(bench: Any, cells: Any) -> None:
    source = (
        "from IPython.display import clear_output\n"
        "for i in range(20):\n    clear_output(); print('x' * 10_000, flush=True)\nprint('end')"
    )
    bench.write("a.ipynb", cells.code(source))

    run = bench.run("a.ipynb", limits={"output_bytes": 50_000})

    assert run.exit_code == 0
    assert run.printed().endswith("end\n")


def test_a_stopped_run_keeps_what_it_had(bench: Any, cells: Any) -> None:
    bench.write(
        "a.ipynb",
        cells.prose("## Wait"),
        cells.code("print('first')"),
        cells.code("print('second', flush=True)\nimport time; time.sleep(600)"),
        cells.code("print('third')"),
    )
    process = bench.start("a.ipynb")
    events = bench.result / "events.jsonl"
    bench.wait_for(lambda: events.exists() and '"cell": 2' in events.read_text())
    time.sleep(0.5)  # let the second cell print; nothing outside the kernel can tell that it has
    os.kill(process.pid, signal.SIGTERM)

    run = bench.finish(process)

    assert run.exit_code == 143
    assert run.event("stopped") == {"event": "stopped", "cell": 2, "heading": "Wait"}
    assert "first" in run.printed()
    assert "third" not in run.printed()
    assert "This run was stopped" in run.report
    statuses = [cell.metadata.papermill.status for cell in run.notebook.cells if cell.cell_type == "code"]
    assert statuses == ["completed", "failed", "pending"]


def test_a_notebook_in_a_folder_uses_the_project_s_library(bench: Any, cells: Any) -> None:
    source = "import lab_tools, os, pathlib\nprint(lab_tools.ANSWER, pathlib.Path.cwd().name)"
    bench.write("notebooks/deep/a.ipynb", cells.code(source))
    (bench.project / "lab_tools.py").write_text("ANSWER = 42")
    (bench.project / "select.py").write_text(
        "raise ImportError('a project file must not replace a standard module')"
    )

    run = bench.run("notebooks/deep/a.ipynb")

    assert run.printed() == "42 deep\n"


def test_the_home_is_neither_read_nor_written(bench: Any, cells: Any) -> None:
    startup = bench.folder / "home" / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("print('from the home')")
    kernel = bench.folder / "home" / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "language": "python", "display_name": "mine"}')
    before = sorted(path for path in (bench.folder / "home").rglob("*"))
    bench.write("a.ipynb", cells.code("print('ran')"))

    run = bench.run("a.ipynb")

    assert run.printed() == "ran\n"
    assert sorted(path for path in (bench.folder / "home").rglob("*")) == before


def test_a_request_that_makes_no_sense_says_so(bench: Any) -> None:
    run = bench.run("a.ipynb", limits={"output_bytes": "many"})

    assert run.exit_code == 2
    assert "incomplete or wrong" in run.stderr


def test_a_disk_that_is_full_is_told_apart_from_an_error(bench: Any, cells: Any) -> None:
    bench.write("a.ipynb", cells.code("'x' * 200_000"))
    bench.prefix = ["prlimit", "--fsize=100000"]  # no file may grow beyond this, as on a full disk

    run = bench.run("a.ipynb")

    assert run.exit_code == 3
    assert run.event("failed")["error"] == "ResultsNotWritten"
    assert "Make room" in run.stderr


def test_parameters_in_a_language_nobody_can_write_are_refused(bench: Any, cells: Any) -> None:
    kernel = bench.python.parent.parent / "share" / "jupyter" / "kernels" / "befunge"
    kernel.mkdir(exist_ok=True)
    (kernel / "kernel.json").write_text(
        '{"argv": ["false"], "language": "befunge", "display_name": "Befunge"}'
    )
    metadata = {"kernelspec": {"name": "befunge", "display_name": "Befunge", "language": "befunge"}}
    bench.write("a.ipynb", cells.code("1"), metadata=metadata)

    assert "a notebook in befunge" in bench.run("a.ipynb", parameters={"n": 1}).event("refused")["message"]


def test_a_kernel_that_does_not_start_is_refused(bench: Any, cells: Any) -> None:
    kernel = bench.python.parent.parent / "share" / "jupyter" / "kernels" / "broken"
    kernel.mkdir(exist_ok=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "language": "broken", "display_name": "Broken"}')
    metadata = {"kernelspec": {"name": "broken", "display_name": "Broken", "language": "broken"}}
    bench.write("a.ipynb", cells.code("1"), metadata=metadata)

    run = bench.run("a.ipynb")

    assert run.exit_code == 4
    assert "'broken' did not start" in run.event("refused")["message"]
