"""Makes a module of an MLIR example.

A module or functions are taken as they are. A fragment becomes the body of a function whose
arguments are the values that the fragment uses and does not define; their types are read from the
operand lists that name them, `(%a, %b : type, type)`, or from a comment `// %a, %b : type`. A fragment that
ends in `return` keeps it, and aliases (`!full = tensor<8x64xf32>`) go before the function. Lines that are attributes alone (`#abn.leaky_relu<0.01>`) become attributes
of a module.
"""

import re

VALUE = r"%[\w$.-]+"
DEFINITION = re.compile(rf"^\s*((?:{VALUE}(?::\d+)?\s*,\s*)*{VALUE}(?::\d+)?)\s*=", re.M)
ALIAS = re.compile(r"^\s*[!#][\w$]+ = .*\n", re.M)
REGION_ARGUMENT = re.compile(rf"\^\w+\(([^)]*)\)")
DECLARED = re.compile(rf"//\s*((?:{VALUE}\s*,\s*)*{VALUE})\s*:\s*(.+?)\s*$", re.M)
OPERANDS = re.compile(rf"((?:{VALUE}(?:#\d+)?\s*,\s*)*{VALUE}(?:#\d+)?)\s*(?:\{{[^{{}}]*\}}\s*)?:\s*")


class ExampleError(Exception):
    """The fragment does not say enough to be completed."""


def split_types(text):
    """The comma-separated types that `text` starts with; stops at what cannot follow a type."""
    types, depth, current = [], 0, ""
    for at, character in enumerate(text):
        # The `>` of an arrow closes nothing.
        closes = character == ")" or (character == ">" and text[at - 1:at] != "-")
        if depth == 0 and (character in "\n){" or text.startswith(("->", " ->", " to ", " into "), at)):
            break
        if depth == 0 and character == ",":
            types.append(current.strip())
            current = ""
            continue
        depth += (character in "<(") - closes
        current += character
    types.append(current.strip())
    return [kind for kind in types if kind]


def value_types(fragment):
    """{value: type} as far as operand lists and declaring comments tell."""
    types = {
        name: kind
        for names, kind in DECLARED.findall(fragment)
        for name in re.split(r"\s*,\s*", names)
    }
    # A list of types may go on over lines: its comma is the last on the line.
    code = re.sub(r",\s*\n\s*", ", ", re.sub(r"//.*", "", fragment))
    for match in OPERANDS.finditer(code):
        names = [name.split("#")[0] for name in re.split(r"\s*,\s*", match[1])]
        kinds = split_types(code[match.end():])
        if len(kinds) == 1:
            kinds *= len(names)
        for name, kind in zip(names, kinds):
            types.setdefault(name, kind)
    return types


def free_values(code):
    """The values that are used and not defined, in order of first use."""
    defined = set()
    for match in DEFINITION.finditer(code):
        defined.update(re.findall(VALUE, match[1]))
    for match in REGION_ARGUMENT.finditer(code):
        defined.update(re.findall(VALUE, match[1]))
    used = dict.fromkeys(re.findall(VALUE, code))
    return [name for name in used if name not in defined]


def complete(example):
    """The example as a module that parses."""
    code = re.sub(r"//.*", "", example)
    if "..." in code:
        raise ExampleError("`...` does not parse: write the example out, or fence it as text")
    if re.search(r'^\s*((?:gpu\.)?module|func\.func|"builtin\.module"|"func\.func")\b', code, re.M) or \
            '"builtin.module"' in code:
        return example
    lines = [line.strip() for line in code.splitlines() if line.strip()]
    if all(line.startswith("#") and not ALIAS.match(line + "\n") for line in lines):
        attributes = ", ".join(f"doc.a{i} = {line}" for i, line in enumerate(lines))
        return f"module attributes {{{attributes}}} {{}}\n"
    types = value_types(example)
    missing = [name for name in free_values(code) if name not in types]
    if missing:
        raise ExampleError(f"no type for {', '.join(missing)}: add a comment `// {missing[0]} : type`")
    arguments = ", ".join(f"{name}: {types[name]}" for name in free_values(code))
    results, tail = "", "  return\n"
    returned = re.search(rf"^\s*return\s+[^:]*:\s*(.+)$", code, re.M)
    if returned:
        results, tail = f" -> ({returned[1].strip()})", ""
    aliases, body = "".join(ALIAS.findall(example)), ALIAS.sub("", example)
    return f"{aliases}func.func @example({arguments}){results} {{\n{body}{tail}}}\n"
