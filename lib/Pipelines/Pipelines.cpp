// abn-optimize.
#include "abn/Pipelines.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::abn;

void mlir::abn::buildOptimizePipeline(OpPassManager &pm, const OptimizeOptions &options) {
  FuseForwardOptions fuse;
  fuse.gammaPolicy.assign(options.gammaPolicy.begin(), options.gammaPolicy.end());
  fuse.gammaThreshold = options.gammaThreshold;
  fuse.throughAdd = options.throughAdd;
  fuse.substituteReluOption = options.substituteRelu;
  fuse.lossResult = options.lossResult;
  fuse.verifyEquivalence = options.verifyEquivalence;
  RecognizeOptions recognize;
  recognize.anyChannelDim = options.anyChannelDim;
  recognize.verifyEquivalence = options.verifyEquivalence;
  RewriteBackwardOptions rewrite;
  rewrite.verifyEquivalence = options.verifyEquivalence;
  OpPassManager &functions = pm.nest<func::FuncOp>();
  if (options.recognize)
    functions.addPass(createRecognize(recognize));
  functions.addPass(createFuseForward(fuse));
  functions.addPass(createRewriteBackward(rewrite));
  functions.addPass(createVerifyRewrite());
}

void mlir::abn::registerAbnPipelines() {
  PassPipelineRegistration<OptimizeOptions>("abn-optimize",
                                            "recognise batch norm -> activation chains, compute "
                                            "them in place and rewrite the backward to "
                                            "recover from the stored outputs",
                                            buildOptimizePipeline);
}
