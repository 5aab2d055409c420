// Front-end dialects of which only the name is known.
#ifndef ABN_TOOLS_COMMON_STUBDIALECTS_H
#define ABN_TOOLS_COMMON_STUBDIALECTS_H

namespace mlir {
class DialectRegistry;

namespace abn {

/// Lets the generic form of front-end ops parse without `--allow-unregistered-dialect`. Only tools
/// may call this: a library that did could not be linked beside the real dialects.
void registerStubDialects(DialectRegistry &registry);

} // namespace abn
} // namespace mlir

#endif // ABN_TOOLS_COMMON_STUBDIALECTS_H
