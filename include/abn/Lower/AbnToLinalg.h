// The patterns of convert-abn-to-linalg, for use in other passes.
#ifndef ABN_LOWER_ABNTOLINALG_H
#define ABN_LOWER_ABNTOLINALG_H

namespace mlir {
class RewritePatternSet;
namespace abn {

/// Patterns that turn abn ops on tensors into linalg, arith, math and tensor ops (and `cf.assert`
/// for gamma policy `check`). Results that nobody uses at that time are not computed.
void populateAbnToLinalgPatterns(RewritePatternSet &patterns);

} // namespace abn
} // namespace mlir

#endif // ABN_LOWER_ABNTOLINALG_H
