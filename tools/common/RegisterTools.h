// What every driver of the project registers: all of upstream, the project, and the names of the
// front-end dialects.
#ifndef ABN_TOOLS_COMMON_REGISTERTOOLS_H
#define ABN_TOOLS_COMMON_REGISTERTOOLS_H

namespace mlir {
class DialectRegistry;

namespace abn {

/// Upstream's dialects with their extensions, and passes.
void registerUpstreamDialects(DialectRegistry &registry);
void registerUpstreamPasses();

/// Registers all upstream dialects and extensions, abn and dnn, and stubs for the front ends'
/// dialects (aten, stablehlo, chlo, mhlo), which parse in generic form only.
void registerToolDialects(DialectRegistry &registry);

/// Registers all upstream passes and the project's passes and pipelines.
void registerToolPasses();

} // namespace abn
} // namespace mlir

#endif // ABN_TOOLS_COMMON_REGISTERTOOLS_H
