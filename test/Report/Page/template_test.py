"""template_test.py SOURCE.cpp: the string literal in the source that CMake wrote is the joined template."""

import pathlib
import re
import sys

import memory_page

source = pathlib.Path(sys.argv[1]).read_text("utf-8")
literal = re.fullmatch(r'// .*\n#include "MemoryPage.h"\n\n[^"]*R"page\((.*)\)page";\n', source, re.DOTALL)
assert literal, "the source is not one string literal"
assert literal[1] == memory_page.template(), "CMake and memory_page.py join the files differently"
assert literal[1].count("@ABN_DATA@") == 1, "the data has no place, or several"
assert "@INCLUDE" not in literal[1], "a file is not joined in"
files = {path.name for path in memory_page.TEMPLATE.parent.iterdir()} - {memory_page.TEMPLATE.name}
assert files == set(memory_page.INCLUDE.findall(memory_page.TEMPLATE.read_text("utf-8"))), "a file is not in the page"
filled = memory_page.fill('{"<": "</script>"}')
assert filled.count("</script") == literal[1].count("</script"), "the data ends its element"
