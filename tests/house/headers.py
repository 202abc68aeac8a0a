#!/usr/bin/env python3
"""The README's list of headers: every header in layer order, with its first sentence.

headers.py [ROOT] compares the list with the tree; headers.py --write [ROOT] writes it anew.
"""

import pathlib
import re
import sys

import tree

LAYERS = ["base", "wire", "session", "route", "proxy", "recording", "load", "sim", "daemon", "ctl",
          "firmware"]
BEGIN = "<!-- headers: written by tests/house/headers.py --write -->"
END = "<!-- headers end -->"


def first_sentence(text):
    """Of the comment that a header begins with; None if it begins otherwise."""
    comment = re.match(r"\s*/\*(.*?)\*/", text, re.S)
    if comment is None:
        return None
    words = " ".join(line.strip().removeprefix("*").strip() for line in comment[1].splitlines())
    sentence = re.match(r"\s*(.*?\.)(?=\s|$)", words)
    return sentence[1] if sentence else None


def layer_of(path):
    return path.parts[-2] if path.parts[-2] in LAYERS else path.stem.split("_")[0]


def section(root):
    """The list, and the headers it cannot tell anything of."""
    lines, dumb = [], []
    paths = tree.files(root, ["include", "firmware"], [".h"])
    for path in sorted(paths, key=lambda p: (LAYERS.index(layer_of(p)), p)):
        sentence = first_sentence((root / path).read_text())
        if sentence is None:
            dumb.append(f"{path}:1: does not begin with a comment that says what it is")
        name = path if path.parts[0] == "firmware" else path.relative_to("include")
        lines.append(f"- `{name}`: {sentence}")
    return "\n".join([BEGIN, *lines, END]), dumb


def main(arguments):
    write = "--write" in arguments
    rest = [argument for argument in arguments if argument != "--write"]
    root = pathlib.Path(rest[0]) if rest else tree.ROOT
    readme = root / "README.md"
    text = readme.read_text() if readme.exists() else ""
    wanted, mistakes = section(root)
    found = re.search(re.escape(BEGIN) + ".*?" + re.escape(END), text, re.S)
    if write:
        if found:
            text = text[:found.start()] + wanted + text[found.end():]
        else:
            text = text.rstrip("\n") + "\n\n## The headers, in layer order\n\n" + wanted + "\n"
        readme.write_text(text)
    elif not found:
        mistakes.append("README.md: no list of headers: run tests/house/headers.py --write")
    elif found[0] != wanted:
        old, new = set(found[0].splitlines()), set(wanted.splitlines())
        mistakes += [f"README.md: gone or changed: {line}" for line in sorted(old - new)]
        mistakes += [f"README.md: missing: {line}" for line in sorted(new - old)]
        mistakes.append("README.md: the list of headers is old: run tests/house/headers.py --write")
    return tree.report("headers", mistakes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
