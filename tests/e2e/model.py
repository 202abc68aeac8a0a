#!/usr/bin/env python3
"""
Writes the model of the end-to-end print as STL: a twisted five-lobed post.

Its wall is curved everywhere, so that a slicer turns it into many short moves, as a printed
figure or a thread would be. The solid is a stack of rings and two fans that close it.

    tests/e2e/model.py > post.stl
"""

import math
import sys

HEIGHT = 9.0      # mm
RADIUS = 3.0      # mm, mean of the wall
LOBE = 0.5        # mm, how far a lobe stands out
LOBES = 5
TWIST = 1.2       # radians from bottom to top
FACETS = 76       # around the wall
RINGS = 15        # from bottom to top


def corner(ring, facet):
    """The corner of the wall at a ring (0 is the bottom) and a facet."""
    z = HEIGHT * ring / RINGS
    angle = 2 * math.pi * facet / FACETS
    radius = RADIUS + LOBE * math.cos(LOBES * (angle - TWIST * ring / RINGS))
    return (radius * math.cos(angle), radius * math.sin(angle), z)


def triangles():
    """All triangles of the solid, each with its corners counter-clockwise seen from outside."""
    for facet in range(FACETS):
        after = (facet + 1) % FACETS
        yield ((0.0, 0.0, 0.0), corner(0, after), corner(0, facet))
        yield ((0.0, 0.0, HEIGHT), corner(RINGS, facet), corner(RINGS, after))
        for ring in range(RINGS):
            low, low_after = corner(ring, facet), corner(ring, after)
            high, high_after = corner(ring + 1, facet), corner(ring + 1, after)
            yield (low, low_after, high_after)
            yield (low, high_after, high)


def normal(a, b, c):
    u = [b[i] - a[i] for i in range(3)]
    v = [c[i] - a[i] for i in range(3)]
    n = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    length = math.sqrt(sum(x * x for x in n))
    return tuple(x / length for x in n)


def number(value):
    """Four decimals, and no minus before a zero."""
    return "%.4f" % (round(value, 4) + 0.0)


def main():
    out = sys.stdout
    out.write("solid post\n")
    for triangle in triangles():
        out.write("facet normal %s %s %s\n" % tuple(map(number, normal(*triangle))))
        out.write(" outer loop\n")
        for point in triangle:
            out.write("  vertex %s %s %s\n" % tuple(map(number, point)))
        out.write(" endloop\nendfacet\n")
    out.write("endsolid post\n")


if __name__ == "__main__":
    main()
