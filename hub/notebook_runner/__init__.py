"""The program that runs one notebook inside a person's sandbox, with the project environment's own Python.

The folder is complete in itself: it is mounted read-only into the sandbox and started as
``python -I .../notebook_runner/run.py REQUEST.json``. It may use papermill, ipykernel and nbconvert, which
every environment holds, and nothing else of Labfork.

Exit codes: 0 the notebook ran to its end, 2 the request is wrong, 3 the notebook raised, 4 the notebook
cannot be run, 5 it wrote too much output, 143 it was stopped by SIGTERM.
"""
