"""Asks z3 what Countersign's analysis says about the same bundles, and how long z3 takes.

    check.py SMALL.jsonl LARGE.jsonl SECONDS  →  JSON on stdout

An input is an agent, an action, each of them a name, and for every field a kind (missing, boolean, number, string, anything else) with a
value of each kind. Conditions are true, false or in error, as the contract has it: a rule decides where no condition is
false, and matches where all are true.
"""

import itertools
import json
import multiprocessing
import sys
import time

from z3 import And, Bool, Int, Not, Or, Real, Solver, If, IntVal, get_version_string, sat, unsat

MISSING, BOOLEAN, NUMBER, STRING, OTHER = range(5)
EFFECTS = {"deny": 0, "needs_approval": 1, "allow": 2}
ERROR = 3
OPERATORS = (">=", "<=", "==", "!=", ">", "<", "?")


class Field:
    """One field of the context."""

    def __init__(self, name):
        self.kind = Int(f"{name}.kind")
        self.number = Real(f"{name}.number")
        self.text = Int(f"{name}.text")
        self.flag = Bool(f"{name}.flag")


class World:
    """The inputs, and the numbers that stand for strings. A number without a string stands for any other string.

    Of the names that no rule writes in full, those with the same longest prefix of a pattern are matched by the same
    patterns: one number, that of the pattern, stands for all of them. There is always such a name.
    """

    def __init__(self, *bundles):
        self.agent, self.action = Int("agent"), Int("action")
        self.fields, self.codes = {}, {}
        self.names = {member: {rule[member] for bundle in bundles for rule in bundle["rules"]} - {"*"}
                      for member in ("agent", "action")}

    def named(self, member, pattern):
        """The conditions on a name under which it matches the pattern."""
        if pattern == "*":
            return []
        name = {"agent": self.agent, "action": self.action}[member]
        if not pattern.endswith("*"):
            return [name == self.code(f"{member} {pattern}")]
        prefix = pattern[:-1]
        inside = sorted(known for known in self.names[member] if known.startswith(prefix) and known != prefix)
        return [Or([name == self.code(f"{member} {known}") for known in inside])]

    def code(self, text):
        return self.codes.setdefault(text, len(self.codes))

    def field(self, name):
        return self.fields.setdefault(name, Field(name))

    def domain(self):
        return And([And(field.kind >= MISSING, field.kind <= OTHER) for field in self.fields.values()])


def split(key):
    for operator in OPERATORS:
        if key.startswith(operator):
            return operator, key[len(operator):]
    return "==", key


def same(field, value, world):
    """The field holds this value, which has the value's kind."""
    if isinstance(value, bool):
        return And(field.kind == BOOLEAN, field.flag == value)
    if isinstance(value, (int, float)):
        return And(field.kind == NUMBER, field.number == value)
    return And(field.kind == STRING, field.text == world.code(value))


def kind_of(value):
    if isinstance(value, bool):
        return BOOLEAN
    return NUMBER if isinstance(value, (int, float)) else STRING


def condition(key, value, world):
    """(true, not false)"""
    operator, name = split(key)
    field = world.field(name)
    present = field.kind != MISSING
    if operator == "?":
        holds = present if value else Not(present)
        return holds, holds
    if operator in ("==", "!="):
        values = value if isinstance(value, list) else [value]
        member = Or([same(field, one, world) for one in values])
        comparable = Or([field.kind == kind for kind in sorted({kind_of(one) for one in values})])
        holds = And(comparable, member if operator == "==" else Not(member))
    else:
        comparable = field.kind == NUMBER
        compare = {">=": field.number >= value, "<=": field.number <= value, ">": field.number > value,
                   "<": field.number < value}[operator]
        holds = And(comparable, compare)
    return holds, Or(holds, And(present, Not(comparable)))


class Rule:
    def __init__(self, rule, world):
        self.id, self.effect = rule["id"], EFFECTS[rule["effect"]]
        addressed = world.named("agent", rule["agent"]) + world.named("action", rule["action"])
        tests = [condition(key, value, world) for key, value in rule.get("conditions", {}).items()]
        self.matches = And(addressed + [true for true, _ in tests])
        self.decides = And(addressed + [possible for _, possible in tests])


def ordered(bundle, world):
    rules = [rule for rule in bundle["rules"] if rule.get("enabled", True)]
    rules.sort(key=lambda rule: (-rule.get("priority", 50), EFFECTS[rule["effect"]], rule["id"]))
    return [Rule(rule, world) for rule in rules]


def outcome(rules):
    """0 deny, 1 needs_approval, 2 allow, 3 error; nothing matches: deny."""
    answer = IntVal(EFFECTS["deny"])
    for rule in reversed(rules):
        answer = If(rule.decides, If(rule.matches, IntVal(rule.effect), IntVal(ERROR)), answer)
    return answer


def unreachable(bundle, deadline):
    """Ids of rules that never match, and how many were not decided in time."""
    world = World(bundle)
    rules = ordered(bundle, world)
    solver = Solver()
    solver.add(world.domain())
    found, undecided = [], 0
    for rule in rules:
        left = deadline - time.process_time()
        if left <= 0:
            undecided += 1
            continue
        solver.set("timeout", max(1, int(left * 1000)))
        solver.push()
        solver.add(rule.matches)
        verdict = solver.check()
        solver.pop()
        if verdict == unsat:
            found.append(rule.id)
        elif verdict != sat:
            undecided += 1
        solver.add(Not(rule.decides))
    return found, undecided


def differences(before, after, deadline):
    """Which (outcome before, outcome after) some input has, None where not decided in time."""
    world = World(before, after)
    old, new = outcome(ordered(before, world)), outcome(ordered(after, world))
    solver = Solver()
    solver.add(world.domain())
    cells = {}
    for was in range(4):
        for now in range(4):
            if was == now:
                continue
            left = deadline - time.process_time()
            if left <= 0:
                cells[was, now] = None
                continue
            solver.set("timeout", max(1, int(left * 1000)))
            solver.push()
            solver.add(old == was, new == now)
            verdict = solver.check()
            solver.pop()
            cells[was, now] = True if verdict == sat else False if verdict == unsat else None
    return cells


def any_of(values):
    values = list(values)
    if any(value for value in values if value):
        return True
    return None if None in values else False


def small(lines):
    """Agreement on small bundles, on every core."""
    with multiprocessing.Pool() as pool:
        parts = list(pool.imap(some, batches(lines, 100)))
    result = {count: sum(part[count] for part in parts) for count in ("bundles", "questions", "agreed", "undecided")}
    result["mismatches"] = [mismatch for part in parts for mismatch in part["mismatches"]][:5]
    return result


def batches(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def some(lines):
    """Agreement on some of them."""
    result = {"bundles": 0, "questions": 0, "agreed": 0, "undecided": 0, "mismatches": []}

    def compare(what, ours, theirs, line):
        result["questions"] += 1
        if ours is None or theirs is None:
            result["undecided"] += 1
        elif ours == theirs:
            result["agreed"] += 1
        elif len(result["mismatches"]) < 5:
            result["mismatches"].append({"what": what, "ours": ours, "z3": theirs, "bundles": line})
            print(f"   MISMATCH {what}: ours {ours}, z3 {theirs}: {json.dumps(line)}", file=sys.stderr)

    for line in lines:
        result["bundles"] += 1
        deadline = time.process_time() + 60
        found, undecided = unreachable(line["before"], deadline)
        decided = not line["undecided"] and not undecided
        compare("unreachable", sorted(line["unreachable"]) if decided else None, sorted(found), line)
        cells = differences(line["before"], line["after"], deadline)
        compare("differs", line["differs"], any_of(cells.values()), line)
        new = any_of(seen for (was, now), seen in cells.items() if now == EFFECTS["allow"])
        compare("new allows", line["new_allows"], new, line)
    return result


def large(lines, seconds):
    """Time on large bundles."""
    result = []
    for line in lines:
        start = time.process_time()
        found, undecided = unreachable(line["before"], start + seconds)
        lint = time.process_time() - start
        start = time.process_time()
        cells = differences(line["before"], line["after"], start + seconds)
        result.append({
            "shape": line["shape"], "rules": line["rules"], "unreachable": len(found), "undecided": undecided,
            "lint_ms": lint * 1000, "diff_ms": (time.process_time() - start) * 1000,
            "diff_undecided": sum(seen is None for seen in cells.values()),
        })
        print(f"   z3: {result[-1]}", file=sys.stderr)
    return result


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main():
    sys.setrecursionlimit(1_000_000)
    small_path, large_path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    result = {"version": get_version_string(), "small": small(lines(small_path)),
            "large": large(lines(large_path), seconds)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
