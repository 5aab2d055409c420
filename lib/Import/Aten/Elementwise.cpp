// How a row of the elementwise table is converted.
#include "Elementwise.h"
#include "Promotion.h"

using namespace mlir;
using namespace mlir::abn::aten;

static Type resultElement(ResultKind kind, Type promoted) {
  switch (kind) {
  case ResultKind::Promoted:
  case ResultKind::Integer:
    return promoted;
  case ResultKind::Float:
    return floatTypeOf(promoted);
  case ResultKind::Bool:
    return IntegerType::get(promoted.getContext(), 1);
  }
  return promoted;
}

FailureOr<Value> mlir::abn::aten::emitPromoted(AtenOp &op, ResultKind kind, ValueRange tensors,
                                               ArrayRef<ScalarArgument> scalars, BodyFn body) {
  FailureOr<SmallVector<int64_t>> shape = broadcastShape(op, tensors);
  if (failed(shape))
    return failure();
  Type promoted = promote(tensors, scalars, op.builder().getContext());
  if (kind == ResultKind::Integer && isa<FloatType>(promoted))
    return op.error() << "expected integers or bools, got " << promoted;
  Type compute = computeTypeOf(kind == ResultKind::Float ? floatTypeOf(promoted) : promoted);
  auto type = RankedTensorType::get(*shape, resultElement(kind, promoted));
  return emitElementwise(op.builder(), type, tensors, compute, [&](Body &b, ValueRange args) {
    SmallVector<Value> all(args.begin(), args.end());
    for (const ScalarArgument &scalar : scalars)
      all.push_back(b.constant(compute, scalar));
    return body(b, all);
  });
}

ConvertFn mlir::abn::aten::elementwise(ResultKind kind, std::vector<const char *> names,
                                       ScalarFn fn, std::vector<const char *> extras) {
  return [=](AtenOp &op) -> LogicalResult {
    SmallVector<Value> tensors;
    SmallVector<ScalarArgument> numbers, extraNumbers;
    // Where each of `names` is found among the tensors followed by the numbers.
    SmallVector<std::pair<bool, unsigned>> places;
    for (const char *name : names) {
      if (Value tensor = op.tensor(name)) {
        places.emplace_back(true, tensors.size());
        tensors.push_back(tensor);
      } else {
        places.emplace_back(false, numbers.size());
        numbers.push_back(op.scalar(name).value_or(ScalarArgument()));
      }
    }
    for (const char *name : extras)
      extraNumbers.push_back(op.scalar(name).value_or(ScalarArgument()));
    FailureOr<Value> result =
        emitPromoted(op, kind, tensors, numbers, [&](Body &b, ValueRange args) {
          SmallVector<Value> ordered;
          for (auto [isTensor, index] : places)
            ordered.push_back(args[isTensor ? index : tensors.size() + index]);
          for (const ScalarArgument &extra : extraNumbers)
            ordered.push_back(b.constant(args.front().getType(), extra));
          return fn(b, ordered);
        });
    if (failed(result))
      return failure();
    return op.replaceWith(*result);
  };
}
