"""Holds how check.py sees names against enumeration: which sets of patterns some name matches.

    names.py  →  a line on stdout; fails where the two differ
"""

import itertools

from z3 import And, Solver, sat

from check import World

PATTERNS = ("*", "one", "two.", "two.a", "two.*", "two.b.*", "two.b.c")
# With each pattern in full, a name that is longer than each prefix, and one that no pattern knows.
NAMES = ("one", "two", "two.", "two.a", "two.x", "two.b.", "two.b.c", "two.b.x", "other")


def matches(pattern, name):
    if not pattern.endswith("*"):
        return pattern == name
    return name.startswith(pattern[:-1]) and len(name) >= len(pattern)


def main():
    compared = 0
    for count in range(1, len(PATTERNS) + 1):
        for patterns in itertools.combinations(PATTERNS, count):
            world = World({"rules": [{"agent": pattern, "action": "*"} for pattern in patterns]})
            named = [And(world.named("agent", pattern)) for pattern in patterns]
            listed = {tuple(matches(pattern, name) for pattern in patterns) for name in NAMES}
            for wanted in itertools.product((True, False), repeat=count):
                solver = Solver()
                solver.add([holds == want for holds, want in zip(named, wanted)])
                assert (solver.check() == sat) == (wanted in listed), (patterns, wanted)
                compared += 1
    print(f"{compared} sets of patterns: z3 and enumeration agree")


if __name__ == "__main__":
    main()
