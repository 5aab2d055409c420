// The pipelines: the only place that knows all stages.
#ifndef ABN_PIPELINES_H
#define ABN_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::abn {

/// Options of `abn-optimize`; they mean what they mean on `abn-recognize` and `abn-fuse-forward`.
struct OptimizeOptions : PassPipelineOptions<OptimizeOptions> {
  ListOption<std::string> gammaPolicy{
      *this, "gamma-policy",
      llvm::cl::desc("trust, check, clamp, abs or keep; chain:policy overrides it for one chain")};
  Option<double> gammaThreshold{*this, "gamma-threshold",
                                llvm::cl::desc("the smallest |gamma| under clamp"),
                                llvm::cl::init(1e-3)};
  Option<bool> throughAdd{*this, "through-add",
                          llvm::cl::desc("recover chains through residual adds"),
                          llvm::cl::init(true)};
  Option<bool> substituteRelu{
      *this, "substitute-relu",
      llvm::cl::desc("replace relu by leaky_relu(0.01): this changes the network"),
      llvm::cl::init(false)};
  Option<int64_t> lossResult{*this, "loss-result",
                             llvm::cl::desc("which result is the loss, whatever the roles say"),
                             llvm::cl::init(-1)};
  Option<bool> recognize{*this, "recognize",
                         llvm::cl::desc("look for batch norms that are decomposed"),
                         llvm::cl::init(true)};
  Option<bool> anyChannelDim{
      *this, "any-channel-dim",
      llvm::cl::desc(
          "also recognise normalisations whose channel is the first dimension or part of one"),
      llvm::cl::init(false)};
  Option<bool> verifyEquivalence{
      *this, "verify-equivalence",
      llvm::cl::desc("evaluate the function before and after each rewrite on tiny tensors; a "
                     "difference is an error"),
      llvm::cl::init(false)};
};

/// Recognise, rewrite, plan: tensors in, tensors out.
void buildOptimizePipeline(OpPassManager &pm, const OptimizeOptions &options);

void registerAbnPipelines();

} // namespace mlir::abn

#endif // ABN_PIPELINES_H
