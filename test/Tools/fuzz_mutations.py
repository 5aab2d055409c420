"""Small damages to MLIR text. Each takes the text and a random generator and returns new text; a
damage that finds nothing to work on returns the text as it was. SYNTAX breaks mostly what the parser
checks; MEANING keeps the text readable, so that the passes see it."""

import re

NUMBERS = ["0", "-1", "1", "2", "7", "65536", "4294967296", "9223372036854775807",
           "99999999999999999999", "1.5", "-0.0", "1e400", "0xFF"]
TYPES = ["tensor<f32>", "tensor<4xf32>", "tensor<*xf32>", "tensor<8x16x32x32xf16>",
         "tensor<?x16x?x?xf32>", "tensor<0x16x32x32xf32>", "tensor<8x16x32x32xi64>",
         "tensor<8x16x32x32xcomplex<f32>>", "tensor<1x1x1x1x1x1x1xf32>", "f32", "i1", "index",
         "memref<8x16xf32>", "tensor<16xi1>", "none", "tensor<2xindex>", "vector<4xf32>"]
ATTRIBUTES = ["unit", '"%0"', '"%99"', '"torch.int8"', '"text"', "[]", "[1 : i64]",
              "[[1 : i64], 2 : i64]", "true", "0 : i64", "-1 : i64", "1.0 : f64", "f32", "@main",
              "dense<1> : tensor<2xi64>", "{a = 1 : i64}", "9223372036854775807 : i64"]
TOKEN = re.compile(r'"[^"\n]*"|%[\w#]+|[\w.]+|[^\s\w]')


def replace_one(pattern, text, random, make):
    """Replaces one occurrence of `pattern` by what `make` returns for it."""
    matches = list(re.finditer(pattern, text))
    if not matches:
        return text
    match = random.choice(matches)
    return text[:match.start()] + make(match) + text[match.end():]


def delete_bytes(text, random):
    at = random.randrange(len(text))
    return text[:at] + text[at + random.randint(1, 20):]


def flip_bytes(text, random):
    at = random.randrange(len(text))
    return text[:at] + random.choice('\0\x7f\xe9%#!"<>(){}[]:,-') + text[at + 1:]


def truncate(text, random):
    return text[:random.randrange(len(text))]


def swap_tokens(text, random):
    tokens = list(TOKEN.finditer(text))
    first, second = sorted(random.sample(range(len(tokens)), 2))
    a, b = tokens[first], tokens[second]
    return text[:a.start()] + b[0] + text[a.end():b.start()] + a[0] + text[b.end():]


def change_number(text, random):
    return replace_one(r"(?<![%#\w.])-?\d+(?:\.\d+(?:e[-+]?\d+)?)?(?=[\s,\]):>])", text, random,
                       lambda match: random.choice(NUMBERS))


def change_dimension(text, random):
    return replace_one(r"(?<=[<x])\d+(?=x)", text, random,
                       lambda match: random.choice(["0", "1", "3", "?", "4294967296"]))


def change_type(text, random):
    return replace_one(r"tensor<[^<>]*>", text, random, lambda match: random.choice(TYPES))


def rename_op(text, random):
    names = sorted(set(re.findall(r'"(\w+\.[\w.]+)"\(', text)))
    if not names:
        return replace_one(r"(?<=[= ])(?:abn|dnn|linalg|tensor|arith)\.\w+", text, random,
                           lambda match: random.choice(["abn.activation", "dnn.conv", "x.y"]))
    other = random.choice(names + ["aten.no_such_op.default", "aten.relu", "aten", "abn.recover"])
    return replace_one(r'"\w+\.[\w.]+"(?=\()', text, random, lambda match: f'"{other}"')


def lines_of(text):
    return text.splitlines(keepends=True)


def drop_line(text, random):
    lines = lines_of(text)
    del lines[random.randrange(len(lines))]
    return "".join(lines)


def repeat_line(text, random):
    lines = lines_of(text)
    at = random.randrange(len(lines))
    return "".join(lines[:at + 1] + lines[at:])


def swap_lines(text, random):
    lines = lines_of(text)
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)


def change_operand(text, random):
    values = sorted(set(re.findall(r"%[\w#]+", text)))
    return replace_one(r"(?<=[(, ])%[\w#]+(?=[,)])", text, random,
                       lambda match: random.choice(values))


def repeat_operand(text, random):
    return replace_one(r"(?<=[(, ])%[\w#]+(?=[,)])", text, random,
                       lambda match: f"{match[0]}, {match[0]}")


def drop_operand(text, random):
    return replace_one(r"%[\w#]+, (?=%)", text, random, lambda match: "")


def change_attribute(text, random):
    element = r'(?<=[\[ ])(?:"%?[\w.]+"|unit|true|false|-?[\d.e-]+ : [if]\d+)(?=[,\]])'
    return replace_one(element, text, random, lambda match: random.choice(ATTRIBUTES))


def drop_attribute(text, random):
    return replace_one(r'(?:"%?[\w.]+"|unit|true|false|-?[\d.e-]+ : [if]\d+), ', text, random,
                       lambda match: "")


def nest_attribute(text, random):
    depth = random.choice([5, 300])
    element = r"(?<=[\[ ])-?\d+ : i64(?=[,\]])"
    return replace_one(element, text, random, lambda match: "[" * depth + match[0] + "]" * depth)


def add_recursion(text, random):
    """A function that calls itself, called from the first block; in either form of the IR."""
    call = '"func.call"() <{callee = @again}> : () -> ()\n'
    function = ('"func.func"() <{sym_name = "again", function_type = () -> ()}> ({\n'
                f'{call}"func.return"() : () -> ()\n}}) : () -> ()\n')
    opening = re.search(r"\^bb0\([^\n]*:\n", text) or re.search(r"func\.func [^\n]*\{\n", text)
    module = re.search(r'"builtin\.module"\(\) \(\{\n', text) or re.search(r"module[^\n]*\{\n", text)
    if not opening or not module:
        return function + text
    return (text[:module.end()] + function + text[module.end():opening.end()] + call +
            text[opening.end():])


GENERIC_OP = re.compile(r'("\w+\.[\w.]+"\()([^()]*)(\).* : \()(.*)(\) -> .*)')


def change_type_everywhere(text, random):
    """One tensor type becomes another wherever it stands, so that uses still agree."""
    types = sorted(set(re.findall(r"tensor<[^<>]*>", text)))
    if not types:
        return text
    old, new = random.choice(types), random.choice(TYPES[:12] + types)
    return text.replace(old, new)


def change_element_everywhere(text, random):
    """f32 becomes another type everywhere."""
    new = random.choice(["f16", "bf16", "f64", "i32", "i64", "i1", "f8E5M2", "complex<f32>"])
    return re.sub(r"(?<=[x<\s])f32\b", new, text)


def change_size_everywhere(text, random):
    """A size becomes another one in all tensor types: batch, channels, classes."""
    sizes = sorted(set(re.findall(r"(?<=[<x])\d+(?=x)", text)))
    if not sizes:
        return text
    old, new = random.choice(sizes), random.choice(["0", "1", "2", "3", "5", "?"])
    return re.sub(rf"(?<=[<x]){old}(?=x)", new, text)


def change_generic_op(text, random, change):
    """Applies `change` to the operands and types of one op in generic form."""
    matches = [m for m in GENERIC_OP.finditer(text) if m[2]]
    if not matches:
        return text
    match = random.choice(matches)
    operands, types = match[2].split(", "), re.findall(r"[\w!]+(?:<[^<>]*>)?", match[4])
    if len(operands) != len(types):
        return text
    operands, types = change(operands, types)
    line = match[1] + ", ".join(operands) + match[3] + ", ".join(types) + match[5]
    return text[:match.start()] + line + text[match.end():]


def drop_typed_operand(text, random):

    def change(operands, types):
        at = random.randrange(len(operands))
        return operands[:at] + operands[at + 1:], types[:at] + types[at + 1:]

    return change_generic_op(text, random, change)


def repeat_typed_operand(text, random):

    def change(operands, types):
        at = random.randrange(len(operands))
        return operands + [operands[at]], types + [types[at]]

    return change_generic_op(text, random, change)


def shuffle_operands(text, random):

    def change(operands, types):
        order = list(range(len(operands)))
        random.shuffle(order)
        return [operands[i] for i in order], [types[i] for i in order]

    return change_generic_op(text, random, change)


def replace_operand(text, random):
    """An operand becomes an argument of the function, with that argument's type."""
    arguments = re.findall(r"(%arg\d+): (tensor<[^<>]*>)", text)

    def change(operands, types):
        at = random.randrange(len(operands))
        operands[at], types[at] = random.choice(arguments)
        return operands, types

    return change_generic_op(text, random, change) if arguments else text


def change_role(text, random):
    roles = ["param", "buffer", "input", "label", "state", "loss", "output", "grad", "updated_param", ""]
    return replace_one(r'(?<=abn\.role = )"\w+"', text, random,
                       lambda match: f'"{random.choice(roles)}"')


def rename_to_known_op(text, random):
    """An op becomes another one of the text: known, with the wrong operands and attributes."""
    names = sorted(set(re.findall(r'"(\w+\.[\w.]+)"\(', text)))
    return replace_one(r'"\w+\.[\w.]+"(?=\()', text, random,
                       lambda match: f'"{random.choice(names)}"')


def delete_unused_op(text, random):
    """Drops a line whose results nothing reads."""
    lines = lines_of(text)
    unused = []
    for at, line in enumerate(lines):
        result = re.match(r"\s*(%\w+)(?::\d+)? = ", line)
        if result and len(re.findall(rf"{result[1]}\b", text)) == 1:
            unused.append(at)
    if not unused:
        return text
    del lines[random.choice(unused)]
    return "".join(lines)


SYNTAX = [
    delete_bytes, flip_bytes, truncate, swap_tokens, change_dimension, change_type, rename_op,
    drop_line, repeat_line, swap_lines, change_operand, repeat_operand, drop_operand
]
MEANING = [
    change_number, change_attribute, drop_attribute, nest_attribute, add_recursion,
    change_type_everywhere, change_element_everywhere, change_size_everywhere, drop_typed_operand,
    repeat_typed_operand, shuffle_operands, replace_operand, change_role, rename_to_known_op,
    delete_unused_op
]
