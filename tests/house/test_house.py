#!/usr/bin/env python3
"""The checks of the house find what they are there to find."""

import contextlib
import io
import pathlib
import tempfile
import unittest

import headers
import includes
import lengths
import symbols


def run(main, argument):
    """The exit status, and what was printed."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = main(argument)
    return status, output.getvalue()


class House(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def expect_include(self, name, line, mistake):
        self.write(name, f"/* x */\n{line}\n")
        status, output = run(includes.main, self.root)
        self.assertEqual(status, 1 if mistake else 0, output)
        if mistake:
            self.assertIn(f"{name}:2: {mistake}", output)
        (self.root / name).unlink()

    def test_includes_go_downwards_only(self):
        self.expect_include("proxy/wire/a.c", '#include "base/text.h"', None)
        self.expect_include("proxy/base/a.c", '#include "wire/a.h"', "base may not include")
        self.expect_include("include/session/a.h", '# include "route/event.h"', "session may not")
        self.expect_include("include/proxy.h", '#include "route/router.h"', None)
        self.expect_include("proxy/proxy.c", '#include "load/load.h"', "proxy may not include")
        self.expect_include("proxy/ctl/a.c", '#include "wire/a.h"', "ctl may not include")
        self.expect_include("proxy/ctl/a.c", '#include "base/text.h"', None)
        self.expect_include("proxy/daemon/a.c", '#include "proxy.h"', None)
        self.expect_include("proxy/base/a.c", '#include "text.h"', '"text.h" names no layer')

    def test_a_simulator_does_not_share_our_parser_but_the_world_may(self):
        self.expect_include("proxy/sim/sim_printer.c", '#include "wire/a.h"', "sim may not include")
        self.expect_include("proxy/sim/sim_board.c", '#include "firmware/sio_board.h"', None)
        self.expect_include("proxy/sim/world.c", '#include "wire/a.h"', None)
        self.expect_include("include/sim/world.h", '#include "proxy.h"', None)

    def test_modules_of_route_know_three_siblings(self):
        self.expect_include("proxy/route/estop.c", '#include "route/event.h"', None)
        self.expect_include("proxy/route/estop.c", '#include "route/estop.h"', None)
        self.expect_include("proxy/route/estop.c", '#include "route/plan.h"',
                            "estop may not know its sibling plan")
        self.expect_include("proxy/route/router_host.c", '#include "route/plan.h"', None)
        self.expect_include("proxy/route/ruleset.c", '#include "route/pattern.h"', None)
        self.expect_include("proxy/route/ruleset.c", '#include "route/plan.h"', "ruleset may not")

    def test_the_core_knows_next_to_nothing_of_the_system(self):
        self.expect_include("proxy/base/a.c", "#include <string.h>", None)
        self.expect_include("proxy/base/a.c", "#include <stdio.h>", "the core includes no <stdio.h>")
        self.expect_include("proxy/proxy.c", "#include <time.h>", "the core includes no <time.h>")
        self.expect_include("proxy/route/pattern.c", "#include <pcre2.h>", None)
        self.expect_include("proxy/route/rule.c", "#include <pcre2.h>", "the core includes no")
        self.expect_include("proxy/daemon/a.c", "#include <uv.h>", None)

    def test_a_file_outside_every_layer_is_told(self):
        self.write("proxy/misc/a.c", "")
        self.assertEqual(run(includes.main, self.root)[0], 1)

    def test_the_core_calls_nothing_but_what_is_allowed(self):
        output = ("libcore.a:text.c.o:0000000000000010 T span_of\n"
                  "libcore.a:text.c.o:                 U strlen\n"
                  "libcore.a:text.c.o:                 U memcpy\n"
                  "libcore.a:text.c.o:0000000000000020 t time\n"
                  "libcore.a:pattern.c.o:                 U pcre2_match_8\n"
                  "libcore.a:pattern.c.o:                 U span_of\n")
        self.assertEqual(list(symbols.mistakes_of(output)), [])
        output += ("libcore.a:rule.c.o:                 U pcre2_match_8\n"
                   "libcore.a:rule.c.o:                 U time\n"
                   "libcore.a:rule.c.o:                 U malloc\n")
        self.assertEqual(list(symbols.mistakes_of(output)),
                         ["rule.c.o: calls pcre2_match_8", "rule.c.o: calls time",
                          "rule.c.o: calls malloc"])
        self.assertNotEqual(list(symbols.mistakes_of("")), [])

    def test_the_list_of_headers_follows_the_tree(self):
        self.write("README.md", "# a\n")
        self.write("include/wire/b.h", "/*\n * Cuts bytes\n * into lines. More.\n */\n")
        self.write("include/proxy.h", "/* The whole core. */\n")
        self.write("include/base/a.h", "/* A time v1.5 stays. It is. */\n")
        arguments = [str(self.root)]
        self.assertEqual(run(headers.main, arguments)[0], 1)
        self.assertEqual(run(headers.main, ["--write", *arguments])[0], 0)
        self.assertEqual(run(headers.main, arguments)[0], 0)
        readme = (self.root / "README.md").read_text()
        self.assertIn("- `base/a.h`: A time v1.5 stays.\n- `wire/b.h`: Cuts bytes into lines.\n"
                      "- `proxy.h`: The whole core.\n", readme)
        self.write("include/base/a.h", "/* Another. */\n")
        status, output = run(headers.main, arguments)
        self.assertEqual(status, 1)
        self.assertIn("missing: - `base/a.h`: Another.", output)
        self.write("README.md", readme + "\nAfter.\n")
        run(headers.main, ["--write", *arguments])
        self.assertTrue((self.root / "README.md").read_text().endswith("\nAfter.\n"))
        self.write("include/base/a.h", "#pragma once\n")
        self.assertIn("does not begin", run(headers.main, arguments)[1])

    def test_a_file_that_is_too_long_is_told(self):
        self.write("proxy/base/a.c", "\n" * 600)
        self.write("proxy/base/build/b.c", "\n" * 700)
        self.assertEqual(run(lengths.main, self.root)[0], 0)
        self.write("tests/a.py", "\n" * 601)
        status, output = run(lengths.main, self.root)
        self.assertEqual(status, 1)
        self.assertIn("tests/a.py: 601 lines", output)


if __name__ == "__main__":
    unittest.main()
