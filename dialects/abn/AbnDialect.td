// The abn dialect: batch normalisation and activations, out of place as front-ends write them
// and in place as INPLACE-ABN (Rota Bulò, Porzi, Kontschieder, CVPR 2018) computes them.
#ifndef ABN_DIALECT_TD
#define ABN_DIALECT_TD

include "mlir/IR/DialectBase.td"

def Abn_Dialect : Dialect {
  let name = "abn";
  let summary = "Batch normalisation, activations, and their in-place forms";
  let description = [{
    Batch normalisation over all dimensions but the channel, activations, their gradients, and
    the in-place forms of INPLACE-ABN (Rota Bulò, Porzi, Kontschieder, CVPR 2018), which keep
    only the activated output `z` and recover from it what the backward pass needs:

        mean, variance over the M other positions (biased);  r = 1/sqrt(variance + epsilon)
        xhat = (x - mean) * r;   y = gamma * xhat + beta;    z = phi(y)
        y = phi^-1(z);  dy = dz * phi'(from z);              xhat = (y - beta) / gamma
        dbeta = sum(dy);  dgamma = sum(dy * xhat)
        dx = gamma * r * (dy - dbeta/M - xhat * dgamma/M)

    Ops work on tensors and, after bufferization, on memrefs; all are in destination style. On
    function arguments and results the dialect reads the discardable attributes `abn.role` and
    `abn.name` (both strings), which front-ends use to say what each value is; `abn.donated` (a unit
    attribute) marks an argument that the caller does not use afterwards.

    Constraints common to the abn ops:
    - (c1) operands are all tensors (then one result per destination, of its type) or all memrefs
      (then no results).
    - (c2) `channel_dim` is in [0, rank).
    - (c3) every per-channel vector has the size of `channel_dim`; sizes that are both static agree.
    - (c4) all full-size operands have the same element type and compatible shapes.
    - (c5) statistics are f64 for f64 data and f32 otherwise; gamma, beta and activation parameters
      have the element type of the data or of the statistics; dgamma and dbeta, that of the
      statistics.
    - (c6) `epsilon` is finite and not negative.
    - (c7) the activation takes as many `params` as are given.
    - (c11) the destinations are those of the op's results: one of full size, then as many
      per-channel vectors as the op has per-channel results.
    - (c12) batch statistics need elements: where an op uses them, no static size is 0.

    (c8 to c10 belong to single ops and carry their names: activation_grad_c8,
    activation_inverse_c8, inplace_c8, inplace_c9, inplace_c10. Activations check their own
    parameters: activation_a1 to activation_a4.)
  }];
  let cppNamespace = "::mlir::abn";
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect", "::mlir::linalg::LinalgDialect"
  ];
  let extraClassDeclaration = [{
    /// Names of the discardable attributes on function arguments and results.
    static constexpr StringLiteral kRoleAttr = "abn.role";
    static constexpr StringLiteral kNameAttr = "abn.name";
    static constexpr StringLiteral kDonatedAttr = "abn.donated";
    /// On a batch norm (or in-place op): the name of its chain in reports and run-time messages.
    static constexpr StringLiteral kChainAttr = "abn.chain";
    /// On an op: what of its kernels' tiling the user fixes (convert-abn-to-gpu).
    static constexpr StringLiteral kTilingAttr = "abn.tiling";
    /// On a batch norm that was left alone: why.
    static constexpr StringLiteral kReasonAttr = "abn.reason";
    /// On an in-place forward op: in-place or through-add.
    static constexpr StringLiteral kStrategyAttr = "abn.strategy";
    /// On a batch norm: overrides the pass option gamma-policy for this chain.
    static constexpr StringLiteral kGammaPolicyAttr = "abn.gamma_policy";
    /// On a chain's op: the bytes of x, y and z that crossed to the backward before the rewrite.
    static constexpr StringLiteral kSavedBeforeAttr = "abn.saved_bytes_before";
    /// On a function: what crossed and was live before the rewrite (see docs/Report.md).
    static constexpr StringLiteral kMemoryBeforeAttr = "abn.memory_before";
    /// On an op: it computes again what was dropped; the number tells it from the other times.
    static constexpr StringLiteral kRecomputeAttr = "abn.recompute";
    /// On an allocation, or a view of the arena: its index in the pack problem.
    static constexpr StringLiteral kSlotAttr = "abn.slot";
    /// On the allocation or argument that is the arena.
    static constexpr StringLiteral kArenaAttr = "abn.arena";
    /// On a pack op: the proved lower bound of the arena, and the largest sum of live sizes.
    static constexpr StringLiteral kLowerBoundAttr = "abn.lower_bound_bytes";
    static constexpr StringLiteral kMaxLiveAttr = "abn.max_live_bytes";
    /// On a pack op with computed sizes: the arena's bytes where each dynamic dimension is dynamic_size.
    static constexpr StringLiteral kArenaBytesAttr = "abn.arena_bytes";
    static constexpr StringLiteral kDynamicSizeAttr = "abn.dynamic_size";
    /// On a function that recovers by inversion: the version of it that recomputes instead; on that one a
    /// unit attribute. On the function that chooses between them at run time: both.
    static constexpr StringLiteral kFallbackOfAttr = "abn.fallback";
    static constexpr StringLiteral kFallbackAttr = "abn.is_fallback";
    static constexpr StringLiteral kVersionsAttr = "abn.versions";
    /// On a function: what crosses and is live after the rewrite, with its chains.
    static constexpr StringLiteral kMemoryAfterAttr = "abn.memory_after";
    /// On the first op of the backward.
    static constexpr StringLiteral kBackwardAttr = "abn.backward";
    /// On a pack op: the bytes behind each buffer that nobody may write (abn-instrument-arena).
    static constexpr StringLiteral kCanaryAttr = "abn.canary_bytes";
    /// On a function: abn-instrument-arena has run.
    static constexpr StringLiteral kInstrumentedAttr = "abn.instrumented";
    /// On a function: what the planner chose and what it costs (see docs/Report.md).
    static constexpr StringLiteral kPlanAttr = "abn.plan";
    /// In it, if sizes are known only at run time: the size of dynamic dimensions that it is tuned for.
    static constexpr StringLiteral kDynamicSizeKey = "dynamic_size";
    /// In it, once abn-schedule has run.
    static constexpr StringLiteral kScheduledKey = "scheduled";
    /// In it: the bytes that the arena must not exceed, if a budget was given.
    static constexpr StringLiteral kBudgetKey = "budget_bytes";
    void registerAttributes();
  }];
}

#endif // ABN_DIALECT_TD
