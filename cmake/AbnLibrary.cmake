# abn_library(Name sources... [LINK libs...] [DEPENDS targets...])
# A static library of the project, exported as Abn::Name. Every library links the shared MLIR
# and LLVM (through AbnIncludes) and never upstream's static archives: a second copy of a
# TypeID would make casts fail silently.
function(abn_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  add_library(Abn::${name} ALIAS ${name})
  target_link_libraries(${name} PUBLIC AbnIncludes ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  install(TARGETS ${name} EXPORT AbnTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# abn_tablegen_doc(td-file backend output title [-dialect=..]): a generated page under docs/.
function(abn_tablegen_doc td output)
  set(LLVM_TARGET_DEFINITIONS ${td})
  tablegen(MLIR ${output} ${ARGN} "-I${MLIR_MAIN_SRC_DIR}" "-I${MLIR_INCLUDE_DIRS}"
           "-I${PROJECT_SOURCE_DIR}/dialects" "-I${PROJECT_SOURCE_DIR}/include")
  string(REPLACE "." "-" target "doc-${output}")
  add_custom_target(${target} DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${output}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${CMAKE_CURRENT_BINARY_DIR}/${output}
            ${PROJECT_BINARY_DIR}/docs/${output})
  add_dependencies(abn-doc ${target})
endfunction()
