"""Makes reports with a plausible plan, deterministic: plausible_plan.py BLOCKS [REPORT.json].

A chain of blocks as in a convolutional network. Forward: convolution, batch norm and activation; an
activation lives until its block's backward, unless it is computed again there. Backward: the blocks in
reverse, each with gradients that live for a few steps, and a parameter's gradient that is returned. The
buffers are placed first fit, largest first, so that no two that are alive at one time overlap.
"""

import json
import pathlib
import random
import sys

ALIGNMENT = 64


class Step:
    """Collects the schedule and the buffers of one training step."""

    def __init__(self):
        self.steps, self.buffers = [], []

    def op(self, name, module, line, phase, recomputed=False):
        self.steps.append({"op": name, "location": f"{module} at resnet.py:{line}", "phase": phase,
                           "recomputed": recomputed})
        return len(self.steps) - 1

    def buffer(self, name, shape, kind, lower):
        count = 4
        for extent in shape:
            count *= extent
        self.buffers.append({"name": name, "location": self.steps[lower]["location"],
                             "type": f"tensor<{'x'.join(map(str, shape))}xf32>", "bytes": count, "offset": 0,
                             "lower": lower, "upper": lower, "kind": kind, "alive_because": ""})
        return self.buffers[-1]

    def read(self, buffer, step):
        if step >= buffer["upper"]:
            buffer["upper"] = step
            op = self.steps[step]
            buffer["alive_because"] = f"read by {op['op']} ({op['location'].split(' at ')[0]}) at step {step}"


def shapes(blocks):
    """Activations that get smaller and parameters that get larger, as in a residual network."""
    for block in range(blocks):
        stage = min(3, 4 * block // blocks)
        channels, edge = 64 << stage, 112 >> stage
        yield channels, (8, channels, edge, edge), (channels, channels, 3, 3)


def make_step(blocks):
    step, saved, previous = Step(), [], None
    for block, (channels, full, _) in enumerate(shapes(blocks)):
        module = f"m.layer{1 + 4 * block // blocks}.{block}"
        conv = step.op("dnn.convolution", f"{module}.conv", 123, "forward")
        output = step.buffer(f"dnn.convolution#0 {module}.conv", full, "activation", conv)
        if previous:
            step.read(previous, conv)
        norm = step.op("abn.inplace_forward", f"{module}.bn", 124, "forward")
        step.read(output, norm)
        result = step.buffer(f"abn.inplace_forward#0 {module}.bn", full, "activation", norm)
        statistic = step.buffer(f"abn.inplace_forward#1 {module}.bn", (2, channels), "statistic", norm)
        saved.append((module, result, statistic))
        previous = result
    loss_op = step.op("dnn.cross_entropy", "loss", 301, "forward")
    step.read(previous, loss_op)
    loss = step.buffer("dnn.cross_entropy#0 loss", (), "output", loss_op)
    boundary = len(step.steps)
    make_backward(step, saved, list(shapes(blocks)))
    last = len(step.steps) - 1
    for buffer in step.buffers:
        if buffer is loss or buffer["kind"] == "parameter-gradient":
            buffer.update(upper=last, alive_because="returned by the step")
    return step, boundary


def make_backward(step, saved, sizes):
    gradient = None
    for block in reversed(range(len(saved))):
        (module, result, statistic), (channels, full, weight) = saved[block], sizes[block]
        again = None
        if block % 5 == 2:  # the forward's activation dies early and is computed again
            result["upper"] = min(result["upper"], result["lower"] + 3)
            source = saved[block - 1][1]
            at = step.op("dnn.convolution", f"{module}.conv", 123, "backward", recomputed=True)
            step.read(source, at)
            again = step.buffer(f"dnn.convolution#0 {module}.conv, again", full, "recomputed", at)
        norm = step.op("abn.inplace_backward", f"{module}.bn", 124, "backward")
        for used in (again or result, statistic, *([gradient] if gradient else [])):
            step.read(used, norm)
        inner = step.buffer(f"abn.inplace_backward#0 {module}.bn", full, "gradient", norm)
        scale = step.buffer(f"abn.inplace_backward#1 {module}.bn", (2, channels), "parameter-gradient", norm)
        weights = step.op("dnn.convolution_weight_grad", f"{module}.conv", 123, "backward")
        step.read(inner, weights)
        if block:
            step.read(saved[block - 1][1], weights)
        step.buffer(f"dnn.convolution_weight_grad#0 {module}.conv", weight, "parameter-gradient", weights)
        inputs = step.op("dnn.convolution_input_grad", f"{module}.conv", 123, "backward")
        step.read(inner, inputs)
        gradient = step.buffer(f"dnn.convolution_input_grad#0 {module}.conv", full, "gradient", inputs)


def pack_first_fit(buffers):
    """Largest first, each at the lowest offset that is free for its whole life. Returns the arena's bytes."""
    placed = []
    for buffer in sorted(buffers, key=lambda b: (-b["bytes"], b["lower"])):
        offset = 0
        for other in placed:  # sorted by offset
            if other["lower"] <= buffer["upper"] and buffer["lower"] <= other["upper"]:
                if offset + buffer["bytes"] <= other["offset"]:
                    break
                offset = max(offset, align(other["offset"] + other["bytes"]))
        buffer["offset"] = offset
        placed.append(buffer)
        placed.sort(key=lambda b: b["offset"])
    return max((b["offset"] + b["bytes"] for b in buffers), default=0)


def pack_slots(buffers):
    """A slot holds buffers of one size, one after the other: quick for tens of thousands."""
    free, slots, end = {}, [], 0
    for buffer in sorted(buffers, key=lambda b: b["lower"]):
        own = free.setdefault(buffer["bytes"], [])
        slot = next((slot for slot in own if slot[0] < buffer["lower"]), None)
        if slot is None:
            slot = [0, end]
            own.append(slot)
            end = align(end + buffer["bytes"])
        slot[0] = buffer["upper"]
        buffer["offset"] = slot[1]
    return end


def align(offset):
    return (offset + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def live_bytes(buffers, steps):
    change = [0] * (steps + 1)
    for buffer in buffers:
        change[buffer["lower"]] += buffer["bytes"]
        change[buffer["upper"] + 1] -= buffer["bytes"]
    live, total = [], 0
    for delta in change[:steps]:
        total += delta
        live.append(total)
    return live


def make_chains(blocks, rng):
    chains = []
    for block, (channels, full, _) in enumerate(shapes(blocks)):
        module = f"m.layer{1 + 4 * block // blocks}.{block}.bn"
        strategy = rng.choice(["in-place", "in-place", "through-add", "kept", "recomputed"])
        count = 4 * full[0] * full[1] * full[2] * full[3]
        chain = {"name": module, "location": f"{module} at resnet.py:124", "channels": channels,
                 "type": f"tensor<{'x'.join(map(str, full))}xf32>",
                 "activation": "silu" if strategy == "kept" else "leaky_relu", "strategy": strategy,
                 "bytes": count, "saved_bytes_before": 2 * count,
                 "saved_bytes_after": 2 * count if strategy == "kept" else 0 if strategy == "recomputed" else count}
        if strategy == "kept":
            chain["reason"] = "its activation silu is not invertible"
        chains.append(chain)
    return chains


def make_curve(arena, recomputed):
    points = [(None, 1.42, 0.0, 0), (1.2, 1.19, 0.35, 0), (1.0, 1.0, 1.0, 0), (0.9, 0.88, 2.2, 3),
              (0.8, 0.79, 4.9, 9)]
    return [{"budget_bytes": None if budget is None else int(budget * arena), "arena_bytes": int(size * arena),
             "recompute_bytes": int(cost * recomputed), "recompute_flops": int(cost * recomputed * 9.3),
             "convolutions_recomputed": convolutions, "chosen": budget == 1.0}
            for budget, size, cost, convolutions in points]


def make_report(blocks, quick=False):
    """`quick` packs by slots, for tens of thousands of buffers."""
    rng = random.Random(blocks)
    step, boundary = make_step(blocks)
    count = len(step.steps)
    arena = (pack_slots if quick else pack_first_fit)(step.buffers)
    live = live_bytes(step.buffers, count)
    recomputed = sum(b["bytes"] for b in step.buffers if b["kind"] == "recomputed")
    before = [int(bytes_ * (1.3 + 0.4 * min(at, count - at) / count)) for at, bytes_ in enumerate(live)]
    series = lambda values: [{"at": at / len(values), "bytes": value} for at, value in enumerate(values)]
    chains = make_chains(blocks, rng)
    return {
        "version": 2, "function": "main", "batch_norms": blocks, "argument_bytes": 102_400_000,
        "saved_bytes_before": sum(chain["saved_bytes_before"] for chain in chains),
        "saved_bytes_after": sum(chain["saved_bytes_after"] for chain in chains),
        "peak_live_bytes_before": max(before), "peak_live_bytes_after": max(live),
        "arena_bytes": arena, "max_live_bytes": max(live), "lower_bound_bytes": max(live),
        "recompute_bytes": recomputed, "recompute_flops": int(recomputed * 9.3), "convolutions_recomputed": 0,
        "numerics": "invert", "objective": "balanced", "chains": chains,
        "plan": {"steps": step.steps, "buffers": step.buffers,
                 "timeline": {"before": series(before), "after": series(live)},
                 "peak_step": live.index(max(live)), "backward_from": boundary,
                 "curve": make_curve(arena, recomputed)},
    }


def main(blocks, path="/dev/stdout"):
    report = make_report(int(blocks), quick=int(blocks) > 500)
    pathlib.Path(path).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
