// The walk over a function: each op is executed, or its results are drawn.
#include "abn/Recognize/Evaluation.h"
#include "DynamicExtents.h"
#include "ExecuteAbn.h"
#include "ScalarOps.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::abn;

Evaluation::Evaluation(ArrayArena &arena) : arena(arena) {}
Evaluation::~Evaluation() = default;

std::optional<unsigned> Evaluation::find(Value value) const {
  auto it = indices.find(value);
  if (it == indices.end())
    return std::nullopt;
  return it->second;
}

/// The extents of a value: where the type is dynamic, those of the destination that gives the
/// result its shape, of the sizes that a tensor.empty was given, or one that was chosen for the
/// dimension.
SmallVector<int64_t, 4> Evaluation::getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return {};
  SmallVector<int64_t, 4> shape(type.getShape());
  if (type.hasStaticShape())
    return shape;
  Operation *op = value.getDefiningOp();
  const EvaluatedValue *like = nullptr;
  if (auto dps = dyn_cast_or_null<DestinationStyleOpInterface>(op))
    like = &values[indices.lookup(dps.getTiedOpOperand(cast<OpResult>(value))->get())];
  else if (isa_and_nonnull<tensor::CastOp>(op))
    like = &values[indices.lookup(op->getOperand(0))];
  auto empty = dyn_cast_or_null<tensor::EmptyOp>(op);
  unsigned nextDynamic = 0;
  for (auto [position, size] : llvm::enumerate(shape)) {
    if (!ShapedType::isDynamic(size))
      continue;
    if (like)
      size = like->shape[position];
    else if (empty)
      size = values[indices.lookup(empty.getDynamicSizes()[nextDynamic++])].array.data[0];
    else
      size = dynamicExtents->lookup(value, position);
  }
  return shape;
}

void Evaluation::addValue(Value value, SmallVector<int64_t, 4> shape, TinyArray array, bool isLeaf,
                          ArrayRef<unsigned> operands) {
  unsigned index = values.size();
  indices[value] = index;
  values.push_back({value,
                    std::move(shape),
                    std::move(array),
                    isLeaf,
                    SmallVector<unsigned, 4>(operands),
                    {},
                    std::move(branches)});
  branches.clear();
  for (unsigned operand : operands)
    values[operand].users.push_back(index);
}

/// The values that an op reads, regions included, each once and in order.
ArrayRef<unsigned> Evaluation::getOperandIndices(Operation *op) {
  operandIndices.clear();
  visitOuterOperands(op, [&](OpOperand &operand) {
    auto it = indices.find(operand.get());
    if (it != indices.end() && !llvm::is_contained(operandIndices, it->second))
      operandIndices.push_back(it->second);
  });
  return operandIndices;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// A scalar op; casts to f16 and bf16 round if the options say so.
std::optional<TinyArray> Evaluation::evaluateScalar(Operation *op, ArrayRef<TinyArray> operands) {
  std::optional<TinyArray> result = evaluateScalarOp(op, operands, arena, branches);
  if (!result || !options.roundCasts || !isa<arith::TruncFOp>(op))
    return result;
  roundTo(getElementTypeOrSelf(op->getResult(0).getType()), result->getMutableContents());
  return result;
}

std::optional<Evaluation::Arrays> Evaluation::executeConstant(Attribute value, Type type) {
  unsigned rank = 0;
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    auto elements = dyn_cast<DenseElementsAttr>(value);
    if (!elements || !elements.isSplat())
      return std::nullopt;
    value = elements.getSplatValue<Attribute>();
    rank = tensor.getRank();
  }
  std::optional<double> number = getNumber(value);
  if (!number)
    return std::nullopt;
  return Arrays{arena.splat(rank, *number)};
}

/// Collapses group by group: an axis that varies makes its whole group vary.
static std::optional<TinyArray> collapse(ArrayArena &arena, const TinyExtents &extents,
                                         const EvaluatedValue &source,
                                         ArrayRef<ReassociationIndices> groups) {
  if (!isInRange(groups, source.shape.size()))
    return std::nullopt;
  SmallVector<int64_t, 5> sizes(source.array.sizes), result;
  for (const ReassociationIndices &group : groups) {
    unsigned large = llvm::count_if(group, [&](int64_t i) { return source.shape[i] > 1; });
    bool varies = llvm::any_of(group, [&](int64_t i) { return source.array.sizes[i] > 1; });
    int64_t product = 1;
    for (int64_t i : group) {
      if (large > 1 && varies)
        sizes[i] = std::max(sizes[i], extents(source.shape[i]));
      product *= sizes[i];
    }
    result.push_back(product);
  }
  TinyArray array = broadcast(arena, source.array, sizes);
  array.sizes = result;
  return array;
}

/// Expands group by group: a varying axis goes to the only large dimension of its group, or to all
/// of them if their tiny extents multiply to its own (as after a collapse).
static std::optional<TinyArray> expand(const TinyExtents &extents, const EvaluatedValue &source,
                                       ArrayRef<int64_t> shape,
                                       ArrayRef<ReassociationIndices> groups) {
  if (!isInRange(groups, shape.size()))
    return std::nullopt;
  TinyArray array = source.array;
  array.sizes.assign(shape.size(), 1);
  for (auto [axis, group] : llvm::enumerate(groups)) {
    int64_t size = source.array.sizes[axis], tiny = 1;
    if (size == 1)
      continue;
    unsigned large = 0;
    for (int64_t i : group) {
      large += shape[i] > 1;
      tiny *= extents(shape[i]);
    }
    if (large != 1 && tiny != size)
      return std::nullopt;
    for (int64_t i : group)
      if (shape[i] > 1)
        array.sizes[i] = large == 1 ? size : extents(shape[i]);
  }
  return array;
}

std::optional<Evaluation::Arrays> Evaluation::executeReshape(Operation *op) {
  const EvaluatedValue &source = values[indices.lookup(op->getOperand(0))];
  // What the function compared with took as a leaf is one here.
  if (registry->isComparing())
    if (const LeafRegistry::Entry *entry = registry->find(op, {source.array}, {false}, 0))
      return entry->results;
  std::optional<TinyArray> result;
  if (auto collapseOp = dyn_cast<tensor::CollapseShapeOp>(op))
    result = collapse(arena, extents, source, collapseOp.getReassociationIndices());
  else if (auto expandOp = dyn_cast<tensor::ExpandShapeOp>(op))
    result =
        expand(extents, source, getShape(op->getResult(0)), expandOp.getReassociationIndices());
  if (!result)
    return std::nullopt;
  return Arrays{*result};
}

/// Whether the full operands of an abn op vary along equal axes, or not at all.
bool Evaluation::haveCommonLayout(Operation *op) {
  SmallVector<TinyArray, 4> arrays;
  for (Value operand : op->getOperands()) {
    const EvaluatedValue &value = values[indices.lookup(operand)];
    if (value.shape.size() < 2)
      continue;
    arrays.push_back(value.array);
  }
  SmallVector<int64_t, 5> sizes;
  return mergeSizes(arrays, sizes);
}

std::optional<Evaluation::Arrays> Evaluation::execute(Operation *op) {
  using Result = std::optional<Arrays>;
  for (Value result : op->getResults())
    if (forced->contains(result))
      return std::nullopt;
  auto operand = [&](unsigned i) -> const EvaluatedValue & {
    return values[indices.lookup(op->getOperand(i))];
  };
  if (isa<linalg::LinalgOp>(op))
    return executeLinalg(op);
  StringRef dialect = op->getName().getDialectNamespace();
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return executeConstant(constant.getValue(), constant.getType());
  if (dialect == "arith" || dialect == "math") {
    SmallVector<TinyArray, 3> arrays;
    for (unsigned i = 0, e = op->getNumOperands(); i < e; ++i)
      arrays.push_back(operand(i).array);
    std::optional<TinyArray> result = evaluateScalar(op, arrays);
    return result ? Result(Arrays{*result}) : std::nullopt;
  }
  if (dialect == "abn") {
    if (!haveCommonLayout(op)) {
      forceMergedOperands(op);
      return std::nullopt;
    }
    return executeAbnOp(op, *this);
  }
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<tensor::EmptyOp>(
          [&](tensor::EmptyOp empty) { return Arrays{arena.splat(empty.getType().getRank(), 0)}; })
      .Case<tensor::SplatOp>([&](tensor::SplatOp splat) {
        SmallVector<int64_t, 5> order(splat.getType().getRank(), -1);
        return Arrays{permute(arena, operand(0).array, order)};
      })
      .Case<tensor::CastOp>([&](auto) { return Arrays{operand(0).array}; })
      .Case<tensor::DimOp>([&](tensor::DimOp dim) -> Result {
        std::optional<int64_t> index = dim.getConstantIndex();
        if (!index || *index < 0 || *index >= static_cast<int64_t>(operand(0).shape.size()))
          return std::nullopt;
        return Arrays{arena.splat(0, operand(0).shape[*index])};
      })
      .Case<tensor::ExtractOp>([&](auto) -> Result {
        if (operand(0).array.getCount() != 1)
          return std::nullopt;
        return Arrays{permute(arena, operand(0).array, {})};
      })
      .Case<tensor::FromElementsOp>([&](tensor::FromElementsOp from) -> Result {
        if (op->getNumOperands() != 1)
          return std::nullopt;
        return Arrays{
            permute(arena, operand(0).array, SmallVector<int64_t>(from.getType().getRank(), -1))};
      })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](auto) { return executeReshape(op); })
      .Default([&](Operation *) -> Result {
        // An optimization barrier gives its operands.
        if (op->getName().stripDialect() != "optimization_barrier" ||
            op->getNumOperands() != op->getNumResults())
          return std::nullopt;
        Arrays arrays;
        for (unsigned i = 0, e = op->getNumOperands(); i < e; ++i)
          arrays.push_back(operand(i).array);
        return arrays;
      });
}

/// What an op that is not executed gives: in a comparison, what it gave in the first function, with
/// the extents that it had there.
LeafRegistry::Entry Evaluation::drawResults(Operation *op) {
  SmallVector<TinyArray, 2> operands;
  SmallVector<bool> exact;
  visitOuterOperands(op, [&](OpOperand &operand) {
    if (std::optional<unsigned> index = find(operand.get())) {
      operands.push_back(values[*index].array);
      exact.push_back(!isa<FloatType>(getElementTypeOrSelf(operand.get().getType())));
    }
  });
  unsigned ordinal = ordinals[LeafRegistry::getKind(op)]++;
  if (const LeafRegistry::Entry *entry = registry->find(op, operands, exact, ordinal))
    return *entry;
  LeafRegistry::Entry entry{op, ordinal, std::move(operands), {}, {}};
  for (Value result : op->getResults()) {
    entry.shapes.push_back(getShape(result));
    entry.results.push_back(drawLeaf(entry.shapes.back(), getElementTypeOrSelf(result.getType())));
  }
  registry->add(entry);
  return entry;
}

void Evaluation::evaluateOp(Operation *op) {
  if (op->hasTrait<OpTrait::IsTerminator>()) {
    for (Value operand : op->getOperands())
      returned.push_back(indices.lookup(operand));
    return;
  }
  if (op->getNumResults() == 0) {
    // An op that is there for its effect must be there in another function too.
    if (!isMemoryEffectFree(op)) {
      drawResults(op);
      ++effects;
    }
    return;
  }
  branches.clear();
  std::optional<Arrays> arrays = execute(op);
  if (arrays) {
    SmallVector<unsigned, 8> operands(getOperandIndices(op));
    for (auto [result, array] : llvm::zip_equal(op->getResults(), *arrays))
      addValue(result, getShape(result), array, /*isLeaf=*/false, operands);
    return;
  }
  branches.clear();
  LeafRegistry::Entry leaf = drawResults(op);
  SmallVector<unsigned, 8> operands(getOperandIndices(op));
  for (auto [result, array, shape] : llvm::zip_equal(op->getResults(), leaf.results, leaf.shapes))
    addValue(result, shape, array, /*isLeaf=*/true, operands);
}

void Evaluation::run(func::FuncOp func, const LeafOptions &leafOptions,
                     llvm::DenseSet<Value> &forcedValues, LeafRegistry &leafRegistry,
                     const llvm::DenseSet<Operation *> *ignored) {
  options = leafOptions;
  forced = &forcedValues;
  registry = &leafRegistry;
  extents =
      options.extents ? *options.extents : TinyExtents(func, options.tinyExtent, options.seed);
  dynamicExtents = std::make_unique<DynamicExtents>(func, options.dynamicExtent);
  Block &block = func.getBody().front();
  values.clear();
  indices.clear();
  ordinals.clear();
  returned.clear();
  nextLeaf = effects = 0;
  for (BlockArgument argument : block.getArguments()) {
    bool positive = options.positiveArguments.contains(argument.getArgNumber());
    SmallVector<int64_t, 4> shape = registry->isComparing()
                                        ? registry->argumentShapes[argument.getArgNumber()]
                                        : getShape(argument);
    if (!registry->isComparing())
      registry->argumentShapes.push_back(shape);
    TinyArray array = drawLeaf(shape, getElementTypeOrSelf(argument.getType()), positive);
    addValue(argument, shape, array, /*isLeaf=*/true, {});
  }
  // Results are drawn apart from arguments, so that two functions with the same arguments agree,
  // and what the second one has alone apart from what the first has.
  nextLeaf = registry->isComparing() ? uint64_t(1) << 40 : 1 << 20;
  for (Operation &op : block)
    if (!ignored || !ignored->contains(&op))
      evaluateOp(&op);
}
