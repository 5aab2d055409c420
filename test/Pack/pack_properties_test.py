"""Properties of the packer, each by itself: `pack_properties_test.py NAME`; without a name, all of them."""

import random
import sys

from pack_reference import (find_error, find_optimum, guillotine, max_live, pack, random_buffers, read_offsets,
                            read_stats, run_pack, write_csv)


def test_optimum():
    """Up to 8 buffers with alignments, gaps and fixed offsets: the exhaustive optimum, and proved so."""
    solved = refused = searched = 0
    for seed in range(180):
        options = {"alignments": seed % 2 == 1, "gaps": seed % 3 == 1, "fixed": seed % 4 == 3}
        buffers = random_buffers(seed, 3 + seed % 6, dense=True, **options)
        optimum = find_optimum(buffers)
        extra = ["--fixed-offsets"] if options["fixed"] else []
        if optimum is None:
            done = run_pack(write_csv(buffers), *extra)
            assert done.returncode == 1 and "infeasible: proved, fixed offsets" in done.stderr, done
            refused += 1
            continue
        offsets, stats = pack(buffers, *extra)
        assert int(stats["arena"]) == optimum, (seed, stats, optimum)
        assert stats["status"] == "optimal" and int(stats["lower bound"]) == optimum, (seed, stats)
        assert int(stats["max-live"]) == max_live(buffers)
        for buffer, offset in zip(buffers, offsets):
            assert not extra or buffer.get("offset", offset) == offset
        if optimum:
            done = run_pack(write_csv(buffers), f"--capacity={optimum - 1}", *extra)
            assert done.returncode == 1 and "infeasible: proved" in done.stderr and not done.stdout, done
        pack(buffers, f"--capacity={optimum}", *extra)
        solved += 1
        searched += int(stats["nodes"]) > 0
    # The bound alone does not decide all of them.
    assert solved > 130 and refused > 5 and searched > 25, (solved, refused, searched)


def test_guillotine():
    """A rectangle cut into pieces is put together again."""
    for seed in range(40):
        buffers = guillotine(seed, 8 + seed)
        _, stats = pack(buffers)
        assert stats["arena"] == "1000" and stats["status"] == "optimal", (seed, stats)


def test_symmetry():
    """Time backwards and sizes times 1000 change nothing but the scale."""
    for seed in range(40):
        buffers = random_buffers(seed, 12, gaps=seed % 2 == 0)
        _, stats = pack(buffers)
        assert stats["status"] == "optimal", (seed, stats)
        backwards = [b | {"lower": -b["upper"], "upper": -b["lower"]} for b in buffers]
        for b in backwards:
            if "gaps" in b:
                b["gaps"] = [(-upper, -lower) for lower, upper in b["gaps"]]
        _, mirrored = pack(backwards)
        assert mirrored["arena"] == stats["arena"], seed
        _, scaled = pack([b | {"size": 1000 * b["size"]} for b in buffers])
        assert int(scaled["arena"]) == 1000 * int(stats["arena"]), seed


def test_permutation():
    """The order of the rows and the names do not matter, solved exactly or not."""
    rng = random.Random(7)
    for seed in range(12):
        buffers = random_buffers(seed, 60, alignments=seed % 2 == 1, gaps=True)
        arguments = ["--node-limit=2000"]
        arena = pack(buffers, *arguments)[1]["arena"]
        for _ in range(3):
            rng.shuffle(buffers)
            ids = [f"x{rng.randrange(1 << 60)}" for _ in buffers]
            done = run_pack(write_csv(buffers, ids), "--stats", *arguments)
            assert read_stats(done.stderr)["arena"] == arena, seed


def test_determinism():
    """20 runs write the same bytes."""
    text = write_csv(random_buffers(3, 200, alignments=True, gaps=True))
    runs = {(done.stdout, done.stderr) for done in
            (run_pack(text, "--stats", "--node-limit=20000") for _ in range(20))}
    assert len(runs) == 1
    (output, _), = runs
    assert not any(line != line.rstrip() for line in output.splitlines())


def check_solution(buffers, offsets, capacity):
    solution = [b | {"offset": offset} for b, offset in zip(buffers, offsets)]
    return run_pack(write_csv(solution), "--check", f"--capacity={capacity}")


def test_checker():
    """One offset moved into another buffer, off its alignment or out of the arena is noticed, by the packer's
    checker and by the reference; the untouched solution passes both."""
    rng = random.Random(11)
    caught = 0
    for seed in range(30):
        buffers = random_buffers(seed, 25, alignments=True, gaps=True)
        offsets, stats = pack(buffers, "--fast")
        arena = int(stats["arena"])
        assert check_solution(buffers, offsets, arena).returncode == 0
        for _ in range(3):
            wrong, index = list(offsets), rng.randrange(len(buffers))
            wrong[index] = rng.randrange(arena + 8)
            expected = find_error(buffers, wrong, arena)
            done = check_solution(buffers, wrong, arena)
            assert (done.returncode == 1) == (expected is not None), (seed, expected, done.stderr)
            if expected:
                assert f"buffer `b{index}` at [{wrong[index]}, " in done.stderr, done.stderr
                caught += 1
    assert caught > 40, caught


def test_edges():
    """Nothing to do, nothing live, and the largest numbers."""
    assert run_pack("id,lower,upper,size\n").stdout == "id,lower,upper,size,offset\n"
    for buffer in ({"lower": 3, "upper": 3, "size": 5}, {"lower": 0, "upper": 9, "size": 0},
                   {"lower": 0, "upper": 4, "size": 7, "gaps": [(0, 2), (2, 4)]}):
        assert pack([buffer], "--capacity=0")[1]["arena"] == "0"
    largest, times = (1 << 63) - 1, {"lower": -(1 << 63), "upper": (1 << 63) - 1}
    assert pack([times | {"size": largest}])[1]["arena"] == str(largest)
    done = run_pack(write_csv([times | {"size": largest}, times | {"size": 1}]))
    assert done.returncode == 1 and "infeasible: proved, offsets beyond 64 bits" in done.stderr, done
    # Alone in the arena an aligned buffer needs no padding; below another it does.
    assert pack([times | {"size": 5}], "--alignment=64")[1]["arena"] == "5"
    stats = pack([times | {"size": 5, "alignment": 64}, times | {"size": 3, "alignment": 64}])[1]
    assert (stats["arena"], stats["lower bound"], stats["status"]) == ("67", "67", "optimal")
    # Buffers that follow each other share their bytes, and so do gaps.
    assert pack([{"lower": 0, "upper": 5, "size": 8}, {"lower": 5, "upper": 9, "size": 8}])[1]["arena"] == "8"
    gap = {"lower": 0, "upper": 9, "size": 8, "gaps": [(2, 7)]}
    assert read_offsets(run_pack(write_csv([gap, {"lower": 2, "upper": 7, "size": 8}])).stdout) == [0, 0]


def main():
    tests = {name[len("test_"):]: test for name, test in globals().items() if name.startswith("test_")}
    for name in sys.argv[1:] or tests:
        tests[name]()
        print(f"{name}: ok")


if __name__ == "__main__":
    main()
