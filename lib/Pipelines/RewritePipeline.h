// The rewrite of one function, which abn-optimize runs on the step or on one version of it. Private
// to lib/Pipelines.
#ifndef ABN_LIB_PIPELINES_REWRITEPIPELINE_H
#define ABN_LIB_PIPELINES_REWRITEPIPELINE_H

#include "mlir/Pass/PassManager.h"

namespace mlir::abn {

/// Options of abn-fuse-forward, by their names there.
struct RewriteOptions {
  SmallVector<std::string> gammaPolicy;
  double gammaThreshold = 1e-3;
  bool throughAdd = true, substituteRelu = false, verifyEquivalence = false;
  int64_t lossResult = -1, dynamicSize = 8;
};

/// abn-fuse-forward, abn-rewrite-backward, abn-verify-rewrite.
void buildRewritePipeline(OpPassManager &functions, const RewriteOptions &options);

} // namespace mlir::abn

#endif // ABN_LIB_PIPELINES_REWRITEPIPELINE_H
