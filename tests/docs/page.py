"""
A page of documentation as examples that can be tried: its fenced blocks, and how what really
happened is compared with what the page says.
"""

import re


class Block:
    """A fenced block: its language, its text, and the line that its text begins in."""

    def __init__(self, language, text, line):
        self.language = language
        self.text = text
        self.line = line

    def lines(self):
        """Its lines, each with its number on the page."""
        return list(enumerate(self.text.splitlines(), self.line))


class Command:
    """What stands behind a `$ `, and the lines under it."""

    def __init__(self, words, line):
        self.words = words
        self.line = line
        self.expected = []


def blocks(page):
    found, language, first = [], None, 0
    lines = page.splitlines()
    for number, line in enumerate(lines, 1):
        if language is None and line.startswith("```"):
            language, first = line[3:], number
        elif line == "```":
            found.append(Block(language, "\n".join(lines[first:number - 1]), first + 1))
            language = None
    if language is not None:
        raise ValueError(f"line {first}: a block without an end")
    return found


def _prose(page):
    return re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)


def anchors(page):
    """What a link may name on that page: its headings, as they are written in an address."""
    return {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", _prose(page), re.M)}


def links(page):
    """Where it links to, as (file, anchor): either may be empty."""
    return [tuple(link.partition("#")[::2])
            for link in re.findall(r"\]\(([^)]*)\)", _prose(page)) if "://" not in link]


def commands(block):
    found = []
    for number, line in block.lines():
        if line.startswith("$ "):
            found.append(Command(line[2:], number))
        elif found:
            found[-1].expected.append(line)
        else:
            raise ValueError(f"line {number}: output before any command")
    return found


def is_line(expected, line):
    """`…` within a line stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line) is not None


def is_output(expected, lines):
    """A line that is `…` alone stands for any lines, also none."""
    if not expected:
        return not lines
    if expected[0] == "…":
        return any(is_output(expected[1:], lines[count:]) for count in range(len(lines) + 1))
    return bool(lines) and is_line(expected[0], lines[0]) and is_output(expected[1:], lines[1:])
