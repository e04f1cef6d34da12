#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare mbox.py with the C headers: reads the output of tools/build/layout.sh.

Each constant of the headers stands in the module as NAME or as a member of an enumeration
(MBOX_POLICY_RR as Policy.RR), and each structure that the library takes as a ctypes.Structure
(struct mbox_send_opts as _SendOpts), with the same fields in the same places, and no others."""

import ctypes
import sys

import mbox

# The calls of /dev/mbox, which the library makes, and constants that have another form in Python.
OTHER_CONSTANTS = ("MBOX_IOC_", "MBOX_OPEN_", "MBOX_WAIT_", "MBOX_VERSION", "MBOX_NO_TIMEOUT")
OTHER_STRUCTURES = ("mbox_ioc_",)
BUT = ("mbox_ioc_set",)


def constant(name):
    """Find a constant, as a number."""
    word = name.removeprefix("MBOX_")
    if hasattr(mbox, word):
        return int(getattr(mbox, word))
    family, _, member = word.partition("_")
    for prefix in ("", "_"):
        kind = getattr(mbox, prefix + family.capitalize(), None)
        if member in getattr(kind, "__members__", ()):
            return int(kind[member])
    return None


def structure(name):
    """Find a structure."""
    words = name.removeprefix("mbox_").split("_")
    return getattr(mbox, "_" + "".join(word.capitalize() for word in words), None)


def main():
    """Print each difference; return how many there are."""
    wrong, fields = [], {}
    for line in sys.stdin:
        what, name, *rest = line.split()
        if what == "const" and not name.startswith(OTHER_CONSTANTS):
            if constant(name) != int(rest[0]):
                wrong.append(f"{name} is {rest[0]}, and {constant(name)} in mbox.py")
        elif what in ("struct", "field") and (not name.startswith(OTHER_STRUCTURES) or name in BUT):
            kind = structure(name)
            if kind is None:
                wrong.append(f"struct {name} is not in mbox.py")
            elif what == "struct":
                fields[name] = [kind, int(rest[0]), []]
            else:
                fields[name][2].append((rest[0], int(rest[1]), int(rest[2])))
    for name, (kind, size, listed) in fields.items():
        if ctypes.sizeof(kind) != size:
            wrong.append(f"struct {name} has {size} bytes, and {ctypes.sizeof(kind)} in mbox.py")
        ours = [(field, getattr(kind, field).offset, getattr(kind, field).size) for field, _ in kind._fields_]
        wrong += [f"struct {name}: {field} of mbox.py is {one}, in C {other}" for field, one, other in
                  ((a[0], a[1:], b[1:]) for a, b in zip(ours, listed)) if one != other]
        if [field[0] for field in ours] != [field[0] for field in listed]:
            wrong.append(f"struct {name} has other fields in mbox.py")
    for line in wrong:
        print(line)
    if not fields:
        print("there is no structure in the input")
    return len(wrong) + (not fields)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
