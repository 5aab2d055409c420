// The built-in activations and the gamma policies.
//
// Activations check their parameters when they are made:
// - (activation_a1) parameters are finite.
// - (activation_a2) celu's alpha and softplus's beta are not zero.
// - (activation_a3) hardtanh's minimum does not exceed its maximum.
// - (activation_a4) what scaled scales is an activation, and neither scale is zero.
#ifndef ABN_ATTRS_TD
#define ABN_ATTRS_TD

include "abn/AbnDialect.td"
include "abn/AbnInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

//===----------------------------------------------------------------------===//
// Gamma policy
//===----------------------------------------------------------------------===//

def Abn_GammaPolicy : I32EnumAttr<"GammaPolicy", "what an in-place chain does about gamma near zero", [
    I32EnumAttrCase<"Trust", 0, "trust">, I32EnumAttrCase<"Check", 1, "check">,
    I32EnumAttrCase<"Clamp", 2, "clamp">, I32EnumAttrCase<"Abs", 3, "abs">
  ]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::abn";
}

def Abn_GammaPolicyAttr : EnumAttr<Abn_Dialect, Abn_GammaPolicy, "gamma_policy"> {
  let summary = "What an in-place chain does about gamma near zero";
  let description = [{
    The inverse xhat = (y - beta)/gamma needs gamma != 0 (its sign is free).

    - `trust`: computes as if gamma were never small. Where gamma is exactly 0, xhat is taken as
      0: dx = 0 and dbeta are right, dgamma comes out as 0.
    - `check`: as `trust`, and the backward also sums xhat and xhat^2, which must come to 0 and
      M * variance/(variance + epsilon); if they do not, the program stops with the chain's name.
    - `clamp`: forward and backward use sign(gamma) * max(|gamma|, threshold), sign(0) = +1; the
      gradient passes through the clamp unchanged.
    - `abs`: forward and backward use |gamma| + epsilon, the authors' semantics, for their
      checkpoints; dgamma is multiplied by sign(gamma), sign(0) = +1.
  }];
  let assemblyFormat = "`<` $value `>`";
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

class Abn_Activation<string name, string attrMnemonic, list<string> methods = []>
    : AttrDef<Abn_Dialect, name, [DeclareAttrInterfaceMethods<ActivationAttrInterface, methods>]> {
  let mnemonic = attrMnemonic;
}

def Abn_IdentityAttr : Abn_Activation<"Identity", "identity", ["isDerivativeFromOutputExact"]> {
  let summary = "z = y";
}

def Abn_LeakyReluAttr : Abn_Activation<"LeakyRelu", "leaky_relu",
                                       ["isInvertibleWhereSensitive", "isDerivativeFromOutputExact",
                                        "getHazards"]> {
  let summary = "z = y > 0 ? y : slope * y, slope > 0";
  let description = [{
    Invertible for slope > 0 only: a slope that is not positive is refused by the ops that invert,
    not by the attribute. The branch is decided by `z > 0`, which a tiny negative y that
    underflowed to -0 fails, as it should; phi'(0) = slope, as in PyTorch.
  }];
  let parameters = (ins APFloatParameter<"">:$slope);
  let builders = [AttrBuilder<(ins "double":$slope), [{
    return $_get($_ctxt, ::llvm::APFloat(slope));
  }]>];
  let assemblyFormat = "`<` custom<F64>($slope) `>`";
  let genVerifyDecl = 1;
}

def Abn_EluAttr : Abn_Activation<"Elu", "elu", ["getHazards"]> {
  let summary = "z = scale * (y > 0 ? y : alpha * (exp(input_scale * y) - 1))";
  let description = [{
    z saturates at -scale*alpha; the inverse is guarded to stay finite there.
  }];
  let parameters = (ins APFloatParameter<"">:$alpha, APFloatParameter<"">:$scale, APFloatParameter<"">:$inputScale);
  let builders = [AttrBuilder<(ins "double":$alpha, "double":$scale, "double":$inputScale), [{
    return $_get($_ctxt, ::llvm::APFloat(alpha), ::llvm::APFloat(scale), ::llvm::APFloat(inputScale));
  }]>];
  let assemblyFormat = [{ `<` custom<F64>($alpha) `,` `scale` `=` custom<F64>($scale) `,`
                          `input_scale` `=` custom<F64>($inputScale) `>` }];
  let genVerifyDecl = 1;
}

def Abn_CeluAttr : Abn_Activation<"Celu", "celu", ["getHazards"]> {
  let summary = "z = y > 0 ? y : alpha * (exp(y/alpha) - 1)";
  let parameters = (ins APFloatParameter<"">:$alpha);
  let builders = [AttrBuilder<(ins "double":$alpha), [{
    return $_get($_ctxt, ::llvm::APFloat(alpha));
  }]>];
  let assemblyFormat = "`<` custom<F64>($alpha) `>`";
  let genVerifyDecl = 1;
}

def Abn_SeluAttr : Abn_Activation<"Selu", "selu", ["getHazards"]> {
  let summary = "elu with the constants of Klambauer et al., NIPS 2017";
}

def Abn_PreluAttr : Abn_Activation<"Prelu", "prelu", ["getNumParams", "getHazards"]> {
  let summary = "z = y > 0 ? y : a * y with one trained a > 0 per channel (the op's params)";
}

def Abn_SoftplusAttr : Abn_Activation<"Softplus", "softplus", ["getHazards"]> {
  let summary = "z = beta*y > threshold ? y : log(1 + exp(beta*y)) / beta";
  let description = [{
    Invertible for beta > 0 and threshold >= 15; below that the step where it becomes the identity
    is larger than f32 rounding, and two inputs share an output.
  }];
  let parameters = (ins APFloatParameter<"">:$beta, APFloatParameter<"">:$threshold);
  let builders = [AttrBuilder<(ins "double":$beta, "double":$threshold), [{
    return $_get($_ctxt, ::llvm::APFloat(beta), ::llvm::APFloat(threshold));
  }]>];
  let assemblyFormat = "`<` custom<F64>($beta) `,` `threshold` `=` custom<F64>($threshold) `>`";
  let genVerifyDecl = 1;
}

def Abn_SigmoidAttr : Abn_Activation<"Sigmoid", "sigmoid", ["getHazards"]> {
  let summary = "z = 1 / (1 + exp(-y))";
}

def Abn_TanhAttr : Abn_Activation<"Tanh", "tanh", ["getHazards"]> {
  let summary = "z = tanh(y)";
}

def Abn_ReluAttr : Abn_Activation<"Relu", "relu", ["isInvertibleWhereSensitive", "isDerivativeFromOutputExact"]> {
  let summary = "z = max(y, 0); not invertible in training";
}

def Abn_HardtanhAttr : Abn_Activation<"Hardtanh", "hardtanh", ["isInvertibleWhereSensitive", "isDerivativeFromOutputExact"]> {
  let summary = "z = min(max(y, min), max); relu6 is hardtanh<0.0, 6.0>; not invertible in training";
  let description = [{
    phi' is 0 at and beyond the bounds. It can be computed from z only if every element type holds
    both bounds exactly (0, 1 and 6 yes, 0.1 no): a stored z is compared with the bound.
  }];
  let parameters = (ins APFloatParameter<"">:$minVal, APFloatParameter<"">:$maxVal);
  let builders = [AttrBuilder<(ins "double":$minVal, "double":$maxVal), [{
    return $_get($_ctxt, ::llvm::APFloat(minVal), ::llvm::APFloat(maxVal));
  }]>];
  let assemblyFormat = "`<` custom<F64>($minVal) `,` custom<F64>($maxVal) `>`";
  let genVerifyDecl = 1;
}

def Abn_SiluAttr : Abn_Activation<"Silu", "silu"> {
  let summary = "z = y * sigmoid(y); not monotone";
}

def Abn_GeluAttr : Abn_Activation<"Gelu", "gelu"> {
  let summary = "z = y * Phi(y), Phi by erf; not monotone";
}

def Abn_GeluTanhAttr : Abn_Activation<"GeluTanh", "gelu_tanh"> {
  let summary = "gelu's tanh approximation; not monotone";
}

def Abn_MishAttr : Abn_Activation<"Mish", "mish"> {
  let summary = "z = y * tanh(softplus(y)); not monotone";
}

def Abn_HardswishAttr : Abn_Activation<"Hardswish", "hardswish"> {
  let summary = "z = y * min(max(y + 3, 0), 6) / 6; not monotone";
}

def Abn_HardsigmoidAttr
    : Abn_Activation<"Hardsigmoid", "hardsigmoid", ["isInvertibleWhereSensitive"]> {
  let summary = "z = min(max(y + 3, 0), 6) / 6; not invertible in training";
}

def Abn_ScaledAttr
    : Abn_Activation<"Scaled", "scaled", ["getNumParams", "isInvertibleWhereSensitive", "getHazards"]> {
  let summary = "z = output_scale * phi(input_scale * y) for another activation phi";
  let description = [{
    Quick-gelu, y * sigmoid(1.702*y), is silu with the scales 1.702 and 1/1.702; LeCun's tanh is tanh
    with 2/3 and 1.7159. Has of phi's inverse what phi has.
  }];
  let parameters = (ins "::mlir::Attribute":$base, APFloatParameter<"">:$inputScale,
                        APFloatParameter<"">:$outputScale);
  let builders = [AttrBuilder<(ins "::mlir::Attribute":$base, "double":$inputScale,
                                   "double":$outputScale), [{
    return $_get($_ctxt, base, ::llvm::APFloat(inputScale), ::llvm::APFloat(outputScale));
  }]>];
  let assemblyFormat = [{ `<` $base `,` `input_scale` `=` custom<F64>($inputScale) `,`
                          `output_scale` `=` custom<F64>($outputScale) `>` }];
  let extraClassDeclaration = [{
    ActivationAttrInterface getPhi() const;
  }];
  let genVerifyDecl = 1;
}

#endif // ABN_ATTRS_TD
