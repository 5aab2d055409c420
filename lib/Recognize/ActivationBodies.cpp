// Emits an activation's formula into a block of its own and interprets it.
#include "ActivationBodies.h"
#include "ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::abn;

const ActivationBodies::Body &ActivationBodies::get(ActivationAttrInterface phi, Form form) {
  Body &body = bodies[{phi.getAsOpaquePointer(), form}];
  if (body.block)
    return body;
  body.block = std::make_unique<Block>();
  OpBuilder b(phi.getContext());
  b.setInsertionPointToEnd(body.block.get());
  Location loc = b.getUnknownLoc();
  for (unsigned i = 0; i <= phi.getNumParams(); ++i)
    body.block->addArgument(b.getF64Type(), loc);
  Value input = body.block->getArgument(0);
  ValueRange params = body.block->getArguments().drop_front();
  switch (form) {
  case Form::Apply:
    body.result = phi.apply(b, loc, input, params);
    break;
  case Form::Derivative:
    body.result = phi.derivative(b, loc, input, params);
    break;
  case Form::Invert:
    body.result = phi.invert(b, loc, input, params);
    break;
  case Form::DerivativeFromOutput:
    body.result = phi.derivativeFromOutput(b, loc, input, params);
    break;
  }
  return body;
}

TinyArray ActivationBodies::evaluate(ActivationAttrInterface phi, Form form, const TinyArray &input,
                                     ArrayRef<TinyArray> params, ArrayArena &arena) {
  const Body &body = get(phi, form);
  scratch.reset();
  llvm::SmallDenseMap<Value, TinyArray, 16> environment;
  environment[body.block->getArgument(0)] = input;
  for (auto [index, param] : llvm::enumerate(params))
    environment[body.block->getArgument(index + 1)] = param;
  SmallVector<Branch> branches;
  for (Operation &op : *body.block) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      environment[constant.getResult()] =
          scratch.splat(input.getRank(), getNumber(constant.getValue()).value_or(NAN));
      continue;
    }
    SmallVector<TinyArray, 3> operands;
    for (Value operand : op.getOperands())
      operands.push_back(environment.lookup(operand));
    // Activations emit arith and math ops only; one that is not known here gives NaN, which no
    // comparison accepts.
    std::optional<TinyArray> result = evaluateScalarOp(&op, operands, scratch, branches);
    environment[op.getResult(0)] = result ? *result : scratch.splat(input.getRank(), NAN);
  }
  const TinyArray &result = environment[body.result];
  TinyArray kept = arena.allocate(result.sizes);
  std::copy_n(result.data, result.getTotal(), kept.data);
  return kept;
}
