"""The files of the source tree, for the checks beside this file."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_SOURCE = ("build", "venv", "__pycache__")


def files(root, folders, suffixes):
    """Every file below `folders` of `root` with one of `suffixes`, sorted, build folders left out."""
    found = []
    for folder in folders:
        for path in (root / folder).rglob("*"):
            inside = path.relative_to(root)
            if any(part.startswith(NOT_SOURCE) or part.startswith(".") for part in inside.parts):
                continue
            if path.is_file() and path.suffix in suffixes:
                found.append(inside)
    return sorted(found)


def report(what, mistakes):
    """Prints the mistakes; the exit status that says whether there were any."""
    for mistake in mistakes:
        print(mistake)
    print(f"{what}: {len(mistakes)} mistakes" if mistakes else f"{what}: ok")
    return 1 if mistakes else 0
