#!/usr/bin/env python3
"""Who may include whom: the layers, and what of the system the core may know.

includes.py [ROOT] prints every include that breaks the table, as file:line.
"""

import pathlib
import re
import sys

import tree

CORE = ["base", "wire", "session", "route", "proxy", "recording"]

# A layer and the layers it may include; the roots' proxy.h and recording.h are layers of their own.
MAY = {
    "firmware": ["firmware"],
    "base": CORE[:1],
    "wire": CORE[:2],
    "session": CORE[:3],
    "route": CORE[:4],
    "proxy": CORE[:5],
    "recording": CORE,
    "load": CORE + ["load"],
    "sim": ["base", "firmware", "sim"],
    "daemon": CORE + ["load", "sim", "daemon"],
    "ctl": ["base", "ctl"],
}

# The simulated world joins the core and both simulators.
WORLD = re.compile(r"world\w*\.[ch]$")
WORLD_MAY = CORE + ["load", "sim", "firmware"]

# Modules of route know of each other only these, and what stands here beside their name.
SIBLINGS = ["event", "settings", "step", "when"]
SIBLINGS_TOO = {
    "ruleset": ["condition", "pattern"],
    "step_prepare": ["step_reading", "temperatures"],
    "router": None,  # knows them all
}

# What the core may have of the system: nothing that does I/O, asks a clock or takes memory.
SYSTEM = ["assert.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"]
SYSTEM_TOO = {"proxy/route/pattern.c": ["pcre2.h"]}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def layer_of(name):
    """The layer of `base/text.h` or `proxy.h`; None if it is in none."""
    parts = pathlib.PurePosixPath(name).parts
    if len(parts) == 1:
        stem = parts[0].split(".")[0].split("_")[0]
        return stem if stem in ("proxy", "recording") else None
    return parts[0] if parts[0] in MAY else None


def in_layer(path):
    """`include/base/text.h` and `proxy/base/text.c` as `base/…`; `firmware/…` as it is."""
    return path if path.parts[0] == "firmware" else pathlib.PurePosixPath(*path.parts[1:])


def may_know_sibling(module, sibling):
    """Modules may be spread over files: router_host.c belongs to router."""
    if sibling in SIBLINGS or sibling == module or module.startswith(sibling + "_"):
        return True
    for name, more in SIBLINGS_TOO.items():
        if module == name or module.startswith(name + "_"):
            return more is None or sibling in more
    return False


def mistakes_of(root, path):
    inside = in_layer(path)
    layer = layer_of(str(inside))
    if layer is None:
        yield f"{path}:1: belongs to no layer"
        return
    may = WORLD_MAY if layer == "sim" and WORLD.search(path.name) else MAY[layer]
    for number, line in enumerate((root / path).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        ours, system = match.groups()
        if system is not None:
            if layer in CORE and system not in SYSTEM + SYSTEM_TOO.get(str(path), []):
                yield f"{path}:{number}: the core includes no <{system}>"
            continue
        if layer == "firmware" and (root / "firmware" / ours).is_file():
            continue
        wanted = layer_of(ours)
        if wanted is None:
            yield f'{path}:{number}: "{ours}" names no layer'
        elif wanted not in may:
            yield f'{path}:{number}: {layer} may not include "{ours}"'
        elif layer == wanted == "route":
            module, sibling = path.stem, pathlib.PurePosixPath(ours).stem
            if not may_know_sibling(module, sibling):
                yield f"{path}:{number}: {module} may not know its sibling {sibling}"


def main(root):
    paths = tree.files(root, ["include", "proxy", "firmware"], [".c", ".h"])
    return tree.report("includes", [m for path in paths for m in mistakes_of(root, path)])


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT))
