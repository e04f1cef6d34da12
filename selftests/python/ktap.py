# SPDX-License-Identifier: GPL-2.0-only
"""Run tests of unittest in KTAP, and functions in children."""

import os
import sys
import unittest


def in_child(function):
    """Run a function in a child; return its exit status, 0 if it returns."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        function()
    except BaseException as error:  # pylint: disable=broad-except
        print(f"# child: {error!r}", flush=True)
        os._exit(1)
    os._exit(0)


class Ktap(unittest.TestResult):
    """Print a line for each test."""

    def __init__(self, count):
        super().__init__()
        print(f"TAP version 13\n1..{count}", flush=True)

    def _line(self, word, test, detail=""):
        for line in detail.splitlines():
            print(f"# {line}")
        print(f"{word} {self.testsRun} {test.id().removeprefix('__main__.')}", flush=True)

    def addSuccess(self, test):
        self._line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("not ok", test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._line("not ok", test, self.errors[-1][1])


def main(*names):
    """Run the tests of these modules or classes, or those that the command line names."""
    suite = unittest.TestLoader().loadTestsFromNames(sys.argv[1:] or names or ["__main__"])
    result = Ktap(suite.countTestCases())
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
