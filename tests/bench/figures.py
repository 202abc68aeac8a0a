"""
A table of figures side by side, and the same as JSON.
"""

import json

COLUMNS = ("sioproxy", "socat", "direct")


class Figures:
    def __init__(self):
        self.rows = []

    def add(self, name, unit, goal=None, goal_ratio=None, least=None, ratio=None, **values):
        """
        values: a number for each column that has one. goal: sioproxy's value at most, least: at
        least; goal_ratio: at most so many times socat's; ratio: if it is not the one of the values.
        """
        row = {"name": name, "unit": unit}
        row.update(values)
        ours, other = values.get("sioproxy"), values.get("socat")
        if ratio is not None:
            row["ratio"] = ratio
        elif ours is not None and other:
            row["ratio"] = ours / other
        if goal is not None:
            row["goal"] = "at most %g" % goal
            row["reached"] = ours <= goal
        elif least is not None:
            row["goal"] = "at least %d" % least
            row["reached"] = ours >= least
        elif goal_ratio is not None and "ratio" in row:
            row["goal"] = "at most %g x socat" % goal_ratio
            row["reached"] = row["ratio"] <= goal_ratio
        self.rows.append(row)

    def section(self, title):
        self.rows.append({"section": title})

    def json(self, about):
        return json.dumps({"about": about,
                           "figures": [row for row in self.rows if "name" in row]}, indent=1)

    def table(self):
        lines = ["%-44s %-8s %10s %10s %10s %8s  %s"
                 % ("", "unit", *COLUMNS, "x socat", "goal")]
        for row in self.rows:
            if "section" in row:
                lines += ["", row["section"]]
            else:
                lines.append(self._line(row))
        return "\n".join(lines)

    @staticmethod
    def _line(row):
        goal = row.get("goal", "")
        if goal:
            goal += ": reached" if row["reached"] else ": NOT REACHED"
        return ("  %-42s %-8s %10s %10s %10s %8s  %s"
                % (row["name"], row["unit"], *(number(row.get(name)) for name in COLUMNS),
                   "%.2f" % row["ratio"] if "ratio" in row else "", goal)).rstrip()


def number(value):
    """Three digits that matter, and no fewer before the point."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return "%d" % round(value)
    return "%.1f" % value if abs(value) >= 10 else "%.2f" % value
