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

    Precondition: linalg on tensors; functions of one block. Afterwards what was found is `abn.batch_norm`,
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
    recovered tensor is then never formed.

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

    Changes nothing.
  }];
}

def DispatchGamma : Pass<"abn-dispatch-gamma", "::mlir::ModuleOp"> {
  let summary = "Rewrite a copy of the step and choose between the two at run time";
  let description = [{
    To be written.
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
    as large as the weight and would be in the plan.

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
    To be written.
  }];
  let options = [
    Option<"budgetBytes", "budget-bytes", "int64_t", "-1",
           "the arena must not be larger; convolutions are computed again too if nothing else meets it">,
    Option<"objective", "objective", "std::string", "\"balanced\"",
           "`peak`: the smallest arena; `balanced`: the least recomputation within 3 % of it; `time`: no "
           "recomputation">,
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

def Schedule : Pass<"abn-schedule", "::mlir::func::FuncOp"> {
  let summary = "Order the ops of a step for the smallest arena";
  let description = [{
    Moves ops within their dependences. A portfolio, of which the order with the smallest packed arena
    wins: the given order (it also wins a draw), weight gradients with their updates right behind their
    operands or, where they are larger than those, at the end, depth first from the results, and
    greedily by the bytes that each op adds. Nothing is computed again that was not before; destinations
    become operands that die, as in abn-plan-recompute. Deterministic.

    Precondition: a training step on tensors. Afterwards the arena is not larger than before.

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
    recomputed elementwise op is the only reader of another one right before it.

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
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def Bufferize : Pass<"abn-bufferize", "::mlir::ModuleOp"> {
  let summary = "Give every tensor a buffer, with the planned destinations";
  let description = [{
    To be written.
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"
  ];
}

def FormPackProblem : Pass<"abn-form-pack-problem", "::mlir::func::FuncOp"> {
  let summary = "Gather the allocations of a step in one pack op";
  let description = [{
    To be written.
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
    To be written.
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
    To be written.
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

def VerifyPlan : Pass<"abn-verify-plan", "::mlir::func::FuncOp"> {
  let summary = "Check that every read finds the bytes that were written for it";
  let description = [{
    To be written.
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

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

def RecordMemory : Pass<"abn-record-memory", "::mlir::func::FuncOp"> {
  let summary = "Leave on a step what the report will say of its tensors";
  let description = [{
    To be written.
  }];
  let options = [
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">
  ];
  let dependentDialects = ["::mlir::abn::AbnDialect"];
}

def ReportMemory : Pass<"abn-report-memory", "::mlir::ModuleOp"> {
  let summary = "Report the bytes of a training step before and after the rewrite";
  let description = [{
    Writes a JSON file (schema: docs/Report.md) with the bytes that cross from forward to backward
    and the peak of live bytes, before (from `abn.memory_before`, which abn-import-aten or
    abn-fuse-forward left on the function; as now if it is not there) and after, and one entry for
    each batch norm. Emits the two sums as an analysis remark. Changes nothing.
  }];
  let options = [
    Option<"output", "output", "std::string", "", "the JSON file; `-` is standard output">,
    Option<"html", "html", "std::string", "", "the same as a page for a browser">,
    Option<"function", "function", "std::string", "",
           "the function to report, if several have a loss">,
    Option<"lossResult", "loss-result", "int64_t", "-1",
           "which result is the loss, whatever the roles say">
  ];
}

#endif // ABN_PASSES_TD
