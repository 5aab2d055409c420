"""What the packer's tests compare with, independent of it: a checker, an exhaustive solver for a few
buffers, and generators of problems. A buffer is a dict with lower, upper, size and, if it has them,
alignment, gaps (a list of pairs) and offset (fixed)."""

import bisect
import random
import subprocess

MIB = 1 << 20


def write_csv(buffers, ids=None):
    columns = ["lower", "upper", "size"]
    columns += [name for name in ("alignment", "gaps", "offset") if any(name in b for b in buffers)]

    def field(buffer, name):
        if name == "gaps":
            return " ".join(f"{lower}-{upper}" for lower, upper in buffer.get("gaps", []))
        return str(buffer.get(name, 1 if name == "alignment" else ""))

    lines = [",".join(["id"] + columns)]
    for index, buffer in enumerate(buffers):
        name = ids[index] if ids else f"b{index}"
        lines.append(",".join([name] + [field(buffer, column) for column in columns]))
    return "\n".join(lines) + "\n"


def run_pack(text, *arguments, timeout=60):
    return subprocess.run(["abn-pack", "-", *arguments], input=text, capture_output=True, text=True,
                          timeout=timeout)


def read_offsets(text):
    """The last column of a solution."""
    return [int(line.rsplit(",", 1)[1]) for line in text.splitlines()[1:]]


def read_stats(text):
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def pack(buffers, *arguments):
    """(offsets, statistics) of a problem that must have a solution, which is checked."""
    done = run_pack(write_csv(buffers), "--stats", *arguments)
    assert done.returncode == 0, done.stderr
    offsets, stats = read_offsets(done.stdout), read_stats(done.stderr)
    error = find_error(buffers, offsets, int(stats["arena"]))
    assert error is None, error
    return offsets, stats


def live_parts(buffer):
    start, parts = buffer["lower"], []
    for lower, upper in sorted(buffer.get("gaps", [])) + [(buffer["upper"], buffer["upper"])]:
        if start < lower:
            parts.append((start, lower))
        start = max(start, upper)
    return parts if buffer["size"] else []


def find_error(buffers, offsets, arena):
    """None if the offsets are a solution within the arena."""
    events = []
    for index, (buffer, offset) in enumerate(zip(buffers, offsets, strict=True)):
        parts = live_parts(buffer)
        if parts and (offset < 0 or offset + buffer["size"] > arena):
            return f"{index} lies outside the arena"
        if parts and offset % buffer.get("alignment", 1):
            return f"{index} is not aligned"
        for lower, upper in parts:
            events += [(lower, 1, index), (upper, 0, index)]
    live = []  # (offset, end) in order
    for _, starts, index in sorted(events):
        span = (offsets[index], offsets[index] + buffers[index]["size"])
        at = bisect.bisect_left(live, span)
        if not starts:
            del live[at]
            continue
        if at < len(live) and live[at][0] < span[1] or at > 0 and live[at - 1][1] > span[0]:
            return f"{index} overlaps another"
        live.insert(at, span)
    return None


def max_live(buffers):
    changes = sorted((time, size) for b in buffers for lower, upper in live_parts(b)
                     for time, size in ((lower, b["size"]), (upper, -b["size"])))
    live = most = 0
    for _, change in changes:
        live += change
        most = max(most, live)
    return most


def conflict(a, b):
    return any(x[0] < y[1] and y[0] < x[1] for x in live_parts(a) for y in live_parts(b))


def find_optimum(buffers):
    """The least arena, by first fit in every order; None if fixed offsets collide. In a solution whose
    offsets cannot be lowered, the order of the offsets is one in which first fit finds them."""
    buffers = [b for b in buffers if live_parts(b)]
    best = sum(b["size"] + b.get("alignment", 1) for b in buffers) + max(
        [b["offset"] for b in buffers if "offset" in b], default=0)
    bound = max_live(buffers)

    def first_fit(buffer, placed):
        alignment, offset = buffer.get("alignment", 1), 0
        for lower, upper in sorted((o, o + other["size"]) for other, o in placed if conflict(buffer, other)):
            if offset + buffer["size"] <= lower:
                break
            offset = max(offset, -(-upper // alignment) * alignment)
        return offset

    def place(rest, placed, arena):
        nonlocal best
        if arena >= best or best == bound:
            return
        if not rest:
            best = arena
        for index, buffer in enumerate(rest):
            offset = first_fit(buffer, placed)
            place(rest[:index] + rest[index + 1:], placed + [(buffer, offset)],
                  max(arena, offset + buffer["size"]))

    fixed = [(b, b["offset"]) for b in buffers if "offset" in b]
    for index, (a, x) in enumerate(fixed):
        if x % a.get("alignment", 1):
            return None
        for b, y in fixed[:index]:
            if conflict(a, b) and x < y + b["size"] and y < x + a["size"]:
                return None
    place([b for b in buffers if "offset" not in b], fixed,
          max([x + b["size"] for b, x in fixed], default=0))
    return best


def random_buffers(seed, count, alignments=False, gaps=False, fixed=False, dense=False):
    """Dense ones conflict so much that the least arena is often above max-live."""
    rng = random.Random(seed)
    buffers = []
    for _ in range(count):
        lower = rng.randint(0, 6 if dense else 12)
        buffer = {"lower": lower, "upper": lower + rng.choice([1, 2, 3, 4] if dense else [0, 1, 2, 3, 5, 8]),
                  "size": rng.choice([0, 1, 2, 3, 5, 8, 13])}
        if alignments:
            buffer["alignment"] = rng.choice([1, 2, 4, 8, 3])
        if gaps and buffer["upper"] - lower >= 3 and rng.random() < 0.6:
            buffer["gaps"] = [(lower + 1, lower + 2)]
        if fixed and rng.random() < 0.25:
            buffer["offset"] = rng.randint(0, 3) * 4
        buffers.append(buffer)
    return buffers


def guillotine(seed, pieces, duration=1000, height=1000):
    """A full rectangle, cut in two again and again: its height is the optimum."""
    rng = random.Random(seed)
    whole = [(0, duration, 0, height)]
    while len(whole) < pieces:
        left, right, bottom, top = whole.pop(rng.randrange(len(whole)))
        if rng.random() < 0.5 and right - left > 1:
            cut = rng.randint(left + 1, right - 1)
            whole += [(left, cut, bottom, top), (cut, right, bottom, top)]
        elif top - bottom > 1:
            cut = rng.randint(bottom + 1, top - 1)
            whole += [(left, right, bottom, cut), (left, right, cut, top)]
        else:
            whole.append((left, right, bottom, top))
    rng.shuffle(whole)
    return [{"lower": left, "upper": right, "size": top - bottom} for left, right, bottom, top in whole]
