// Ops that pass values on, and the control flow that a training step must not have.
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::hlo;

/// Ordering is what the op is for; the graph IR's passes do not merge what it kept apart.
static LogicalResult convertBarrier(HloOp &op) {
  if (failed(op.expectCounts(op.getNumOperands(), op.getNumOperands())))
    return failure();
  return op.replaceWith(op.getOperation()->getOperands());
}

/// Annotations of sharding, which say nothing on one device.
static LogicalResult convertCustomCall(HloOp &op) {
  auto target = dyn_cast_or_null<StringAttr>(op.attribute("call_target_name"));
  StringRef name = target ? target.getValue() : "";
  bool passesOn = name == "Sharding" || name == "SPMDFullToShardShape" ||
                  name == "SPMDShardToFullShape" || name == "annotate_device_placement";
  if (!passesOn || op.getNumOperands() != 1 || op.getNumResults() != 1)
    return op.error() << "of `" << name << "` is not supported";
  return op.replaceWith(op.operand(0));
}

static LogicalResult refuseLoop(HloOp &op) {
  return op.error() << "is control flow: a training step is imported as one block; unroll the loop "
                       "(docs/Importing.md says how for JAX's random numbers)";
}

static LogicalResult refuseBranch(HloOp &op) {
  return op.error()
         << "is control flow: a training step is imported as one block; use a select, or "
            "trace the branch that is taken";
}

static LogicalResult refuseGenerator(HloOp &op) {
  return op.error() << "is not supported: pass the random numbers as arguments, or draw them with "
                       "`stablehlo.rng`";
}

void mlir::abn::hlo::addControl(Registry &r) {
  r.add("stablehlo.optimization_barrier", convertBarrier);
  r.add("stablehlo.custom_call", convertCustomCall);
}

const ConvertFn *mlir::abn::hlo::lookupRefused(StringRef name) {
  static const llvm::StringMap<ConvertFn> refused = {
      {"stablehlo.while", refuseLoop},
      {"stablehlo.case", refuseBranch},
      {"stablehlo.if", refuseBranch},
      {"stablehlo.rng_bit_generator", refuseGenerator}};
  auto found = refused.find(name);
  return found == refused.end() ? nullptr : &found->second;
}
