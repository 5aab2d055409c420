# Joins the memory page's files into one template and writes it as a C++ source:
#   cmake -D TEMPLATE=MemoryPage/MemoryPage.html -D OUTPUT=MemoryPageTemplate.cpp -P JoinMemoryPage.cmake
# A line `@INCLUDE FILE@` of the template stands for that file. Needs nothing but cmake, and writes the same
# bytes for the same files.
get_filename_component(folder ${TEMPLATE} DIRECTORY)
file(READ ${TEMPLATE} page)
string(REGEX MATCHALL "@INCLUDE [A-Za-z]+\\.[a-z]+@" includes "${page}")
foreach(include IN LISTS includes)
  string(REGEX REPLACE "@INCLUDE (.+)@" "\\1" name "${include}")
  file(READ ${folder}/${name} text)
  string(REGEX REPLACE "\n$" "" text "${text}")
  string(REPLACE "${include}" "${text}" page "${page}")
endforeach()

string(FIND "${page}" ")page\"" clash)
if(NOT clash EQUAL -1)
  message(FATAL_ERROR "the page contains the end of its own string literal")
endif()
file(WRITE ${OUTPUT} "// Written by JoinMemoryPage.cmake.
#include \"MemoryPage.h\"

const llvm::StringLiteral mlir::abn::kMemoryPageTemplate = R\"page(${page})page\";
")
