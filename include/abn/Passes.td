// The passes, in the order in which a step runs through them: the compiler's table of contents.
#ifndef ABN_PASSES_TD
#define ABN_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Import
//===----------------------------------------------------------------------===//

def ImportAten : Pass<"abn-import-aten", "::mlir::ModuleOp"> {
  let summary = "Convert `aten` ops, by name, to linalg, abn and dnn";
  let description = [{
    Reads a training step that PyTorch's AOTAutograd traced, in the generic form that
    `abn-export torch` writes: one op per aten overload, `"aten.<name>.<overload>"`, on builtin
    tensor types. The attribute `args` holds the positional arguments of the overload's schema in
    order: `"%k"` is operand k, `unit` is None, `"torch.float32"` a dtype; keyword arguments are
    further attributes. The aten dialect need not be loaded.

    Precondition: static shapes, no sizes of 0, elements of f16, bf16, f32, f64, i1, i8, i16, i32 or
    i64, no recursive calls. docs/Importing.md lists the known ops. Afterwards: no aten op is left;
    every op has the location of the aten op that it comes from; a batch norm carries the name of its
    module (`abn.chain`); a function that had aten ops carries `abn.memory_before` (docs/Report.md).
    An op that is unknown, or does not fit its schema, is an error at its location, and nothing is
    written.

    Before:

    ```mlir
    // %y : tensor<8x64x56x56xf32>
    %0 = "aten.leaky_relu.default"(%y) <{args = ["%0", 0.01 : f64]}>
        : (tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```

    After:

    ```mlir
    %e = tensor.empty() : tensor<8x64x56x56xf32>
    %0 = abn.activation #abn.leaky_relu<0.01> ins(%y : tensor<8x64x56x56xf32>)
        outs(%e : tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```
  }];
  let options = [
    Option<"listOps", "list-ops", "bool", "false",
           "Print the schemas of all known ops and do nothing else">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::dnn::DnnDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
}

def ImportStableHlo : Pass<"abn-import-stablehlo", "::mlir::ModuleOp"> {
  let summary = "Convert `stablehlo` and `chlo` ops, by name, to linalg, abn and dnn";
  let description = [{
    Reads a training step that JAX, flax or TensorFlow lowered to StableHLO, in generic form
    (JAX: `lowered.compiler_ir("stablehlo").operation.get_asm(print_generic_op_form=True)`). The
    dialects need not be loaded. Calls and composites are inlined first. Elementwise ops become one
    linalg.generic each, with one scalar op in the body; convolutions become `dnn.convolution` and
    its gradients, whatever their layouts; windows become pools; `select_and_scatter` reads the
    indices of the `dnn.max_pool` of the forward; constants are unique in their block.

    Precondition: static shapes, no sizes of 0, elements of f16, bf16, f32, f64 or integers of 1, 8,
    16, 32 or 64 bits, no recursive calls, no control flow. docs/Importing.md lists the known ops.
    Afterwards: no stablehlo or chlo op and no call of a private function is left; integers are
    signless; every op has the location of the op that it comes from, and of the calls that it was
    inlined from; arguments and results keep `abn.role` and `abn.name` or are named as JAX named
    them (`jax.result_info`); a function that had such ops carries `abn.memory_before`
    (docs/Report.md). An op that is unknown, or does not fit its definition, is an error at its
    location, and nothing is written.

    Before:

    ```mlir
    // %y, %z : tensor<8x56x56x64xf32>
    %0 = "stablehlo.maximum"(%y, %z)
        : (tensor<8x56x56x64xf32>, tensor<8x56x56x64xf32>) -> tensor<8x56x56x64xf32>
    ```

    After:

    ```mlir
    #id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
    %e = tensor.empty() : tensor<8x56x56x64xf32>
    %0 = linalg.generic {indexing_maps = [#id, #id, #id],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%y, %z : tensor<8x56x56x64xf32>, tensor<8x56x56x64xf32>)
        outs(%e : tensor<8x56x56x64xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %m = arith.maximumf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<8x56x56x64xf32>
    ```
  }];
  let options = [
    Option<"listOps", "list-ops", "bool", "false",
           "Print the names of all known ops and do nothing else">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::dnn::DnnDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
}

//===----------------------------------------------------------------------===//
// Recognise
//===----------------------------------------------------------------------===//

def Recognize : Pass<"abn-recognize", "::mlir::func::FuncOp"> {
  let summary = "Find decomposed batch norms and make them abn ops";
  let description = [{
    Finds training batch norms that a front end left as elementwise ops and reductions, by what the
    values of the function are equal to, not by which ops compute them. The function is evaluated once
    on tiny random tensors, in double precision (docs/Recognition.md); x is a value whose per-channel sum
    is computed, y one that is affine in x per channel with a slope that goes as
    1/sqrt(variance + epsilon), dy one whose sum and correlation with xhat are computed, dx the one that
    the formula of the gradient gives. Then the activation, forward and backward, also behind a residual
    sum. Each match must hold at seven other scales of the inputs, and every comparison on the way to a
    value that it replaces must have shown both outcomes; else it is left alone. Fused `linalg.generic`s are split for
    the search and put back where nothing was found in them.

    Layer, group and instance norms are never taken, nor are evaluation mode, an unbiased variance in
    the normalisation, or clipped or blended statistics: they are other functions. Normalisations over
    all dimensions but the first are taken with `any-channel-dim` only. Each candidate that is left
    alone has a missed remark that says at which step it failed.

    Precondition: linalg on tensors; functions of one block. One with a plan is left as it is: what the plan
    computes in place would be taken for decomposed batch norms. Afterwards what was found is `abn.batch_norm`,
    `abn.batch_norm_grad`, `abn.activation` and `abn.activation_grad`; values are equal up to rounding. A
    batch norm whose backward was not found is taken all the same: `abn-fuse-forward` then recovers what
    the backward reads of its input.

    Before:

    ```mlir
    // %x : tensor<8x16x16x64xf32>
    // %inv, %scale : tensor<64xf32>
    %centred = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>,
                                                affine_map<(n, h, w, c) -> (c)>,
                                                affine_map<(n, h, w, c) -> (n, h, w, c)>],
                               iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%x, %mean : tensor<8x16x16x64xf32>, tensor<64xf32>)
        outs(%init : tensor<8x16x16x64xf32>) {
    ^bb0(%a: f32, %m: f32, %out: f32):
      %0 = arith.subf %a, %m : f32
      linalg.yield %0 : f32
    } -> tensor<8x16x16x64xf32>
    // and so on: some ten ops forward, some thirty backward
    ```

    After:

    ```mlir
    !full = tensor<8x16x16x64xf32>
    !stat = tensor<64xf32>
    %y, %m, %v = abn.batch_norm {channel_dim = 3 : i64, epsilon = 1.0e-5 : f64}
        ins(%x : !full) gamma(%g : !stat) beta(%b : !stat)
        outs(%y0, %m0, %v0 : !full, !stat, !stat) -> !full, !stat, !stat
    ```
  }];
  let options = [
    Option<"anyChannelDim", "any-channel-dim", "bool", "false",
           "also take normalisations whose channel is the first dimension, or a part of one that a "
           "reshape split">,
    Option<"verifyEquivalence", "verify-equivalence", "bool", "false",
           "evaluate the function before and after on tiny tensors; a difference is an error">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
}

def VerifyEquivalence : Pass<"abn-verify-equivalence", "::mlir::ModuleOp"> {
  let summary = "Check that two functions compute the same";
  let description = [{
    Evaluates two functions of one type on the same tiny random tensors at four scales, in double
    precision, and compares all results; a result that differs by more than 1e-5 of its largest entry is
    an error, which names the result and the first op that reads something else. Elementwise ops,
    reductions, reshapes and abn ops are executed; any other op counts as a function of what it reads.
    Agreement is therefore no proof for ops whose body was changed (they count as other functions), but
    two functions that differ in what is executed are told apart: the inputs are random.

    This is what `verify-equivalence` does within the passes that rewrite. Changes nothing.

    ```mlir
    func.func @before(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      return %x : tensor<4x8xf32>
    }
    func.func @after(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      return %x : tensor<4x8xf32>
    }
    ```
  }];
  let options = [
    Option<"before", "before", "std::string", "\"before\"", "the name of one function">,
    Option<"after", "after", "std::string", "\"after\"", "the name of the other">
  ];
}

//===----------------------------------------------------------------------===//
// Rewrite
//===----------------------------------------------------------------------===//

def FuseForward : Pass<"abn-fuse-forward", "::mlir::func::FuncOp"> {
  let summary = "Compute batch norms with their activations in place of their input";
  let description = [{
    Finds every batch norm -> activation chain of a training step (INPLACE-ABN, Rota Bulò, Porzi,
    Kontschieder, CVPR 2018) and, where it pays and is legal, makes it one `abn.inplace_forward`.
    What the backward read of the chain's input x is then `abn.recover`ed from its output z, what it
    read of the normalised value y is `abn.activation_inverse`d, and activation gradients read z.
    With `through-add`, an output that only a residual sum reads is not kept either: it is rebuilt
    from the sum (or the sum's activated value) and the other operand, just before the backward.

    Precondition: a function of one block; forward is what the loss result depends on (the
    option `loss-result`, role `loss`, or the only floating-point scalar result), backward is the rest.
    Afterwards: nothing in the backward reads the x or y of an in-place chain. Values are equal up to
    rounding. Every chain that is left alone keeps its ops, says why in the attribute `abn.reason`,
    and has a missed remark. The function carries `abn.memory_before`, see docs/Report.md.

    Before:

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !stat = tensor<64xf32>
    %y, %m, %v = abn.batch_norm {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%x : !full) gamma(%g : !stat) beta(%b : !stat)
        outs(%y0, %m0, %v0 : !full, !stat, !stat) -> !full, !stat, !stat
    %z = abn.activation #abn.leaky_relu<0.01> ins(%y : !full) outs(%z0 : !full) -> !full
    // the rest of the forward reads %z; in the backward, %dz is its gradient
    %dy = abn.activation_grad #abn.leaky_relu<0.01> ins(%dz, %y : !full, !full)
        outs(%dy0 : !full) -> !full
    %dx, %dg, %db = abn.batch_norm_grad {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%dy, %x : !full, !full) stats(%m, %v : !stat, !stat) gamma(%g : !stat)
        outs(%dx0, %dg0, %db0 : !full, !stat, !stat) -> !full, !stat, !stat
    ```

    After:

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !stat = tensor<64xf32>
    %z, %m, %v = abn.inplace_forward #abn.leaky_relu<0.01>
        {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64} gamma(%g : !stat) beta(%b : !stat)
        outs(%x, %m0, %v0 : !full, !stat, !stat) -> !full, !stat, !stat
    // the rest of the forward reads %z; in the backward, %dz is its gradient
    %dy = abn.activation_grad #abn.leaky_relu<0.01> {from_output} ins(%dz, %z : !full, !full)
        outs(%dy0 : !full) -> !full
    %x2 = abn.recover #abn.leaky_relu<0.01> {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%z : !full) stats(%m, %v : !stat, !stat) gamma(%g : !stat) beta(%b : !stat)
        outs(%x0 : !full) -> !full
    %dx, %dg, %db = abn.batch_norm_grad {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%dy, %x2 : !full, !full) stats(%m, %v : !stat, !stat) gamma(%g : !stat)
        outs(%dx0, %dg0, %db0 : !full, !stat, !stat) -> !full, !stat, !stat
    ```
  }];
  let options = [
    ListOption<"gammaPolicy", "gamma-policy", "std::string",
               "trust, check, clamp, abs or keep (default: check); chain:policy overrides it for one "
               "chain">,
    Option<"gammaThreshold", "gamma-threshold", "double", "1e-3",
           "the smallest |gamma| under clamp">,
    Option<"throughAdd", "through-add", "bool", "true",
           "recover chains through the residual adds that they feed">,
    Option<"substituteReluOption", "substitute-relu", "bool", "false",
           "replace relu by leaky_relu(0.01): this changes the network">,
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "8",
           "what dynamic dimensions count as in the bytes for the report">,
    Option<"verifyEquivalence", "verify-equivalence", "bool", "false",
           "evaluate the function before and after on tiny tensors; a difference is an error (not "
           "under gamma policy abs, which changes the network)">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def RewriteBackward : Pass<"abn-rewrite-backward", "::mlir::func::FuncOp"> {
  let summary = "Fuse gradients that read a recovered input into one op that reads the output";
  let description = [{
    A `abn.batch_norm_grad` whose input is an `abn.recover` becomes an `abn.inplace_backward`, with
    the activation's gradient where that reads the same output; frozen statistics likewise. The
    recovered tensor is then never formed. A function with a plan is left as it is.

    Precondition: abn-fuse-forward. Afterwards: no gradient of a batch norm reads its own recovered input.

    Before:

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !stat = tensor<64xf32>
    %dy = abn.activation_grad #abn.leaky_relu<0.01> {from_output} ins(%dz, %z : !full, !full)
        outs(%dy0 : !full) -> !full
    %x2 = abn.recover #abn.leaky_relu<0.01> {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%z : !full) stats(%m, %v : !stat, !stat) gamma(%g : !stat) beta(%b : !stat)
        outs(%x0 : !full) -> !full
    %dx, %dg, %db = abn.batch_norm_grad {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%dy, %x2 : !full, !full) stats(%m, %v : !stat, !stat) gamma(%g : !stat)
        outs(%dx0, %dg0, %db0 : !full, !stat, !stat) -> !full, !stat, !stat
    ```

    After:

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !stat = tensor<64xf32>
    %dx, %dg, %db = abn.inplace_backward #abn.leaky_relu<0.01>
        {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%z : !full) stats(%v : !stat) gamma(%g : !stat) beta(%b : !stat)
        outs(%dz, %dg0, %db0 : !full, !stat, !stat) -> !full, !stat, !stat
    ```
  }];
  let options = [
    Option<"verifyEquivalence", "verify-equivalence", "bool", "false",
           "evaluate the function before and after on tiny tensors; a difference is an error">
  ];
  let dependentDialects = ["::mlir::abn::AbnDialect", "::mlir::tensor::TensorDialect"];
}

def VerifyRewrite : Pass<"abn-verify-rewrite", "::mlir::func::FuncOp"> {
  let summary = "Check what must hold after the rewrite";
  let description = [{
    - (v1) nothing reads the input of an in-place op after it;
    - (v2) a backward op agrees with the forward op whose statistics it reads in epsilon, channel,
      gamma, beta, gamma policy, activation and, unless it is rebuilt, the output;
    - (v3) no gradient of a batch norm reads its own recovered input;
    - (v4) nothing reads what an activation that is not invertible would recover.

    Ops on buffers are left to abn-verify-plan. Changes nothing.
  }];
}

def DispatchGamma : Pass<"abn-dispatch-gamma", "::mlir::ModuleOp"> {
  let summary = "Rewrite a copy of the step and choose between the two at run time";
  let description = [{
    What is recovered by inversion is divided by gamma, and lost where gamma is near zero
    (docs/Numerics.md). A step in which chains invert becomes three functions:

    - `<name>_invert`: rewritten by abn-fuse-forward, abn-rewrite-backward and abn-verify-rewrite, with
      the options that they know;
    - `<name>_exact`: as it came;
    - `<name>`, of the old signature: calls the first if the smallest |gamma| of all chains that the
      first one inverts is at least `gamma-threshold`, and the second if not, or if a gamma is NaN. The
      choice is made anew at every step.

    Functions that are versions, or choose, or have a plan already, are left as they are. Where a name is
    taken, the new function gets another one.

    Chains without gamma have gamma 1. A step in which nothing is inverted, or one of those gammas is no
    argument of the function, stays one function: the rewritten one, with its gamma policies.

    Precondition: batch norms are abn ops (abn-recognize). Afterwards the first version carries
    `abn.fallback` (the name of the second), the second `abn.is_fallback`, the function that chooses
    `abn.versions`; the passes from abn-plan-recompute to abn-report-memory know the three as one step
    with one arena.

    After, for a step of one chain (its versions without their bodies):

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !vec = tensor<64xf32>
    func.func @step(%x: !full, %gamma: !vec) -> !full
        attributes {abn.versions = [@step_invert, @step_exact]} {
      %infinity = arith.constant 0x7FF0000000000000 : f64
      %any = tensor.cast %gamma : !vec to tensor<?xf32>
      %smallest = call @smallest_magnitude(%any, %infinity) : (tensor<?xf32>, f64) -> f64
      %threshold = arith.constant 1.0e-3 : f64
      %is_large = arith.cmpf oge, %smallest, %threshold : f64
      %dx = scf.if %is_large -> !full {
        %0 = func.call @step_invert(%x, %gamma) : (!full, !vec) -> !full
        scf.yield %0 : !full
      } else {
        %0 = func.call @step_exact(%x, %gamma) : (!full, !vec) -> !full
        scf.yield %0 : !full
      }
      return %dx : !full
    }
    func.func private @smallest_magnitude(tensor<?xf32>, f64) -> f64
    func.func private @step_invert(!full, !vec) -> !full
    func.func private @step_exact(!full, !vec) -> !full
    ```
  }];
  let options = [
    ListOption<"gammaPolicy", "gamma-policy", "std::string",
               "trust, check, clamp, abs or keep (default: check); chain:policy overrides it for one "
               "chain">,
    Option<"gammaThreshold", "gamma-threshold", "double", "1e-3",
           "the smallest |gamma| under clamp, and for which the inverting version runs">,
    Option<"throughAdd", "through-add", "bool", "true",
           "recover chains through the residual adds that they feed">,
    Option<"substituteReluOption", "substitute-relu", "bool", "false",
           "replace relu by leaky_relu(0.01): this changes the network">,
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "8",
           "what dynamic dimensions count as in the bytes for the report">,
    Option<"verifyEquivalence", "verify-equivalence", "bool", "false",
           "evaluate the function before and after on tiny tensors; a difference is an error (not "
           "under gamma policy abs, which changes the network)">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

def FoldTransposes : Pass<"abn-fold-transposes", "::mlir::func::FuncOp"> {
  let summary = "Let matmuls read transposed operands in place";
  let description = [{
    A `linalg.matmul` of a `linalg.transpose` reads the transpose's input through its indexing map; a
    transpose of a transpose folds. Frameworks store a linear layer's weight transposed: the copy is
    as large as the weight and would be in the plan. A function with a plan is left as it is.

    Precondition: ops on tensors. Afterwards no matmul reads a transpose. Values are the same bit by bit: the
    order of the sums does not change.

    ```mlir
    %t = linalg.transpose ins(%w : tensor<10x64xf32>) outs(%e : tensor<64x10xf32>)
        permutation = [1, 0]
    %y = linalg.matmul ins(%x, %t : tensor<8x64xf32>, tensor<64x10xf32>)
        outs(%zero : tensor<8x10xf32>) -> tensor<8x10xf32>
    ```

    becomes

    ```mlir
    %y = linalg.matmul
        indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                         affine_map<(m, n, k) -> (m, n)>]
        ins(%x, %w : tensor<8x64xf32>, tensor<10x64xf32>)
        outs(%zero : tensor<8x10xf32>) -> tensor<8x10xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def PlanRecompute : Pass<"abn-plan-recompute", "::mlir::ModuleOp"> {
  let summary = "Choose what is kept for the backward and what is computed again";
  let description = [{
    Decides, for each training step of the module, which values of the forward are kept for the backward
    and which are computed again, when, and what each op writes over; docs/MemoryModel.md says how. The
    plan is chosen from a curve of plans, each priced by the bytes of its packed arena and by what it
    computes again:

    - by `objective`, without a convolution that runs twice;
    - with `budget-bytes`, the least recomputation whose arena is no larger, with convolutions if it must
      be. A budget that no plan meets is an error, with the smallest arena found, which is met as a budget,
      and with what is proved to be needed. The arena never rises when the budget falls.

    Values are those of the step that it is given, bit by bit, but where that inverts (`numerics=invert`):
    there the operands of residual sums may be given back from the sum, equal up to rounding. The gradient of an activation
    whose derivative is exact from its output reads that. The second version of a step
    (abn-dispatch-gamma) recomputes no more than the arena of the first makes necessary. With a budget both
    must meet it; where only the second does, it is the step alone, and the first and the choice go.

    Precondition: tensors, one block, a loss; functions without a loss are left alone, and so is a step that
    has a plan: plan another budget or objective from the step as it came. Afterwards the ops
    stand in the order of the plan. What the step returns, or gives to a call, as a part of a buffer (a view
    whose elements are not in a row from its first byte on) is a copy, a `bufferization.alloc_tensor`. One that computes again or gives back what is not kept has the
    attribute `abn.recompute`, a number that no other has, so that CSE keeps the two apart. An op that
    takes over an operand's buffer has that operand as its destination, others have a `tensor.empty` of
    their own. The function carries `abn.plan` (docs/Report.md).

    Before:

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !stat = tensor<64xf32>
    // %y0, %z0 : tensor<8x64x56x56xf32>
    %y, %m, %v = abn.batch_norm {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%x : !full) gamma(%g : !stat) beta(%b : !stat)
        outs(%y0, %m0, %v0 : !full, !stat, !stat) -> !full, !stat, !stat
    %z = abn.activation #abn.relu ins(%y : !full) outs(%z0 : !full) -> !full
    // in the forward a convolution reads %z, in the backward its weight gradient
    ```

    After: z is written over y, and computed again from x right before the weight gradient:

    ```mlir
    !full = tensor<8x64x56x56xf32>
    !stat = tensor<64xf32>
    %y, %m, %v = abn.batch_norm {channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%x : !full) gamma(%g : !stat) beta(%b : !stat)
        outs(%y0, %m0, %v0 : !full, !stat, !stat) -> !full, !stat, !stat
    %z = abn.activation #abn.relu ins(%y : !full) outs(%y : !full) -> !full
    %e = tensor.empty() : !full
    %y2 = abn.batch_norm_inference {abn.recompute = 0 : i64, channel_dim = 1 : i64,
                                    epsilon = 1.0e-5 : f64}
        ins(%x : !full) stats(%m, %v : !stat, !stat) gamma(%g : !stat) beta(%b : !stat)
        outs(%e : !full) -> !full
    %z2 = abn.activation #abn.relu {abn.recompute = 1 : i64} ins(%y2 : !full) outs(%y2 : !full) -> !full
    ```
  }];
  let options = [
    Option<"budgetBytes", "budget-bytes", "int64_t", "-1",
           "the arena must not be larger; convolutions are computed again too if nothing else meets it">,
    Option<"objective", "objective", "std::string", "\"balanced\"",
           "`peak`: the smallest arena; `balanced`: the least recomputation within 3 % of it; `time`: no "
           "recomputation but what the rewrite inverts">,
    Option<"alignment", "alignment", "int64_t", "256", "offsets are multiples of it, in bytes">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "8",
           "what dynamic dimensions count as; the plan is valid for all sizes, and tuned for this one">,
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def Schedule : Pass<"abn-schedule", "::mlir::func::FuncOp"> {
  let summary = "Order the ops of a step for the smallest arena";
  let description = [{
    Moves ops within their dependences. A portfolio, of which the order with the smallest packed arena
    wins: the given order (it also wins a draw), weight gradients with their updates right behind their
    operands or, where they are larger than those, at the end, depth first from the results, and
    greedily by the bytes that each op adds. Nothing but fills is computed again that was not before;
    destinations become operands that die, as in abn-plan-recompute. Deterministic.

    Precondition: a training step on tensors. Afterwards the arena is not larger than before; a planned step
    has `scheduled` in its `abn.plan`, and a second run leaves it as it is.

    ```mlir
    %w = linalg.broadcast ins(%a : tensor<8xf32>) outs(%e : tensor<8x128xf32>) dimensions = [1]
    %b = linalg.exp ins(%a : tensor<8xf32>) outs(%f : tensor<8xf32>) -> tensor<8xf32>
    ```

    becomes, since %w is larger than its operand and both are results of the step,

    ```mlir
    %b = linalg.exp ins(%a : tensor<8xf32>) outs(%f : tensor<8xf32>) -> tensor<8xf32>
    %w = linalg.broadcast ins(%a : tensor<8xf32>) outs(%e : tensor<8x128xf32>) dimensions = [1]
    ```
  }];
  let options = [
    Option<"alignment", "alignment", "int64_t", "256", "offsets are multiples of it, in bytes">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "8",
           "what dynamic dimensions count as; the plan is valid for all sizes, and tuned for this one">,
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def FuseRecomputation : Pass<"abn-fuse-recomputation", "::mlir::func::FuncOp"> {
  let summary = "Compute again in one pass what several elementwise ops would";
  let description = [{
    Recomputed elementwise ops of which only the next one reads the result (normalise, add the shortcut,
    activate) become one `linalg.generic`: what is between them is not written. Values are the same bit by
    bit; results that are rounded to a narrow type between two ops still are.

    Precondition: abn-plan-recompute, whose marks (`abn.recompute`) say which ops these are. Afterwards no
    recomputed elementwise op is the only reader of another one right before it, unless the producer is read
    twice or is the last to read several full tensors, or a plan's arena has no room for the fused op: a batch
    norm needs a per-channel vector that the planner did not count. In a planned step the arena is no larger
    than the plan says.

    ```mlir
    !full = tensor<8x4xf32>
    %y = abn.batch_norm_inference {abn.recompute = 0 : i64, channel_dim = 1 : i64, epsilon = 1.0e-5 : f64}
        ins(%x : !full) stats(%m, %v : tensor<4xf32>, tensor<4xf32>) outs(%e : !full) -> !full
    %z = abn.activation #abn.relu {abn.recompute = 1 : i64} ins(%y : !full) outs(%y : !full) -> !full
    ```

    becomes

    ```mlir
    !full = tensor<8x4xf32>
    // %scale : tensor<4xf32>
    %z = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                                          affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%x, %m, %scale : !full, tensor<4xf32>, tensor<4xf32>) outs(%e : !full)
        attrs = {abn.recompute = 1 : i64} {
    ^bb0(%a: f32, %mean: f32, %s: f32, %out: f32):
      %zero = arith.constant 0.0 : f32
      %deviation = arith.subf %a, %mean : f32
      %normalized = arith.mulf %deviation, %s : f32
      %below = arith.cmpf ole, %normalized, %zero : f32
      %0 = arith.select %below, %zero, %normalized : f32
      linalg.yield %0 : f32
    } -> !full
    ```
  }];
  let options = [
    Option<"alignment", "alignment", "int64_t", "256", "offsets are multiples of it, in bytes">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def Bufferize : Pass<"abn-bufferize", "::mlir::ModuleOp"> {
  let summary = "Give every tensor a buffer, with the planned destinations";
  let description = [{
    One-shot bufferization of all functions, with the destinations as they are: an op writes into the
    buffer of its destination. Where that would destroy what is read later, or what the op itself reads
    elsewhere, the op gets a buffer of its own; if it reads its destination, with a copy and a missed
    remark (`Copy`) that says which op needed it. So it is where the destination is the last part of a
    larger buffer that anybody reads: in place the op would keep all of it alive. After abn-plan-recompute
    there are no copies but those that the plan counts.

    A tensor that is only empty, or filled with a scalar, is made anew for each op that writes over it, as
    the planner counts them: CSE makes one of many, which would be live from the first to the last.

    Arguments are written only if they have `abn.donated`. Functions without control flow on tensors are
    analysed in one pass over their ops, with the last read of each buffer; if any function has some,
    upstream's analysis decides for all.

    Precondition: every op on tensors has a bufferizable form. Afterwards there are no tensors; functions
    take and return memrefs of identity layout, and return what they allocate.

    ```mlir
    func.func @f(%x: tensor<8x4xf32>, %w: tensor<8x4xf32> {abn.donated}) -> tensor<8x4xf32> {
      %e = tensor.empty() : tensor<8x4xf32>
      %a = linalg.exp ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
      %b = linalg.add ins(%a, %w : tensor<8x4xf32>, tensor<8x4xf32>) outs(%w : tensor<8x4xf32>)
          -> tensor<8x4xf32>
      return %b : tensor<8x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<8x4xf32>, %w: memref<8x4xf32> {abn.donated}) -> memref<8x4xf32> {
      %a = memref.alloc() : memref<8x4xf32>
      linalg.exp ins(%x : memref<8x4xf32>) outs(%a : memref<8x4xf32>)
      linalg.add ins(%a, %w : memref<8x4xf32>, memref<8x4xf32>) outs(%w : memref<8x4xf32>)
      return %w : memref<8x4xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"
  ];
}

def FormPackProblem : Pass<"abn-form-pack-problem", "::mlir::func::FuncOp"> {
  let summary = "Gather the allocations of a step in one pack op";
  let description = [{
    One `abn.pack` at the function's entry gets a size in bytes and a lifetime for each allocation, and
    each allocation the attribute `abn.slot`, its index there. A lifetime is the positions, in the
    function's block, of the first and the last op that uses the buffer, inclusive, through whatever view
    (upstream's alias analysis); a view itself uses no byte, an op with a region does at its own place, and
    the return is the last op. Booleans take a byte each. A dynamic size is a product of constants and
    sizes of the function's arguments, computed at its entry.

    Precondition: buffers (abn-bufferize), one block, allocations of identity layout. Afterwards every
    allocation of the block that is used is in the problem, but with `outputs=outside` those that the
    function returns. What an op with a region allocates for itself is not, and an op other than a view
    that returns one of the buffers, or one of its own (`scf.if` on tensors), is an error: it would be one
    buffer or another. With `outputs=outside`, `abn.plan` keeps no bound of the planner, which counted
    the results; where nothing is left for an arena, it has none.

    ```mlir
    func.func @f(%x: memref<8xf32>) -> memref<8xf32> {
      %a = memref.alloc() : memref<8xf32>
      linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
      %b = memref.alloc() : memref<8xf32>
      linalg.tanh ins(%a : memref<8xf32>) outs(%b : memref<8xf32>)
      return %b : memref<8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<8xf32>) -> memref<8xf32> {
      %c32 = arith.constant 32 : index
      %arena, %offsets:2 = abn.pack lifetimes([1, 3, 3, 4]) sizes(%c32, %c32) : index, index
      %a = memref.alloc() {abn.slot = 0 : i64} : memref<8xf32>
      linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
      %b = memref.alloc() {abn.slot = 1 : i64} : memref<8xf32>
      linalg.tanh ins(%a : memref<8xf32>) outs(%b : memref<8xf32>)
      return %b : memref<8xf32>
    }
    ```
  }];
  let options = [
    Option<"outputs", "outputs", "std::string", "\"arena\"",
           "`arena`: results of the function live in the arena; `outside`: each has its own allocation">
  ];
  let dependentDialects = ["::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect"];
}

def AssignOffsets : Pass<"abn-assign-offsets", "::mlir::func::FuncOp"> {
  let summary = "Place the buffers of pack ops";
  let description = [{
    Solves every `abn.pack` with the packer (docs/Packing.md) and leaves the answer on it: `offsets` and
    `arena_size`, the largest sum of sizes that are live together (`abn.max_live_bytes`), and what no
    placement of these buffers at this alignment can be below (`abn.lower_bound_bytes`). Where sizes are
    computed, `offset_maps` and `arena_map` hold formulas that are right for all sizes; the figures are
    those at `dynamic-size`. An answer that is there already is replaced. Deterministic: the search ends by
    its number of nodes, not by time.

    An arena above the budget that `abn-plan-recompute` promised to keep (`budget_bytes` of the function's
    `abn.plan`) is an error, or a warning where sizes are computed; `canary-bytes` are not counted as planned.

    Precondition: none. Afterwards every `abn.pack` is solved; its verifier has checked the answer.

    ```mlir
    // %a : index
    %arena, %offsets:2 = abn.pack lifetimes([1, 3, 3, 4]) sizes(%a, %a) : index, index
    ```

    becomes, if %a is 32,

    ```mlir
    // %a : index
    %arena, %offsets:2 = abn.pack lifetimes([1, 3, 3, 4]) sizes(%a, %a)
        {abn.lower_bound_bytes = 288 : i64, abn.max_live_bytes = 64 : i64, arena_size = 288 : i64,
         offsets = array<i64: 0, 256>} : index, index
    ```
  }];
  let options = [
    Option<"alignment", "alignment", "int64_t", "256", "offsets are multiples of it, in bytes">,
    Option<"nodeLimit", "node-limit", "int64_t", "500000",
           "how long to search for a smaller arena: nodes of the packer's branch and bound">,
    Option<"canaryBytes", "canary-bytes", "int64_t", "0",
           "room behind each buffer for the bytes that abn-instrument-arena watches">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "0",
           "what dynamic dimensions count as where the order of the buffers is chosen; 0: what they "
           "counted as in abn-plan-recompute, or 8">
  ];
  let dependentDialects = ["::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect"];
}

def MaterializeArena : Pass<"abn-materialize-arena", "::mlir::ModuleOp"> {
  let summary = "Replace the allocations by views of one arena";
  let description = [{
    Each allocation with a slot becomes a `memref.view` of the arena at its offset. With `arena=alloc` the
    arena is an allocation at the function's entry, aligned as the offsets are; with `arena=argument` it is
    a new last argument, and a function `<name>_arena_size` says how many bytes the caller must give. The
    op or argument carries `abn.arena`; a function that takes its arena may not be called by others in the
    module, and the name `<name>_arena_size` must be free. Where the size is computed when the step runs, `<name>_arena_size`
    takes the sizes that it depends on, and the step asserts that the arena is large enough.

    The versions of a step (abn-dispatch-gamma) take theirs from the function that chooses between them: one
    arena, as large as the larger one needs.

    Precondition: abn-assign-offsets, at most one `abn.pack` in a function. Afterwards there is no `abn.pack`
    and no allocation with a slot; `abn.plan` has the bytes of the arena (docs/Report.md). A function that
    returns a slot returns a view: its arena must outlive the results. Passes that tell buffers apart by
    their allocation must have run before.

    ```mlir
    func.func @f(%x: memref<8xf32>) -> memref<8xf32> {
      %c32 = arith.constant 32 : index
      %arena, %offset = abn.pack lifetimes([1, 2]) sizes(%c32)
          {arena_size = 32 : i64, offsets = array<i64: 0>} : index
      %a = memref.alloc() {abn.slot = 0 : i64} : memref<8xf32>
      linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
      return %a : memref<8xf32>
    }
    ```

    becomes, with `arena=argument`,

    ```mlir
    func.func @f_arena_size() -> index {
      %c32 = arith.constant 32 : index
      return %c32 : index
    }
    func.func @f(%x: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) -> memref<8xf32>
        attributes {abn.plan = {alignment = 256 : i64, arena_bytes = 32 : i64}} {
      %c0 = arith.constant 0 : index
      %a = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
      linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
      return %a : memref<8xf32>
    }
    ```
  }];
  let options = [
    Option<"arena", "arena", "std::string", "\"alloc\"",
           "`alloc`: the function allocates it; `argument`: the caller owns it">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def LendWorkspaces : Pass<"abn-lend-workspaces", "::mlir::func::FuncOp"> {
  let summary = "Lend libraries the bytes of the arena that are free while they work";
  let description = [{
    A convolution or matrix product of a library is faster with a workspace. The arena is as large as its
    peak; elsewhere much of it is free. Each dnn op, `linalg.matmul` and `linalg.batch_matmul` of the function's
    block is lent the largest range that no live slot has (the first of several), by two `abn.scratch`: the arena
    grows by nothing. `convert-dnn-to-calls` hands it to the call, and the library chooses what
    fits. The range is a slot of its own, with a lifetime of one op, which abn-verify-plan checks as all others.
    `abn-plan{chip=...}` runs this pass.

    Precondition: abn-materialize-arena. Left alone are ops that have been lent something, arenas whose
    size is computed when the step runs, and those with canaries, between which nothing is free.

    ```mlir
    func.func @f(%x: memref<8x8xf32>, %y: memref<8x8xf32>, %arena: memref<1024xi8> {abn.arena})
        attributes {abn.plan = {alignment = 256 : i64}} {
      %c0 = arith.constant 0 : index
      %a = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<1024xi8> to memref<8x8xf32>
      linalg.exp ins(%x : memref<8x8xf32>) outs(%a : memref<8x8xf32>)
      linalg.matmul ins(%x, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>)
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<8x8xf32>, %y: memref<8x8xf32>, %arena: memref<1024xi8> {abn.arena})
        attributes {abn.plan = {alignment = 256 : i64}} {
      %c0 = arith.constant 0 : index
      %a = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<1024xi8> to memref<8x8xf32>
      linalg.exp ins(%x : memref<8x8xf32>) outs(%a : memref<8x8xf32>)
      %c256 = arith.constant 256 : index
      %w = memref.view %arena[%c256][] {abn.slot = 1 : i64} : memref<1024xi8> to memref<768xi8>
      abn.scratch %w : memref<768xi8>
      linalg.matmul ins(%x, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>)
      abn.scratch %w : memref<768xi8>
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"
  ];
}

def VerifyPlan : Pass<"abn-verify-plan", "::mlir::func::FuncOp"> {
  let summary = "Check that every read finds the bytes that were written for it";
  let description = [{
    Goes through the step op by op and keeps, for every byte of the arena, which slot wrote it last:

    - (plan_c1) a slot lies within the arena;
    - (plan_c2) an op that reads a slot, or returns it, finds all of its bytes written, and by that slot
      last;
    - (plan_c3) an op writes no slot that shares bytes with another slot that it uses, and no slot as
      two of its results;
    - (plan_c4) an op that writes over a slot which it also reads has read each element by then: an
      elementwise op, or an abn op that says so of its full-size operands. The body of a linalg op uses
      no slot by itself that is an operand, if either writes it;
    - (plan_c5) the offset of a slot is a multiple of the alignment that `abn.plan` records, if it
      does.

    What is written through a subview at constant offsets is that part of the slot; parts that do not
    overlap make it whole. A write through any other view, or at one index in a loop, counts as one of all
    that the view shows, and a loop as one that runs: so far the check trusts the program. Of several
    regions of an op (`scf.if`) one runs: what each of them writes is written, what some of them write
    over is lost. What another slot has written over does not come back by a write of a part that is not
    known.

    What reads and writes is what the ops say of their effects; one that says nothing reads and writes all
    its operands, and a view shows all of its slot. Offsets and sizes are constants, or sums of products
    of sizes; then an order of two places counts only if it holds for all sizes. It looks at the program
    only, and shares no code with the planner, the packer and the liveness that they rest on.

    What it cannot follow it refuses: two arenas; a use of the arena that is neither a slot of the
    function's block nor its size, but for the calls of the versions of a step, which get the arena as
    theirs; an op that gives a slot another name or frees it; a view that cannot be shown to lie within
    its slot, as a subview at an offset of which upstream's integer ranges do not say so (they know
    constants, remainders, what is clamped and what loops count); ends beyond 2^63.

    Precondition: abn-materialize-arena, one block; functions without an arena are left alone. Changes
    nothing.

    ```mlir
    func.func @f(%x: memref<8xf32>, %y: memref<8xf32>, %arena: memref<32xi8> {abn.arena}) {
      %c0 = arith.constant 0 : index
      %a = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<32xi8> to memref<8xf32>
      memref.copy %x, %a : memref<8xf32> to memref<8xf32>
      %b = memref.view %arena[%c0][] {abn.slot = 1 : i64} : memref<32xi8> to memref<8xf32>
      memref.copy %x, %b : memref<8xf32> to memref<8xf32>
      // (plan_c2) reads the slot at [0, 32) after another slot was written over it
      memref.copy %a, %y : memref<8xf32> to memref<8xf32>
      return
    }
    ```
  }];
}

def InstrumentArena : Pass<"abn-instrument-arena", "::mlir::ModuleOp"> {
  let summary = "Make a step show at run time that its plan is right";
  let description = [{
    For tests and for doubt: adds code that makes a wrong plan visible when the step runs.

    - Bytes of the arena that belong to no live slot hold 0xFF, NaN in every float type: all of them
      when the function is entered, a slot's from its last use on. A slot's last use is read off
      this IR (the last op that uses the view or an alias of it, in the order of the block), not off
      the plan; what is returned stays.
    - At its first use all bytes of a slot must be 0xFF, or the program stops: another slot is live
      there.
    - If abn-assign-offsets left room (`canary-bytes`), the bytes behind a slot hold a pattern of the
      slot's own from its first use to its last; if they do not at the end, the program stops
      (`abn: slot 3 (LOCATION): the bytes behind it were overwritten while it was live`).
    - At the end all bytes that are not returned must be 0xFF; if one is not, something was written
      where no slot was live, and the program stops.

    Precondition: abn-materialize-arena, one block, abn ops not lowered yet; abn-verify-plan, if it
    is to run, before it: it does not look at what is added here. Afterwards the results are those of
    the plan without this pass, bit by bit, if the plan is right; the function has the attribute
    `abn.instrumented`, and a second run changes nothing. Integer bytes of dead slots are -1: indices
    made of them may be out of bounds.

    Before:

    ```mlir
    func.func @f(%x: memref<8xf32>, %arena: memref<64xi8> {abn.arena})
        attributes {abn.plan = {arena_bytes = 64 : i64, canary_bytes = 32 : i64}} {
      %c0 = arith.constant 0 : index
      %y = memref.view %arena[%c0][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      return
    }
    ```

    After:

    ```mlir
    func.func private @abn_fill_bytes(memref<?xi8>, index, index, i8)
    func.func private @abn_holds_bytes(memref<?xi8>, index, index, i8) -> i1
    func.func @f(%x: memref<8xf32>, %arena: memref<64xi8>) {
      %c0 = arith.constant 0 : index
      %c32 = arith.constant 32 : index
      %c64 = arith.constant 64 : index
      %dead = arith.constant -1 : i8
      %canary = arith.constant 90 : i8
      %bytes = memref.cast %arena : memref<64xi8> to memref<?xi8>
      call @abn_fill_bytes(%bytes, %c0, %c64, %dead) : (memref<?xi8>, index, index, i8) -> ()
      %y = memref.view %arena[%c0][] : memref<64xi8> to memref<8xf32>
      %free = call @abn_holds_bytes(%bytes, %c0, %c64, %dead)
          : (memref<?xi8>, index, index, i8) -> i1
      cf.assert %free, "abn: slot 0 (step.py:12): another slot was live in its bytes at its first use"
      call @abn_fill_bytes(%bytes, %c32, %c64, %canary) : (memref<?xi8>, index, index, i8) -> ()
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      %whole = call @abn_holds_bytes(%bytes, %c32, %c64, %canary)
          : (memref<?xi8>, index, index, i8) -> i1
      cf.assert %whole, "abn: slot 0 (step.py:12): the bytes behind it were overwritten while it was live"
      call @abn_fill_bytes(%bytes, %c0, %c64, %dead) : (memref<?xi8>, index, index, i8) -> ()
      %untouched = call @abn_holds_bytes(%bytes, %c0, %c64, %dead)
          : (memref<?xi8>, index, index, i8) -> i1
      cf.assert %untouched, "abn: bytes [0, 64) of the arena were written when no slot was live there"
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

//===----------------------------------------------------------------------===//
// Lower
//===----------------------------------------------------------------------===//

def ConvertAbnToLinalg : Pass<"convert-abn-to-linalg"> {
  let summary = "Lower abn ops to linalg";
  let description = [{
    Each op becomes a few `linalg.generic`s; f16 and bf16 data are computed in f32, per-channel sums
    are taken in stages. The in-place ops' last generic takes the tensor that it overwrites as its
    destination, so that bufferization needs no copy; the backward inverts `z` again in its second
    pass, so that nothing of full size is kept. Results that nobody uses are not computed. Gamma
    policy `check` becomes a `cf.assert` that names the chain. docs/Numerics.md has the formulas.

    An op on memrefs (a planned step) is lowered as the same op on tensors, between
    `bufferization.to_tensor` and `bufferization.materialize_in_destination`; one-shot-bufferize, to be
    run next, puts the results where they belong, in place where the op is, without a copy. Its
    temporaries (partial sums, per-channel vectors) are scratch that no plan knows.

    Precondition: none on the ops; memrefs that are different operands of one op do not overlap, unless
    one is a view of the other. Afterwards no abn op is left, and no `abn.*` attribute, so that tools
    that do not know the dialect read the module.

    ```mlir
    %z = abn.activation #abn.relu ins(%y : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
        -> tensor<8x4xf32>
    ```

    becomes

    ```mlir
    %z = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%y : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %zero = arith.constant 0.0 : f32
      %below = arith.cmpf ole, %in, %zero : f32
      %0 = arith.select %below, %zero, %in : f32
      linalg.yield %0 : f32
    } -> tensor<8x4xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def ConvertDnnToCalls : Pass<"convert-dnn-to-calls", "::mlir::ModuleOp"> {
  let summary = "Make dnn ops and matrix products calls of a library";
  let description = [{
    On a planned step, every dnn op and every `linalg.matmul` and `linalg.batch_matmul` (with maps that
    transpose, or repeat one matrix for the whole batch) becomes a call of a function of
    `abn/Runtime/Dnn.h`: docs/Runtime.md. Which library stands behind it is the linker's business. The
    call takes a descriptor (a private constant `memref.global`, one for all equal ones), the operands,
    a workspace (none so far: null, 0) and, last, the stream: null, which the lowering to a GPU replaces.
    Pointers are `!llvm.ptr`, functions `llvm.func`, as the ones that `gpu-to-llvm` calls.

    f16 and bf16 are summed in f32 and rounded once, also in matrix products, which linalg would sum in
    the result's type.

    Precondition: memrefs that are different operands of one op do not overlap. Left alone, for
    convert-dnn-to-linalg, with a missed remark that says why: ops on tensors, memrefs that are dynamic
    or not contiguous, f64 and what `elements` leaves out, maps that do more than transpose. It is an
    error if a function's name is taken. Afterwards no other dnn op or matrix product is left.

    ```mlir
    func.func @main(%dy: memref<8x10xf32>, %w: memref<10x32xf32>, %dx: memref<8x32xf32>) {
      linalg.matmul ins(%dy, %w : memref<8x10xf32>, memref<10x32xf32>) outs(%dx : memref<8x32xf32>)
      return
    }
    ```

    becomes

    ```mlir
    memref.global "private" constant @abn_dnn_descriptor : memref<16xi64>
        = dense<[1, 1, 1, 1, 1, 8, 32, 10, 0, 0, 10, 32, 32, 0, 0, 0]>
    llvm.func @abnDnnMatmul(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr)
    func.func @main(%dy: memref<8x10xf32>, %w: memref<10x32xf32>, %dx: memref<8x32xf32>) {
      %none = llvm.mlir.zero : !llvm.ptr
      %d = memref.get_global @abn_dnn_descriptor : memref<16xi64>
      %d0 = memref.extract_aligned_pointer_as_index %d : memref<16xi64> -> index
      %d1 = arith.index_cast %d0 : index to i64
      %d2 = llvm.inttoptr %d1 : i64 to !llvm.ptr
      %a0 = memref.extract_aligned_pointer_as_index %dy : memref<8x10xf32> -> index
      %a1 = arith.index_cast %a0 : index to i64
      %a2 = llvm.inttoptr %a1 : i64 to !llvm.ptr
      %b0 = memref.extract_aligned_pointer_as_index %w : memref<10x32xf32> -> index
      %b1 = arith.index_cast %b0 : index to i64
      %b2 = llvm.inttoptr %b1 : i64 to !llvm.ptr
      %c0 = memref.extract_aligned_pointer_as_index %dx : memref<8x32xf32> -> index
      %c1 = arith.index_cast %c0 : index to i64
      %c2 = llvm.inttoptr %c1 : i64 to !llvm.ptr
      %bytes = arith.constant 0 : i64
      %stream = llvm.mlir.zero : !llvm.ptr
      llvm.call @abnDnnMatmul(%d2, %a2, %b2, %c2, %none, %bytes, %stream)
          : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr) -> ()
      return
    }
    ```
  }];
  let options = [
    ListOption<"elementNames", "elements", "std::string",
               "The element types that the library has, of f32, f16 and bf16; all if none is given">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"
  ];
}

def ConvertDnnToLinalg : Pass<"convert-dnn-to-linalg"> {
  let summary = "Lower dnn ops to linalg";
  let description = [{
    Replaces every dnn op by linalg, tensor, arith and math: a convolution or one of its gradients
    by one multiply-add `linalg.generic` on padded operands (groups as a dimension of their own), a
    pool by one reducing generic, the gradient of a pool and a resize by one that gathers. No
    iteration writes another's element, so results do not depend on the order of execution. f16 and
    bf16 are summed in f32 and rounded once; a weight gradient over many positions sums each image
    first.

    An op on memrefs is lowered as on tensors, as in convert-abn-to-linalg: one-shot-bufferize is to be
    run next. Padded operands are scratch that no plan knows.

    Precondition: memrefs that are different operands of one op do not overlap. Afterwards there are no
    dnn ops.

    ```mlir
    %y = dnn.convolution
        {strides = array<i64: 1>, padding_low = array<i64: 1>, padding_high = array<i64: 1>,
         dilations = array<i64: 1>}
        ins(%x, %w : tensor<2x3x8xf32>, tensor<4x3x3xf32>)
        outs(%init : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    ```

    becomes

    ```mlir
    // %x : tensor<2x3x8xf32>
    %zero = arith.constant 0.0 : f32
    %sums = linalg.fill ins(%zero : f32) outs(%init : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    %padded = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
    ^bb0(%n: index, %c: index, %i: index):
      tensor.yield %zero : f32
    } : tensor<2x3x8xf32> to tensor<2x3x10xf32>
    %y = linalg.generic
        {indexing_maps = [affine_map<(n, f, o, c, k) -> (n, c, o + k)>,
                          affine_map<(n, f, o, c, k) -> (f, c, k)>,
                          affine_map<(n, f, o, c, k) -> (n, f, o)>],
         iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %w : tensor<2x3x10xf32>, tensor<4x3x3xf32>)
        outs(%sums : tensor<2x4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %sum: f32):
      %product = arith.mulf %a, %b : f32
      %next = arith.addf %sum, %product : f32
      linalg.yield %next : f32
    } -> tensor<2x4x8xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def AddScratch : Pass<"abn-add-scratch", "::mlir::ModuleOp"> {
  let summary = "Give kernels that keep something while they run a buffer in the plan";
  let description = [{
    The kernels of a reduction leave the sums of parts of a tensor for the next one. What
    convert-abn-to-gpu needs for an op on `chip` becomes an allocation, lent to the op by two
    `abn.scratch`, so that abn-form-pack-problem sees its lifetime and the arena has a place for it.
    `abn-plan{chip=...}` runs this pass.

    Precondition: as convert-abn-to-gpu.

    ```mlir
    abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        outs(%x, %m, %v : memref<8x64x56x56xf32>, memref<64xf32>, memref<64xf32>)
    ```

    becomes

    ```mlir
    %s = memref.alloc() : memref<512xi8>
    abn.scratch %s : memref<512xi8>
    abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        outs(%x, %m, %v : memref<8x64x56x56xf32>, memref<64xf32>, memref<64xf32>)
    abn.scratch %s : memref<512xi8>
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "the chip that the kernels are for">
  ];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect"
  ];
}

def ConvertAbnToGpu : Pass<"convert-abn-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Lower abn ops on memrefs to gpu kernels";
  let description = [{
    Each op becomes launches of kernels in the gpu.module `abn_kernels`; kernels of the same text are
    one. A full-size operand is read and written by accesses of 128 bits where its rows allow it.
    Statistics and sums are taken by one pass over the data, in parts of a group of channels whose
    states are merged in a fixed order (Chan, Golub and LeVeque, 1979), without atomics, so that
    equal inputs give equal bits; a second kernel merges the parts. The map over the data writes in
    place. A group of channels that fits in workgroup memory is read once, reduced and mapped in one
    kernel. Arithmetic on per-channel vectors is computed in the kernels that read it. Storage is
    f16, bf16 or f32, arithmetic f32. docs/Kernels.md has the tilings and their cost model.

    Where an operand of full size may lie at an address that is not a multiple of 16 bytes, which the
    slots of an arena never do, the launch is chosen at run time. `abn.tiling = {threads = 128 : i64,
    splits = 4 : i64, unroll = 2 : i64, fused = false}` on an op overrides the cost model.

    Precondition: ops on contiguous memrefs of device memory that are static from the channel dimension
    on, and disjoint unless equal. Afterwards there are no abn ops but those of the plan.

    ```mlir
    abn.activation #abn.leaky_relu<0.01> {channel_dim = 1 : i64}
        ins(%x : memref<8x4x64xf32>) outs(%x : memref<8x4x64xf32>)
    ```

    becomes

    ```text
    %flat = memref.collapse_shape %x [[0, 1, 2]] : memref<8x4x64xf32> into memref<2048xf32>
    gpu.launch_func @abn_kernels::@activation_8x4x64xf32_map blocks in (%c4, %c1, %c1)
        threads in (%c128, %c1, %c1) args(%flat : memref<2048xf32>)
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "the chip to choose tilings for">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::gpu::GPUDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect"
  ];
}

def MapLinalgLoops : Pass<"abn-map-linalg-loops", "::mlir::func::FuncOp"> {
  let summary = "Write linalg as loops over blocks and threads";
  let description = [{
    Elementwise and reducing linalg becomes parallel loops (upstream's), all dimensions of which become
    one, the innermost fastest, cut into blocks of `threads`: neighbouring threads touch neighbouring
    elements; a reduction stays a loop of one thread, in the order of its elements. An op without
    parallel dimensions becomes a loop of one iteration, for one thread. Upstream's
    convert-parallel-loops-to-gpu and gpu-kernel-outlining come next.

    A reduction of 128 elements or more per result, of less than 16,384 results (a loss, the gradient of a
    bias), becomes a gpu.launch of a block per result: each of up to `threads` threads combines every
    n-th element, and threads are combined in halves through workgroup memory, in a fixed order. Its body
    must combine by one op that has a neutral element (sum, product, maximum, ...) into at most 32 bytes, and its
    sizes be static.

    Precondition: linalg on memrefs.

    ```mlir
    linalg.exp ins(%x : memref<8x100xf32>) outs(%y : memref<8x100xf32>)
    ```

    becomes

    ```text
    scf.parallel (%block) = (%c0) to (%c800) step (%c256) {
      scf.parallel (%thread) = (%c0) to (%c256) step (%c1) {
        // %i, %j from %block + %thread, if that is below 800
        %0 = memref.load %x[%i, %j] : memref<8x100xf32>
        %1 = math.exp %0 : f32
        memref.store %1, %y[%i, %j] : memref<8x100xf32>
      } {mapping = [#gpu.loop_dim_map<processor = thread_x, map = (d0) -> (d0), bound = (d0) -> (d0)>]}
    } {mapping = [#gpu.loop_dim_map<processor = block_x, map = (d0) -> (d0), bound = (d0) -> (d0)>]}
    ```
  }];
  let options = [Option<"threads", "threads", "int64_t", "256", "threads per block">];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def MergeKernels : Pass<"abn-merge-kernels", "::mlir::ModuleOp"> {
  let summary = "Put all kernels into one gpu.module, each once";
  let description = [{
    gpu-kernel-outlining gives each launch a module of its own. The kernels of all modules without a
    target move to the first of them; of kernels of the same text one is kept, and the launches name
    it. One module is one image to load.

    ```text
    gpu.launch_func @step_kernel::@step_kernel blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    gpu.launch_func @step_kernel_0::@step_kernel blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    ```

    becomes, if the two do the same,

    ```text
    gpu.launch_func @step_kernel::@step_kernel blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    gpu.launch_func @step_kernel::@step_kernel blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def MoveToDevice : Pass<"abn-move-to-device", "::mlir::func::FuncOp"> {
  let summary = "Put the memory of a step on the device";
  let description = [{
    Allocations (of a planned step one, the arena) become gpu.alloc, copies gpu.memcpy, or linalg.copy
    where an operand is strided. A constant of the module is uploaded for as long as the function runs.
    What the host loads, such as the smallest gamma that chooses a version of the step, is copied to
    host memory first. Arguments and results are device memory.

    ```mlir
    %arena = memref.alloc() {alignment = 256 : i64} : memref<4096xi8>
    ```

    becomes

    ```mlir
    %arena = gpu.alloc () : memref<4096xi8>
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OrderStream : Pass<"abn-order-stream", "::mlir::ModuleOp"> {
  let summary = "Order all device work of a function by one stream";
  let description = [{
    A function that uses the device creates a stream (`mgpuStreamCreate`), launches its kernels and
    library calls on it, copies on it, and waits for it before it returns; the host waits only where
    it reads. Allocations do not depend on it, deallocations wait for it. A launch takes the stream as a
    token, which gpu-to-llvm makes a stream again.

    ```text
    gpu.launch_func @kernels::@f blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    ```

    becomes

    ```text
    %stream = call @mgpuStreamCreate() : () -> !llvm.ptr
    %on_stream = builtin.unrealized_conversion_cast %stream : !llvm.ptr to !gpu.async.token
    %done = gpu.launch_func async [%on_stream] @kernels::@f blocks in (%c1, %c1, %c1)
        threads in (%c32, %c1, %c1)
    call @mgpuStreamSynchronize(%stream) : (!llvm.ptr) -> ()
    call @mgpuStreamDestroy(%stream) : (!llvm.ptr) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def InstrumentKernels : Pass<"abn-instrument-kernels", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Let the emulator see what kernels access";
  let description = [{
    For the emulator (docs/Emulator.md) only: a call in front of each op of a gpu.module that accesses a
    memref says where, how many bytes, whether all indices are within the memref's dimensions, and which
    op it is; others say which way a branch goes, and which barrier, shuffle or assertion comes next. Bounds are those
    of the memref that is indexed, of each dimension, not of the allocation it lies in. A masked access is
    one per lane.

    Precondition: no structured control flow is left (convert-scf-to-cf), and convert-gpu-to-nvvm has not
    run. An op that accesses memrefs in a way that the pass does not know is an error. Afterwards the module
    has the constant `abn_emulator_sites`, one line per op, and can only be executed by the emulator; a
    second run changes nothing.

    Before:

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%x: memref<8xf32>) kernel {
        %t = gpu.thread_id x
        %v = memref.load %x[%t] : memref<8xf32>
        gpu.return
      }
    }
    ```

    After:

    ```mlir
    gpu.module @kernels {
      llvm.mlir.global external constant @abn_emulator_sites("memref.load at f.mlir:4\0A")
      llvm.func @abn_emulator_access(i64, i32, i32, i32, i32, i1, i32)
      gpu.func @k(%x: memref<8xf32>) kernel {
        %t = gpu.thread_id x
        %four = arith.constant 4 : index
        %eight = arith.constant 8 : index
        %base = memref.extract_aligned_pointer_as_index %x : memref<8xf32> -> index
        %offset = arith.muli %t, %four : index
        %address = arith.addi %base, %offset : index
        %address64 = arith.index_cast %address : index to i64
        %inside = arith.cmpi ult, %t, %eight : index
        %bytes = arith.constant 4 : i32
        %load = arith.constant 0 : i32
        %site = arith.constant 1 : i32
        llvm.call @abn_emulator_access(%address64, %bytes, %bytes, %load, %load, %inside, %site)
            : (i64, i32, i32, i32, i32, i1, i32) -> ()
        %v = memref.load %x[%t] : memref<8xf32>
        gpu.return
      }
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def AttachGpuTargets : Pass<"abn-attach-gpu-targets", "::mlir::ModuleOp"> {
  let summary = "Say which chips the kernels are for";
  let description = [{
    Gives every gpu.module one target attribute per chip and checks what would fail, or not be noticed, later:
    a chip that is not known, of another target, or that needs kernels of its own because its subgroups have
    another width; a toolkit that is not there although the format needs one. Targets:

    - `cuda`: NVVM, with the oldest version of PTX that has the chip. Without `toolkit`, gpu-module-to-binary
      looks where `CUDA_ROOT`, `CUDA_HOME` and `CUDA_PATH` say, and links libdevice if it is there; otherwise
      calls of `__nv_*` functions stay, which abn-verify-gpu-binaries refuses.
    - `rocm`: ROCDL, code objects of version 5. `toolkit` is ROCm's folder, or one with `amdgcn/bitcode` and
      `llvm/bin/ld.lld`. Kernels get the feature `wavefrontsize32` or `wavefrontsize64`, whichever they were
      built for.
    - `spirv`: SPIR-V 1.0 for OpenCL, chip `opencl`.

    Precondition: none. Afterwards each gpu.module has these targets and no other.

    ```mlir
    gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx70">] {
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cuda\"", "the kind of GPU: cuda, rocm or spirv">,
    ListOption<"chips", "chips", "std::string", "the chips, such as sm_80 or gfx90a">,
    Option<"toolkit", "toolkit", "std::string", "", "the folder of the CUDA toolkit or of ROCm">,
    Option<"format", "format", "std::string", "",
           "what the kernels become: fatbin, isa or offload; if empty, isa for spirv, else fatbin">,
    Option<"instrument", "instrument", "bool", "false",
           "whether abn-instrument-kernels follows, which needs format=offload">
  ];
  let dependentDialects = [
    "::mlir::NVVM::NVVMDialect", "::mlir::ROCDL::ROCDLDialect", "::mlir::spirv::SPIRVDialect"
  ];
}

def ExpandMath : Pass<"abn-expand-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Compute functions of math without the vendor's device library";
  let description = [{
    Where libdevice is not at hand, what is one instruction (absolute value, square root, ...) becomes LLVM's
    intrinsic, and other functions of f32 upstream's polynomial approximations, a few units in the last place
    from the exact value. Functions that neither has are left.

    Precondition: kernels before convert-gpu-to-nvvm.

    ```mlir
    gpu.module @kernels {
      gpu.func @absolute(%x: f32, %to: memref<f32>) kernel {
        %y = math.absf %x : f32
        memref.store %y, %to[] : memref<f32>
        gpu.return
      }
    }
    ```

    becomes

    ```text
    %y = llvm.call_intrinsic "llvm.fabs"(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def LowerAssertions : Pass<"abn-lower-assertions", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Stop kernels by a trap, or print, where an assertion fails";
  let description = [{
    CUDA's driver has a function for `cf.assert`; others do not. By default a kernel whose assertion fails
    traps: the queue is in an error state and the host's next call reports it, without the message. Where
    a kernel cannot stop (OpenCL), `print` writes the message with the device's printf and goes on.

    Precondition: structured control flow is lowered later. Afterwards there is no `cf.assert`.

    ```mlir
    gpu.module @kernels {
      gpu.func @check(%holds: i1) kernel {
        cf.assert %holds, "a channel is lost"
        gpu.return
      }
    }
    ```

    becomes

    ```text
    gpu.func @check(%holds: i1) kernel {
      %fails = arith.xori %holds, %true : i1
      scf.if %fails {
        llvm.intr.trap
      }
      gpu.return
    }
    ```
  }];
  let options = [
    Option<"print", "print", "bool", "false", "print the message and go on">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect"
  ];
}

def ConvertKernelsToOpenCl
    : Pass<"abn-convert-kernels-to-opencl", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Give OpenCL kernels their workgroup memory and math functions";
  let description = [{
    What upstream's convert-gpu-to-llvm-spv leaves: workgroup buffers become variables of the module (it would
    make them arguments, whose sizes the host has to give), and functions of `math` without an LLVM
    intrinsic become calls of OpenCL's.

    Precondition: kernels before convert-gpu-to-llvm-spv and abn-instrument-kernels. Afterwards no kernel has
    workgroup attributions.

    ```mlir
    gpu.module @kernels {
      gpu.func @erf(%x: f32) workgroup(%buffer: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
        %c0 = arith.constant 0 : index
        %y = math.erf %x : f32
        memref.store %y, %buffer[%c0] : memref<64xf32, #gpu.address_space<workgroup>>
        gpu.return
      }
    }
    ```

    becomes

    ```text
    memref.global "private" @erf_workgroup_0 : memref<64xf32, 3> = uninitialized
    llvm.func spir_funccc @_Z3erff(f32) -> f32
    gpu.func @erf(%x: f32) kernel {
      %buffer = memref.get_global @erf_workgroup_0 : memref<64xf32, 3>
      %y = llvm.call spir_funccc @_Z3erff(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"];
}

def StoreBf16AsI16 : Pass<"abn-store-bf16-as-i16", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Replace bf16 by the integer of its bits";
  let description = [{
    SPIR-V has bf16 by an extension that few drivers have. Kernels load, store and convert bf16; once
    `arith-expand{include-bf16}` has written conversions with integers, the type itself can go.

    Precondition: the LLVM dialect, without arithmetic on bf16. Afterwards nothing has the type.

    ```mlir
    gpu.module @kernels {
      llvm.func @copy(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) {
        %x = llvm.load %from : !llvm.ptr<1> -> bf16
        llvm.store %x, %to : bf16, !llvm.ptr<1>
        llvm.return
      }
    }
    ```

    becomes

    ```text
    %x = llvm.load %from : !llvm.ptr<1> -> i16
    llvm.store %x, %to : i16, !llvm.ptr<1>
    ```
  }];
}

def SerializeSpirv : Pass<"abn-serialize-spirv", "::mlir::ModuleOp"> {
  let summary = "Write kernels as SPIR-V modules for OpenCL";
  let description = [{
    Upstream's gpu-module-to-binary writes SPIR-V from the spirv dialect, which has no counterpart of much that
    the kernels use, or for Intel's GPUs, with subgroups of 16 threads. This pass runs LLVM's SPIR-V back end on
    the kernels' LLVM dialect and leaves a gpu.binary, as gpu-module-to-binary does.

    Precondition: each gpu.module is in the LLVM dialect and has a `#spirv.target_env` (abn-attach-gpu-targets).

    ```mlir
    gpu.module @kernels [#spirv.target_env<#spirv.vce<v1.0, [Kernel], []>, api=OpenCL, #spirv.resource_limits<>>] {
      llvm.func spir_kernelcc @nothing() attributes {gpu.kernel} {
        llvm.return
      }
    }
    ```

    becomes

    ```text
    gpu.binary @kernels [#gpu.object<#spirv.target_env<...>, bin = "\03\02#\07...">]
    ```
  }];
  let options = [
    Option<"bitcode", "bitcode", "bool", "false", "leave LLVM bitcode, for the emulator">
  ];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::spirv::SPIRVDialect"];
}

def VerifyGpuBinaries : Pass<"abn-verify-gpu-binaries", "::mlir::ModuleOp"> {
  let summary = "Verify that kernels call no function that nobody has";
  let description = [{
    Without the vendor's device library (libdevice) kernels are compiled all the same, with calls of functions
    that the driver will not find. This pass finds them in PTX text and in AMD's code objects and names them.

    Precondition: gpu.binary ops, behind gpu-module-to-binary. Changes nothing.

    ```text
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = ".visible .entry scale() { ret; }">]
    ```
  }];
}

def JoinFatbins : Pass<"abn-join-fatbins", "::mlir::ModuleOp"> {
  let summary = "Put the machine code for all chips into one fatbin";
  let description = [{
    gpu-module-to-binary makes an object for each target of a gpu.module, and translation to LLVM IR embeds the first
    one. The fatbins of NVIDIA's chips become one: the machine code of each, and PTX for the newest (chips such as
    sm_90a aside, whose PTX runs on no other), from which drivers compile for chips that are newer still.

    Precondition: gpu-module-to-binary. Other formats are left as they are.

    ```text
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, ...>, #gpu.object<#nvvm.target<chip = "sm_90">, ...>]
    ```

    becomes

    ```text
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, ...>]
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::NVVM::NVVMDialect"];
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

def RecordMemory : Pass<"abn-record-memory", "::mlir::func::FuncOp"> {
  let summary = "Leave on a step what the report will say of its tensors";
  let description = [{
    The report counts tensors, of which nothing is left once there are buffers. This pass, the first of
    abn-plan, counts them while they are there: the bytes that cross to the backward, the peak, and each
    chain with its strategy, as the attribute `abn.memory_after` (docs/Report.md). The first op of the
    backward that will be there with buffers too gets the mark `abn.backward`.

    Precondition: a training step on tensors; functions without a loss are left alone. Changes nothing but
    these attributes.

    ```mlir
    func.func @step(%x: tensor<8x4xf32>) -> tensor<f32>
        attributes {abn.memory_after = {chains = [], live = array<i64: 4>, peak_live_bytes = 4 : i64,
                                        saved = [], saved_bytes = 0 : i64}} {
      %loss = arith.constant dense<0.0> : tensor<f32>
      return %loss : tensor<f32>
    }
    ```
  }];
  let options = [
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "0",
           "what dynamic dimensions count as; 0: what they did in abn-plan-recompute or before, or 8">
  ];
  let dependentDialects = ["::mlir::abn::AbnDialect"];
}

def ReportMemory : Pass<"abn-report-memory", "::mlir::ModuleOp"> {
  let summary = "Report the bytes of a training step before and after the rewrite";
  let description = [{
    Writes a JSON file (schema: docs/Report.md) with the bytes that cross from forward to backward
    and the peak of live bytes, before (from `abn.memory_before`, which abn-import-aten or
    abn-fuse-forward left on the function; as now if it is not there) and after, and one entry for
    each batch norm. Emits the two sums as an analysis remark. Changes nothing. The files are written
    both or not at all; what was there stays if one cannot be.
  }];
  let options = [
    Option<"output", "output", "std::string", "", "the JSON file; `-` is standard output">,
    Option<"html", "html", "std::string", "", "the same as a page for a browser">,
    Option<"function", "function", "std::string", "",
           "the function to report, if several have a loss">,
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">,
    Option<"dynamicSize", "dynamic-size", "int64_t", "0",
           "what dynamic dimensions count as; 0: what they did in abn-plan-recompute or before, or 8">
  ];
}

#endif // ABN_PASSES_TD
