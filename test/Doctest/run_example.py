"""Runs one example of the documentation: run_example.py ROOT FILE:LINE. Exit status 1 if it fails."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import extract
import mlir_example


def run_mlir(example, root):
    try:
        text = mlir_example.complete(example.text)
    except mlir_example.ExampleError as error:
        return str(error)
    first = subprocess.run(["abn-opt"], input=text, capture_output=True, text=True)
    if first.returncode:
        return f"{first.stderr}\nin\n{text}"
    second = subprocess.run(["abn-opt"], input=first.stdout, capture_output=True, text=True)
    if second.stdout != first.stdout:
        return f"does not print as it parses: {second.stderr}\n{first.stdout}\nthen\n{second.stdout}"
    return None


def run_sh(example, root):
    """Runs the lines in a folder of links to the project's files, so that what they write stays out
    of the tree."""
    skipped = set(extract.setup_commands())
    lines = [line for line in example.text.splitlines() if line.strip() not in skipped]
    with tempfile.TemporaryDirectory() as scratch:
        for entry in root.iterdir():
            os.symlink(entry, os.path.join(scratch, entry.name))
        run = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", "\n".join(lines)], cwd=scratch,
                             capture_output=True, text=True)
    if run.returncode:
        return f"exit status {run.returncode}\n{run.stdout}\n{run.stderr}"
    return None


def run_json(example, root):
    try:
        json.loads(example.text)
    except json.JSONDecodeError as error:
        return str(error)
    return None


def run_consumer(example, root):
    """The block is part of the consumer project, which test/Install builds and runs."""
    squeeze = lambda text: "\n".join(line.strip() for line in text.splitlines() if line.strip())
    project = root / "test" / "Install" / "consumer"
    if any(squeeze(example.text) in squeeze(path.read_text()) for path in project.iterdir()):
        return None
    return "does not stand in test/Install/consumer, line for line"


RUNNERS = {
    "mlir": run_mlir,
    "sh": run_sh,
    "json": run_json,
    "cmake": run_consumer,
    "c++": run_consumer,
}


def check_setup_commands(root):
    """Every command that is excused from running stands on some page."""
    shown = {
        line.strip()
        for example in extract.all_examples(root) if example.language == "sh"
        for line in example.text.splitlines()
    }
    stale = [command for command in extract.setup_commands() if command not in shown]
    return f"setup-commands.txt names lines that no page has: {stale}" if stale else None


def main(root, name):
    root = pathlib.Path(root)
    if name == "setup-commands":
        problem = check_setup_commands(root)
    else:
        example = next(e for e in extract.all_examples(root) if e.name == name)
        problem = RUNNERS[example.language](example, root)
    if problem:
        print(f"{name}: {problem}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
