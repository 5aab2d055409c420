"""Malformed problems: each is refused with its place, what was expected and what was there, with exit status
1 and no output. Then damaged files, of which none may crash the tool."""

import os
import random
import subprocess
import tempfile

HEADER = "id,lower,upper,size\n"
FULL = "id,lower,upper,size,alignment,gaps,hint,offset\n"
COLUMNS = "expected a column `id`, `lower`, `upper`, `size`, `alignment`, `gaps`, `hint` or `offset`, got "

# Text, the place and the message, further arguments.
CASES = [
    ("", "1:1", "expected a header with the columns `id`, `lower`, `upper` and `size`, got an empty file"),
    ("\n", "1:1", COLUMNS + "``"),
    ("id,lower,upper,bytes\n", "1:16", COLUMNS + "`bytes`"),
    ("id,lower,end,size\n", "1:10", COLUMNS + "`end`"),
    ("id,lower,upper\n", "1:1", "expected a column `size`, got none"),
    ("id,lower,upper,size,size\n", "1:21", "expected each column once, got `size` again"),
    (HEADER + "a,0,1,-4\n", "2:7", "expected a size of at least 0, got -4"),
    (HEADER + "a,5,3,4\n", "2:5", "expected an upper end of at least the lower end 5, got 3"),
    (HEADER + "a,0,1,9223372036854775808\n", "2:7",
     "expected a size as a 64-bit integer, got `9223372036854775808`"),
    (HEADER + "a,-9223372036854775809,1,1\n", "2:3",
     "expected a lower end of the lifetime as a 64-bit integer, got `-9223372036854775809`"),
    (HEADER + "a,0,1,4\nb,0,1,4\na,1,2,4\n", "4:1", "expected each id once, got `a` again, first in line 2"),
    (HEADER + ",0,1,4\n", "2:1", "expected an id without control characters, got ``"),
    (HEADER + "a,0,x,4\n", "2:5", "expected an upper end of the lifetime as an integer, got `x`"),
    (HEADER + "a,0,1.5,4\n", "2:5", "expected an upper end of the lifetime as an integer, got `1.5`"),
    (HEADER + "a,0,+1,4\n", "2:5", "expected an upper end of the lifetime as an integer, got `+1`"),
    (HEADER + "a, 0,1,4\n", "2:3", "expected a lower end of the lifetime as an integer, got ` 0`"),
    (HEADER + "a,0,1,\n", "2:7", "expected a size as an integer, got ``"),
    (HEADER + "a,0,1\n", "2:5", "expected 4 fields, got 3"),
    (HEADER + "a,0,1,4,5\n", "2:9", "expected 4 fields, got 5"),
    (HEADER + "a,0,1,4\n\nb,0,1,4\n", "3:1", "expected 4 fields, got 1"),
    (HEADER + "a\0b,0,1,4\n", "2:1", "expected an id without control characters, got `a\\00b`"),
    (HEADER + "a,0,1,4\0\n", "2:7", "expected a size as an integer, got `4\\00`"),
    (HEADER + "a,0,1," + "7" * 5_000_000 + "\n", "2:7",
     "expected a size as a 64-bit integer, got `" + "7" * 40 + "...`"),
    (HEADER + "," * 3_000_000 + "\n", "2:3000001", "expected 4 fields, got 3000001"),
    (FULL + "a,0,9,4,0,,0,\n", "2:9", "expected an alignment of at least 1, got 0"),
    (FULL + "a,0,9,4,1,,x,\n", "2:12", "expected a hint as an integer, got `x`"),
    (FULL + "a,0,9,4,1,,0,x\n", "2:14", "expected an offset as an integer, got `x`"),
    (FULL + "a,0,9,4,1,7-9-11,0,\n", "2:11", "expected a gap such as `7-9`, got `7-9-11`"),
    (FULL + "a,0,9,4,1,2-3 7,0,\n", "2:15", "expected a gap such as `7-9`, got `7`"),
    (FULL + "a,0,9,4,1,7-12,0,\n", "2:11", "expected a non-empty gap within [0, 9), got `7-12`"),
    (FULL + "a,0,9,4,1,-1-2,0,\n", "2:11", "expected a non-empty gap within [0, 9), got `-1-2`"),
    (FULL + "a,0,9,4,1,3-3,0,\n", "2:11", "expected a non-empty gap within [0, 9), got `3-3`"),
    (FULL + "a,0,9,4,1,2-5@0:3,0,\n", "2:11",
     "expected a gap without a window, got `2-5@0:3`: windows (`@`) are not supported"),
    (FULL + "a,0,9,4,1,,0,-8\n", "2:14", "expected an offset of at least 0, got -8", "--fixed-offsets"),
]


def run(path, output, *arguments):
    return subprocess.run(["abn-pack", path, "-o", output, *arguments], capture_output=True, text=True,
                          timeout=60)


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def test_messages(folder):
    path, output = os.path.join(folder, "problem.csv"), os.path.join(folder, "out.csv")
    for text, place, message, *arguments in CASES:
        write(path, text)
        done = run(path, output, *arguments)
        assert done.returncode == 1, (text[:200], done)
        assert done.stderr == f"{path}:{place}: error: {message}\n", (text[:200], done.stderr)
        assert not done.stdout and os.listdir(folder) == ["problem.csv"], text[:200]
    print(f"{len(CASES)} messages: ok")


def damage(text, rng):
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(text))
        piece = rng.choice(["", ",", "\n", "-", "9" * 25, "\0", "x", "@", " ", "0", "1", "23", text[at:at + 20]])
        text = text[:at] + piece + text[at + rng.randint(0, 1):]
    return text


def test_damaged(folder):
    """Solved or refused at a place; never a crash, never half an output."""
    rng = random.Random(1)
    path, output = os.path.join(folder, "problem.csv"), os.path.join(folder, "out.csv")
    sound = FULL + "".join(f"b{i},{i},{i + 5},{7 * i},4,{i + 1}-{i + 2},0,{i}\n" for i in range(12))
    refused = 0
    for _ in range(250):
        write(path, damage(sound, rng))
        done = run(path, output)
        assert done.returncode in (0, 1), done
        if done.returncode:
            assert done.stderr.count("\n") == 1 and (
                done.stderr.startswith(f"{path}:") or "infeasible: proved" in done.stderr), done.stderr
            refused += 1
        assert os.path.exists(output) == (done.returncode == 0)
        if not done.returncode:
            os.remove(output)
    assert 60 < refused < 240, refused
    print(f"damaged files: {refused} of 250 refused")


if __name__ == "__main__":
    for test in (test_messages, test_damaged):
        with tempfile.TemporaryDirectory() as temporary:
            test(temporary)
