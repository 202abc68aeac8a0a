#!/usr/bin/env python3
"""What the core calls outside itself: mem*, strlen, what assert needs, and PCRE2 from pattern alone.

symbols.py LIBRARY prints every other undefined symbol of a static library built without sanitizers.
"""

import re
import subprocess
import sys

import tree

ALLOWED = re.compile(r"^(mem\w+|strlen|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$")
ALLOWED_TOO = {"pattern": re.compile(r"^pcre2_\w+$")}
# library:object:address kind name; the address of an undefined one is blank
LINE = re.compile(r"^.*:([\w.-]+):[0-9a-f]* +([A-Za-z]) (\S+)$")


def mistakes_of(nm_output):
    """`nm -A` of the whole library: object, kind and name of every symbol."""
    symbols = [match.groups() for match in map(LINE.match, nm_output.splitlines()) if match]
    defined = {name for _, kind, name in symbols if kind.isupper() and kind != "U"}
    if not defined:
        yield "no symbols found: not a library?"
    for member, kind, name in symbols:
        module = member.split(".")[0]
        if kind not in "Uw" or name in defined or ALLOWED.match(name):
            continue
        if module in ALLOWED_TOO and ALLOWED_TOO[module].match(name):
            continue
        yield f"{member}: calls {name}"


def main(library):
    output = subprocess.run(["nm", "-A", library], check=True, capture_output=True, text=True)
    return tree.report("symbols", list(mistakes_of(output.stdout)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
