#!/usr/bin/env python3
"""No source file is longer than 600 lines.

lengths.py [ROOT] prints every file that is.
"""

import pathlib
import sys

import tree

LONGEST = 600
FOLDERS = ["include", "proxy", "firmware", "tests", "scripts"]
SUFFIXES = [".c", ".h", ".py", ".sh", ".ino", ".cpp", ""]


def main(root):
    mistakes = []
    for path in tree.files(root, FOLDERS, SUFFIXES):
        count = (root / path).read_bytes().count(b"\n")
        if count > LONGEST:
            mistakes.append(f"{path}: {count} lines, at most {LONGEST}")
    return tree.report("lengths", mistakes)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT))
