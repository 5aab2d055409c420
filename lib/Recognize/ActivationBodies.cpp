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
  Value result;
  switch (form) {
  case Form::Apply:
    result = phi.apply(b, loc, input, params);
    break;
  case Form::Derivative:
    result = phi.derivative(b, loc, input, params);
    break;
  case Form::Invert:
    result = phi.invert(b, loc, input, params);
    break;
  case Form::DerivativeFromOutput:
    result = phi.derivativeFromOutput(b, loc, input, params);
    break;
  }
  llvm::DenseMap<Value, unsigned> slotOf;
  for (BlockArgument argument : body.block->getArguments())
    slotOf[argument] = slotOf.size();
  for (Operation &op : *body.block) {
    Instruction instruction{&op, std::nullopt, {}};
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      instruction.constant = getNumber(constant.getValue()).value_or(NAN);
    for (Value operand : op.getOperands())
      instruction.operands.push_back(slotOf.lookup(operand));
    slotOf[op.getResult(0)] = slotOf.size();
    body.instructions.push_back(std::move(instruction));
  }
  body.result = slotOf.lookup(result);
  return body;
}

TinyArray ActivationBodies::evaluate(ActivationAttrInterface phi, Form form, const TinyArray &input,
                                     ArrayRef<TinyArray> params, ArrayArena &arena) {
  const Body &body = get(phi, form);
  scratch.reset();
  slots.assign(1, input);
  slots.append(params.begin(), params.end());
  SmallVector<Branch> branches;
  SmallVector<TinyArray, 3> operands;
  for (const Instruction &instruction : body.instructions) {
    if (instruction.constant) {
      slots.push_back(scratch.splat(input.getRank(), *instruction.constant));
      continue;
    }
    operands.clear();
    for (unsigned operand : instruction.operands)
      operands.push_back(slots[operand]);
    // Activations emit arith and math ops only; one that is not known here gives NaN, which no
    // comparison accepts.
    std::optional<TinyArray> result = evaluateScalarOp(instruction.op, operands, scratch, branches);
    slots.push_back(result ? *result : scratch.splat(input.getRank(), NAN));
  }
  const TinyArray &result = slots[body.result];
  TinyArray kept = arena.allocate(result.sizes);
  std::copy_n(result.data, result.getTotal(), kept.data);
  return kept;
}
