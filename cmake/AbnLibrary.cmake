# Upstream's headers take ten of the fourteen seconds of a typical file; compiled once, two. None of the
# project's own: they change, and are generated. Files still include what they use.
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/AbnPrecompiled.cpp CONTENT "")
add_library(AbnPrecompiled OBJECT ${PROJECT_BINARY_DIR}/AbnPrecompiled.cpp)
target_link_libraries(AbnPrecompiled PRIVATE AbnIncludes)
target_precompile_headers(AbnPrecompiled PRIVATE
  <mlir/Dialect/Arith/IR/Arith.h>
  <mlir/Dialect/Func/IR/FuncOps.h>
  <mlir/Dialect/Linalg/IR/Linalg.h>
  <mlir/Dialect/Math/IR/Math.h>
  <mlir/Dialect/Tensor/IR/Tensor.h>
  <mlir/IR/DialectImplementation.h>
  <mlir/IR/Matchers.h>
  <mlir/IR/PatternMatch.h>
  <mlir/Pass/Pass.h>
  <mlir/Transforms/DialectConversion.h>)
# What ccache needs to trust a precompiled header: its contents, not its time.
target_compile_options(AbnPrecompiled PRIVATE
  $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)

# abn_library(Name sources... [LINK libs...] [DEPENDS targets...])
# A static library of the project, exported as Abn::Name. Every library links the shared MLIR
# and LLVM (through AbnIncludes) and never upstream's static archives: a second copy of a
# TypeID would make casts fail silently. The target Abn gathers all libraries.
function(abn_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  add_library(Abn::${name} ALIAS ${name})
  target_link_libraries(${name} PUBLIC AbnIncludes ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM AbnPrecompiled)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(Abn INTERFACE ${name})
  install(TARGETS ${name} EXPORT AbnTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# abn_tablegen_doc(td-file page backend...): a generated page, built into build/docs by abn-doc.
function(abn_tablegen_doc td page)
  set(LLVM_TARGET_DEFINITIONS ${td})
  tablegen(MLIR ${page} ${ARGN} "-I${MLIR_MAIN_SRC_DIR}" "-I${MLIR_INCLUDE_DIRS}"
           "-I${PROJECT_SOURCE_DIR}/dialects" "-I${PROJECT_SOURCE_DIR}/include")
  set(built ${CMAKE_CURRENT_BINARY_DIR}/${page})
  set(shown ${PROJECT_BINARY_DIR}/docs/${page})
  add_custom_command(OUTPUT ${shown} DEPENDS ${built}
    COMMAND ${CMAKE_COMMAND} -E copy ${built} ${shown})
  string(REPLACE "." "-" target "doc-${page}")
  add_custom_target(${target} DEPENDS ${shown})
  add_dependencies(abn-doc ${target})
endfunction()
