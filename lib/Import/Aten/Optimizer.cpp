// The foreach family: one elementwise op per list element, with which PyTorch's optimizers update
// all parameters in one call.
#include "Elementwise.h"

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
/// What stands at one place of a foreach op's arguments: a list of tensors, one tensor or number
/// for all, or a list of numbers.
struct ForeachOperand {
  SmallVector<Value> tensors;
  SmallVector<ScalarArgument> numbers;
  bool isTensor = false;

  size_t size() const { return isTensor ? tensors.size() : numbers.size(); }
};
} // namespace

static ForeachOperand readOperand(AtenOp &op, StringRef name) {
  ForeachOperand operand;
  operand.tensors = op.tensors(name);
  // A list of numbers reads as a list of null tensors.
  if (llvm::is_contained(operand.tensors, Value()))
    operand.tensors.clear();
  if (operand.tensors.empty())
    if (Value tensor = op.tensor(name))
      operand.tensors.push_back(tensor);
  operand.isTensor = !operand.tensors.empty();
  if (operand.isTensor)
    return operand;
  operand.numbers = op.scalars(name);
  if (operand.numbers.empty())
    if (std::optional<ScalarArgument> number = op.scalar(name))
      operand.numbers.push_back(*number);
  return operand;
}

/// Applies `body` to the i-th elements of all operands, for each i. An operand of one element
/// serves all. `promoting` operands take part in type promotion, the rest (alpha, value) do not.
static ConvertFn foreachOf(std::vector<const char *> names, ScalarFn body,
                           ResultKind kind = ResultKind::Promoted, size_t promoting = 99) {
  return [=](AtenOp &op) -> LogicalResult {
    SmallVector<ForeachOperand> operands;
    size_t count = op.tensors(names.front()).size();
    if (count == 0)
      return op.error() << "expected at least one tensor in `" << names.front() << "`";
    for (const char *name : names) {
      operands.push_back(readOperand(op, name));
      if (operands.back().size() != count && operands.back().size() != 1)
        return op.error() << "expected " << count << " entries in `" << name << "`, got "
                          << operands.back().size();
    }
    SmallVector<Value> results;
    for (size_t i = 0; i < count; ++i) {
      SmallVector<Value> tensors;
      SmallVector<ScalarArgument> numbers, extras;
      SmallVector<std::pair<int, size_t>> places;
      for (auto [position, operand] : llvm::enumerate(operands)) {
        size_t at = operand.size() == 1 ? 0 : i;
        if (operand.isTensor) {
          places.emplace_back(0, tensors.size());
          tensors.push_back(operand.tensors[at]);
        } else {
          bool promotes = position < promoting;
          SmallVector<ScalarArgument> &list = promotes ? numbers : extras;
          places.emplace_back(promotes ? 1 : 2, list.size());
          list.push_back(operand.numbers[at]);
        }
      }
      FailureOr<Value> result =
          emitPromoted(op, kind, tensors, numbers, [&](Body &b, ValueRange a) {
            SmallVector<Value> ordered;
            for (auto [where, index] : places)
              ordered.push_back(where == 0   ? a[index]
                                : where == 1 ? a[tensors.size() + index]
                                             : b.constant(a[0].getType(), extras[index]));
            return body(b, ordered);
          });
      if (failed(result))
        return failure();
      results.push_back(*result);
    }
    return op.replaceWith(results);
  };
}

static void addForeachBinary(Registry &r) {
  struct Row {
    const char *name;
    ScalarFn body;
    ResultKind kind = ResultKind::Promoted;
  };
  const Row rows[] = {
      {"mul", [](Body &b, ValueRange a) { return b.mul(a[0], a[1]); }},
      {"div", [](Body &b, ValueRange a) { return b.div(a[0], a[1]); }, ResultKind::Float},
      {"maximum", [](Body &b, ValueRange a) { return b.max(a[0], a[1]); }},
      {"minimum", [](Body &b, ValueRange a) { return b.min(a[0], a[1]); }},
      {"clamp_min", [](Body &b, ValueRange a) { return b.max(a[0], a[1]); }},
      {"clamp_max", [](Body &b, ValueRange a) { return b.min(a[0], a[1]); }},
  };
  for (const Row &row : rows) {
    ConvertFn convert = foreachOf({"self", "other"}, row.body, row.kind);
    std::string name = "_foreach_" + std::string(row.name);
    r.add(name + ".List(Tensor[] self, Tensor[] other) -> Tensor[]", convert);
    r.add(name + ".Scalar(Tensor[] self, Scalar other) -> Tensor[]",
          foreachOf({"self", "other"}, row.body, row.kind));
    r.add(name + ".ScalarList(Tensor[] self, Scalar[] other) -> Tensor[]", convert);
    if (StringRef(row.name) == "mul" || StringRef(row.name) == "div")
      r.add(name + ".Tensor(Tensor[] self, Tensor other) -> Tensor[]", convert);
  }
  ScalarFn addition = [](Body &b, ValueRange a) { return b.add(a[0], b.mul(a[1], a[2])); };
  ScalarFn subtraction = [](Body &b, ValueRange a) { return b.sub(a[0], b.mul(a[1], a[2])); };
  ScalarFn plus = [](Body &b, ValueRange a) { return b.add(a[0], a[1]); };
  ScalarFn minus = [](Body &b, ValueRange a) { return b.sub(a[0], a[1]); };
  for (bool subtract : {false, true}) {
    std::string name = subtract ? "_foreach_sub" : "_foreach_add";
    r.add(name + ".List(Tensor[] self, Tensor[] other, *, Scalar alpha=1) -> Tensor[]",
          foreachOf({"self", "other", "alpha"}, subtract ? subtraction : addition,
                    ResultKind::Promoted, 2));
    r.add(name + ".Scalar(Tensor[] self, Scalar scalar) -> Tensor[]",
          foreachOf({"self", "scalar"}, subtract ? minus : plus));
    r.add(name + ".ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
          foreachOf({"self", "scalars"}, subtract ? minus : plus));
  }
  r.add("_foreach_add.Tensor(Tensor[] self, Tensor other, *, Scalar alpha=1) -> Tensor[]",
        foreachOf({"self", "other", "alpha"}, addition, ResultKind::Promoted, 2));
  ScalarFn power = [](Body &b, ValueRange a) { return b.call<math::PowFOp>(a[0], a[1]); };
  r.add("_foreach_pow.Scalar(Tensor[] self, Scalar exponent) -> Tensor[]",
        foreachOf({"self", "exponent"}, power, ResultKind::Float));
}

static void addForeachUnary(Registry &r) {
  auto add = [&](StringRef name, ResultKind kind, Value (*body)(Body &, Value)) {
    r.add(("_foreach_" + name + "(Tensor[] self) -> Tensor[]").str(),
          foreachOf({"self"}, [body](Body &b, ValueRange a) { return body(b, a[0]); }, kind));
  };
  add("sqrt", ResultKind::Float, [](Body &b, Value x) { return b.sqrt(x); });
  add("exp", ResultKind::Float, [](Body &b, Value x) { return b.exp(x); });
  add("reciprocal", ResultKind::Float, [](Body &b, Value x) { return b.div(b.like(x, 1), x); });
  add("neg", ResultKind::Promoted, [](Body &b, Value x) { return b.neg(x); });
  add("abs", ResultKind::Float, [](Body &b, Value x) { return b.call<math::AbsFOp>(x); });
}

static void addForeachTernary(Registry &r) {
  ScalarFn multiply = [](Body &b, ValueRange a) {
    return b.add(a[0], b.mul(b.mul(a[1], a[3]), a[2]));
  };
  ScalarFn divide = [](Body &b, ValueRange a) {
    return b.add(a[0], b.mul(a[3], b.div(a[1], a[2])));
  };
  for (bool division : {false, true}) {
    std::string name = division ? "_foreach_addcdiv" : "_foreach_addcmul";
    std::string args = "(Tensor[] self, Tensor[] tensor1, Tensor[] tensor2, ";
    const ScalarFn &body = division ? divide : multiply;
    r.add(name + ".Scalar" + args + "Scalar value) -> Tensor[]",
          foreachOf({"self", "tensor1", "tensor2", "value"}, body, ResultKind::Promoted, 3));
    r.add(name + ".ScalarList" + args + "Scalar[] scalars) -> Tensor[]",
          foreachOf({"self", "tensor1", "tensor2", "scalars"}, body, ResultKind::Promoted, 3));
  }
  ScalarFn lerp = [](Body &b, ValueRange a) { return b.add(a[0], b.mul(a[2], b.sub(a[1], a[0]))); };
  r.add("_foreach_lerp.Scalar(Tensor[] self, Tensor[] tensors1, Scalar weight) -> Tensor[]",
        foreachOf({"self", "tensors1", "weight"}, lerp, ResultKind::Promoted, 2));
  r.add("_foreach_lerp.List(Tensor[] self, Tensor[] tensors1, Tensor[] weights) -> Tensor[]",
        foreachOf({"self", "tensors1", "weights"}, lerp));
}

void mlir::abn::aten::addOptimizers(Registry &r) {
  addForeachBinary(r);
  addForeachUnary(r);
  addForeachTernary(r);
}
