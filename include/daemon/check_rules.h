/*
 * `sioproxy check-rules`: the tests that a rule file carries, all of them, and what is wrong.
 */
#pragma once

/*
 * Prints `FILE: N tests, all hold`, or a line for each test that fails; mistakes in the file to
 * stderr. The exit status: 0 all hold, 1 one does not, 2 there is a mistake in the file, or no
 * file.
 */
int check_rules(const char *path);
