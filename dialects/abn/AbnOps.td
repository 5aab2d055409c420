// The tensor-level ops. Operand order is read-only inputs, then per-channel vectors, then the
// destinations; a destination of the activations' shape that an op names after its contents
// (x, dz) is overwritten by the result.
#ifndef ABN_OPS_TD
#define ABN_OPS_TD

include "abn/AbnAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Abn_Float : FloatOfWidths<[16, 32, 64]>;
def Abn_Element : AnyTypeOf<[F16, BF16, F32, F64]>;
def Abn_StatElement : AnyTypeOf<[F32, F64]>;
/// An activation tensor: ranks 2 to 5, one dimension of which is the channel.
def Abn_Full : AnyTypeOf<[RankedTensorOf<[Abn_Element], [HasAnyRankOfPred<[2, 3, 4, 5]>]>,
                          MemRefRankOf<[Abn_Element], [2, 3, 4, 5]>],
                         "ranked tensor or memref of rank 2 to 5 of f16, bf16, f32 or f64">;
/// One value per channel.
def Abn_Vector : AnyTypeOf<[1DTensorOf<[Abn_Element]>, MemRefRankOf<[Abn_Element], [1]>],
                           "1-D tensor or memref of f16, bf16, f32 or f64">;
/// One statistic per channel, f32 at least.
def Abn_Stat : AnyTypeOf<[1DTensorOf<[Abn_StatElement]>, MemRefRankOf<[Abn_StatElement], [1]>],
                         "1-D tensor or memref of f32 or f64">;

class Abn_Op<string mnemonic, list<Trait> traits = []> : Op<Abn_Dialect, mnemonic, traits>;

/// Base of the tensor/memref ops: destination style, effects on memrefs only, results for tensors
/// only, local checks in `verifyAbnOp` (AbnOps.cpp), which numbers them `c1`...
class Abn_StructuredOp<string mnemonic, list<Trait> traits = []>
    : Abn_Op<mnemonic, !listconcat([AttrSizedOperandSegments, DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>], traits)> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  code dpsDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
  let extraClassDeclaration = dpsDeclaration;
}

//===----------------------------------------------------------------------===//
// Out of place
//===----------------------------------------------------------------------===//

def Abn_BatchNormOp : Abn_StructuredOp<"batch_norm"> {
  let summary = "Normalise over all dimensions but the channel, in training mode";
  let description = [{
    mean and biased variance of `input` per channel over the M other positions; the first result is
    y = gamma * (x - mean)/sqrt(variance + epsilon) + beta. An absent gamma is 1, an absent beta 0.

    ```mlir
    %y, %mean, %var = abn.batch_norm {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%x : tensor<8x64x56x56xf32>) gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%y0, %m0, %v0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints: c1 to c6, c11 and c12 (listed with the dialect).
  }];
  let arguments = (ins Abn_Full:$input, Optional<Abn_Vector>:$gamma, Optional<Abn_Vector>:$beta,
      Variadic<AnyShaped>:$inits, F64Attr:$epsilon, I64Attr:$channel_dim);
  let assemblyFormat = [{
    attr-dict `ins` `(` $input `:` type($input) `)`
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)? (`beta` `(` $beta^ `:` type($beta) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Abn_BatchNormGradOp : Abn_StructuredOp<"batch_norm_grad"> {
  let summary = "Gradients of batch_norm from its input";
  let description = [{
    xhat = (x - mean)/sqrt(variance + epsilon); dbeta = sum(dy); dgamma = sum(dy * xhat);
    dx = gamma/sqrt(variance + epsilon) * (dy - dbeta/M - xhat * dgamma/M).
    Results: dx, dgamma, dbeta. A result that is not used costs nothing once lowered.

    ```mlir
    %dx, %dg, %db = abn.batch_norm_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%dy, %x : tensor<8x64x56x56xf32>, tensor<8x64x56x56xf32>)
        stats(%mean, %var : tensor<64xf32>, tensor<64xf32>) gamma(%g : tensor<64xf32>)
        outs(%dx0, %dg0, %db0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints: c1 to c6, c11, c12.
  }];
  let arguments = (ins Abn_Full:$output_grad, Abn_Full:$input, Abn_Stat:$mean, Abn_Stat:$variance,
      Optional<Abn_Vector>:$gamma, Variadic<AnyShaped>:$inits, F64Attr:$epsilon,
      I64Attr:$channel_dim);
  let assemblyFormat = [{
    attr-dict `ins` `(` $output_grad `,` $input `:` type($output_grad) `,` type($input) `)`
    `stats` `(` $mean `,` $variance `:` type($mean) `,` type($variance) `)`
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Abn_BatchNormInferenceOp : Abn_StructuredOp<"batch_norm_inference"> {
  let summary = "Normalise with given (frozen) statistics";
  let description = [{
    y = gamma * (x - mean)/sqrt(variance + epsilon) + beta with `mean` and `variance` as given.

    ```mlir
    %y = abn.batch_norm_inference {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%x : tensor<8x64x56x56xf32>) stats(%mean, %var : tensor<64xf32>, tensor<64xf32>)
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%y0 : tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c6, c11.
  }];
  let arguments = (ins Abn_Full:$input, Abn_Stat:$mean, Abn_Stat:$variance,
      Optional<Abn_Vector>:$gamma, Optional<Abn_Vector>:$beta, Variadic<AnyShaped>:$inits,
      F64Attr:$epsilon, I64Attr:$channel_dim);
  let assemblyFormat = [{
    attr-dict `ins` `(` $input `:` type($input) `)`
    `stats` `(` $mean `,` $variance `:` type($mean) `,` type($variance) `)`
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)? (`beta` `(` $beta^ `:` type($beta) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Abn_BatchNormInferenceGradOp : Abn_StructuredOp<"batch_norm_inference_grad"> {
  let summary = "Gradients of batch_norm_inference";
  let description = [{
    dx = gamma/sqrt(variance + epsilon) * dy; dbeta = sum(dy); dgamma = sum(dy * xhat).
    Results: dx, dgamma, dbeta.

    ```mlir
    %dx, %dg, %db = abn.batch_norm_inference_grad {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%dy, %x : tensor<8x64x56x56xf32>, tensor<8x64x56x56xf32>)
        stats(%mean, %var : tensor<64xf32>, tensor<64xf32>) gamma(%g : tensor<64xf32>)
        outs(%dx0, %dg0, %db0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints: c1 to c6, c11.
  }];
  let arguments = Abn_BatchNormGradOp.arguments;
  let assemblyFormat = Abn_BatchNormGradOp.assemblyFormat;
}

def Abn_ActivationOp : Abn_StructuredOp<"activation"> {
  let summary = "Apply an activation elementwise";
  let description = [{
    z = phi(y). `params` holds the per-channel parameters (prelu's slopes).

    ```mlir
    %z = abn.activation #abn.leaky_relu<0.01> {channel_dim = 1 : i64}
        ins(%y : tensor<8x64x56x56xf32>) outs(%z0 : tensor<8x64x56x56xf32>)
        -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c5, c7, c11.
  }];
  let arguments = (ins Abn_Full:$input, Variadic<Abn_Vector>:$params, Variadic<AnyShaped>:$inits,
      ActivationAttrInterface:$activation, DefaultValuedAttr<I64Attr, "1">:$channel_dim);
  let assemblyFormat = [{
    $activation attr-dict `ins` `(` $input `:` type($input) `)`
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasCanonicalizer = 1;
}

def Abn_ActivationGradOp : Abn_StructuredOp<"activation_grad"> {
  let summary = "Gradient of an activation, from its input or from its output";
  let description = [{
    dy = dz * phi'(y). Without `from_output` the second operand is y; with it, z.

    ```mlir
    %dy = abn.activation_grad #abn.leaky_relu<0.01> {channel_dim = 1 : i64, from_output}
        ins(%dz, %z : tensor<8x64x56x56xf32>, tensor<8x64x56x56xf32>)
        outs(%dy0 : tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c5, c7, c11, and
    - (activation_grad_c8) with `from_output` the activation's derivative can be computed from its
      output.
  }];
  let arguments = (ins Abn_Full:$output_grad, Abn_Full:$value, Variadic<Abn_Vector>:$params,
      Variadic<AnyShaped>:$inits, ActivationAttrInterface:$activation, UnitAttr:$from_output,
      DefaultValuedAttr<I64Attr, "1">:$channel_dim);
  let assemblyFormat = [{
    $activation attr-dict
    `ins` `(` $output_grad `,` $value `:` type($output_grad) `,` type($value) `)`
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
  let hasCanonicalizer = 1;
}

def Abn_ActivationInverseOp : Abn_StructuredOp<"activation_inverse"> {
  let summary = "Recover an activation's input from its output";
  let description = [{
    y = phi^-1(z), finite for every finite z.

    ```mlir
    %y = abn.activation_inverse #abn.leaky_relu<0.01> {channel_dim = 1 : i64}
        ins(%z : tensor<8x64x56x56xf32>) outs(%y0 : tensor<8x64x56x56xf32>)
        -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c5, c7, c11, and
    - (activation_inverse_c8) the activation is invertible.
  }];
  let arguments = Abn_ActivationOp.arguments;
  let assemblyFormat = Abn_ActivationOp.assemblyFormat;
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// In place
//===----------------------------------------------------------------------===//

def Abn_InplaceForwardOp : Abn_StructuredOp<"inplace_forward"> {
  let summary = "Normalise and activate in place of the input";
  let description = [{
    z = phi(gamma * (x - mean)/sqrt(variance + epsilon) + beta), written over x, the first
    destination (INPLACE-ABN, section 3). Results: z, mean, variance (biased).

    ```mlir
    %z, %mean, %var = abn.inplace_forward #abn.leaky_relu<0.01>
        {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%x, %m0, %v0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints: c1 to c7, c11, c12, and
    - (inplace_c8) the activation is invertible (for every y in inplace_forward, inplace_backward
      and, under `check`, recover; where phi' is not zero suffices with frozen statistics, if phi'
      can be computed from z).
    - (inplace_c9) `gamma_threshold` is finite and positive.
  }];
  let arguments = (ins Optional<Abn_Vector>:$gamma, Optional<Abn_Vector>:$beta,
      Variadic<Abn_Vector>:$params, Variadic<AnyShaped>:$inits,
      ActivationAttrInterface:$activation, F64Attr:$epsilon, I64Attr:$channel_dim,
      DefaultValuedAttr<Abn_GammaPolicyAttr, "::mlir::abn::GammaPolicy::Check">:$gamma_policy,
      DefaultValuedAttr<F64Attr, "1.0e-3">:$gamma_threshold);
  let assemblyFormat = [{
    $activation attr-dict
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)? (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Abn_InplaceBackwardOp : Abn_StructuredOp<"inplace_backward"> {
  let summary = "Gradients of inplace_forward from its output, in place of the output's gradient";
  let description = [{
    Recovers y = phi^-1(z) and xhat = (y - beta)/gamma, then (INPLACE-ABN, equations 1 to 3, form I)
    dbeta = sum(dy), dgamma = sum(dy * xhat) with dy = dz * phi'(from z), and
    dx = gamma/sqrt(variance + epsilon) * (dy - dbeta/M - xhat * dgamma/M), written over dz, the
    first destination. Results: dx, dgamma, dbeta.

    With `gamma_policy = #abn.gamma_policy<check>` the first pass also sums xhat and xhat^2 and the
    program stops with the chain's name (`abn.chain`) if they do not come to 0 and
    M * variance/(variance + epsilon).

    ```mlir
    %dx, %dg, %db = abn.inplace_backward #abn.leaky_relu<0.01>
        {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%z : tensor<8x64x56x56xf32>) stats(%var : tensor<64xf32>)
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%dz, %dg0, %db0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints: c1 to c7, c11, c12, inplace_c8, inplace_c9.
  }];
  let arguments = (ins Abn_Full:$output, Abn_Stat:$variance, Optional<Abn_Vector>:$gamma,
      Optional<Abn_Vector>:$beta, Variadic<Abn_Vector>:$params, Variadic<AnyShaped>:$inits,
      ActivationAttrInterface:$activation, F64Attr:$epsilon, I64Attr:$channel_dim,
      DefaultValuedAttr<Abn_GammaPolicyAttr, "::mlir::abn::GammaPolicy::Check">:$gamma_policy,
      DefaultValuedAttr<F64Attr, "1.0e-3">:$gamma_threshold);
  let assemblyFormat = [{
    $activation attr-dict `ins` `(` $output `:` type($output) `)`
    `stats` `(` $variance `:` type($variance) `)`
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)? (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Abn_InplaceInferenceOp : Abn_StructuredOp<"inplace_inference"> {
  let summary = "Normalise with given statistics and activate in place of the input";
  let description = [{
    z = phi(gamma * (x - mean)/sqrt(variance + epsilon) + beta), written over x, the only
    destination, with `mean` and `variance` as given. Relu is allowed: see inplace_c8.

    ```mlir
    %z = abn.inplace_inference #abn.relu {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        stats(%mean, %var : tensor<64xf32>, tensor<64xf32>)
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%x : tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c7, c11, inplace_c8, inplace_c9.
  }];
  let arguments = (ins Abn_Stat:$mean, Abn_Stat:$variance, Optional<Abn_Vector>:$gamma,
      Optional<Abn_Vector>:$beta, Variadic<Abn_Vector>:$params, Variadic<AnyShaped>:$inits,
      ActivationAttrInterface:$activation, F64Attr:$epsilon, I64Attr:$channel_dim,
      DefaultValuedAttr<Abn_GammaPolicyAttr, "::mlir::abn::GammaPolicy::Trust">:$gamma_policy,
      DefaultValuedAttr<F64Attr, "1.0e-3">:$gamma_threshold);
  let assemblyFormat = [{
    $activation attr-dict
    `stats` `(` $mean `,` $variance `:` type($mean) `,` type($variance) `)`
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)? (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

def Abn_InplaceInferenceBackwardOp : Abn_StructuredOp<"inplace_inference_backward"> {
  let summary = "Gradients of inplace_inference from its output";
  let description = [{
    dy = dz * phi'(from z); dx = gamma/sqrt(variance + epsilon) * dy, written over dz; dbeta =
    sum(dy); dgamma = sum(dy * (phi^-1(z) - beta)/gamma), where a term whose phi' is 0 counts as 0.
    Results: dx, dgamma, dbeta. dx and dbeta do not depend on the inverse. There is no checksum:
    frozen statistics say nothing about the sums of xhat, so `check` is refused (inplace_c10).

    ```mlir
    %dx, %dg, %db = abn.inplace_inference_backward #abn.relu
        {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%z : tensor<8x64x56x56xf32>) stats(%var : tensor<64xf32>)
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%dz, %dg0, %db0 : tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<8x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints: c1 to c7, c11, inplace_c8, inplace_c9, and
    - (inplace_c10) `gamma_policy` is not `check`.
  }];
  let arguments = (ins Abn_Full:$output, Abn_Stat:$variance, Optional<Abn_Vector>:$gamma,
      Optional<Abn_Vector>:$beta, Variadic<Abn_Vector>:$params, Variadic<AnyShaped>:$inits,
      ActivationAttrInterface:$activation, F64Attr:$epsilon, I64Attr:$channel_dim,
      DefaultValuedAttr<Abn_GammaPolicyAttr, "::mlir::abn::GammaPolicy::Trust">:$gamma_policy,
      DefaultValuedAttr<F64Attr, "1.0e-3">:$gamma_threshold);
  let assemblyFormat = Abn_InplaceBackwardOp.assemblyFormat;
}

def Abn_RecoverOp : Abn_StructuredOp<"recover"> {
  let summary = "Recover a batch norm's input from the chain's stored output";
  let description = [{
    x = (phi^-1(z) - beta)/gamma * sqrt(variance + epsilon) + mean, for any reader of x but the
    fused backward. Under `check` the recovered values' sums are compared with `mean` and
    `variance` as in inplace_backward. Where phi' is 0 and the activation is not invertible there
    (relu, frozen statistics) the value is finite and arbitrary: a reader must multiply by phi'.

    ```mlir
    %x = abn.recover #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        ins(%z : tensor<8x64x56x56xf32>) stats(%mean, %var : tensor<64xf32>, tensor<64xf32>)
        gamma(%g : tensor<64xf32>) beta(%b : tensor<64xf32>)
        outs(%x0 : tensor<8x64x56x56xf32>) -> tensor<8x64x56x56xf32>
    ```

    Constraints: c1 to c7, c11, c12, inplace_c8, inplace_c9.
  }];
  let arguments = (ins Abn_Full:$output, Abn_Stat:$mean, Abn_Stat:$variance,
      Optional<Abn_Vector>:$gamma, Optional<Abn_Vector>:$beta, Variadic<Abn_Vector>:$params,
      Variadic<AnyShaped>:$inits, ActivationAttrInterface:$activation, F64Attr:$epsilon,
      I64Attr:$channel_dim,
      DefaultValuedAttr<Abn_GammaPolicyAttr, "::mlir::abn::GammaPolicy::Check">:$gamma_policy,
      DefaultValuedAttr<F64Attr, "1.0e-3">:$gamma_threshold);
  let assemblyFormat = [{
    $activation attr-dict `ins` `(` $output `:` type($output) `)`
    `stats` `(` $mean `,` $variance `:` type($mean) `,` type($variance) `)`
    (`gamma` `(` $gamma^ `:` type($gamma) `)`)? (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` (`->` type($results)^)?
  }];
}

include "abn/AbnPlanOps.td"

#endif // ABN_OPS_TD
