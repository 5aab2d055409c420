// Reductions: one linalg.generic of one level, with the region's ops in its body. A region of
// several results (an argmax's value and position) is one generic of several results.
#include "Registry.h"
#include "Scalar.h"
#include "Slices.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::hlo;

static SmallVector<Type> elementTypes(ValueRange values) {
  return llvm::map_to_vector(values, [](Value v) { return typeOf(v).getElementType(); });
}

/// Inputs of one shape, as many scalars to start from, and their types.
static LogicalResult checkInputs(HloOp &op, ValueRange inputs, ValueRange inits) {
  if (inputs.empty() || op.getNumOperands() % 2 || op.getNumResults() != inputs.size() ||
      op.getOperation()->getNumRegions() != 1)
    return op.error() << "expected as many initial values and results as inputs, and one region";
  for (auto [input, init] : llvm::zip_equal(inputs, inits))
    if (typeOf(input).getShape() != typeOf(inputs[0]).getShape() || typeOf(init).getRank() != 0 ||
        typeOf(init).getElementType() != typeOf(input).getElementType())
      return op.error() << "expected inputs of one shape and a scalar of each one's type, got "
                        << input.getType() << " and " << init.getType();
  return success();
}

/// Sums in f16 and bf16 are accumulated in f32: a running sum of many small numbers would stop.
static Type accumulatorOf(const ScalarRegion &region, Type type) {
  return region.getSingleOp() == "stablehlo.add" ? computeTypeOf(type) : type;
}

static Value emitInit(ImplicitLocOpBuilder &b, Value init, ArrayRef<int64_t> shape, Type type) {
  Value scalar = emitScalarValue(b, init);
  scalar = Body{b, b.getLoc()}.cast(scalar, type);
  Value empty = emitEmpty(b, shape, type);
  return linalg::FillOp::create(b, ValueRange{scalar}, ValueRange{empty}).getResult(0);
}

static LogicalResult convertReduce(HloOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  size_t count = op.getNumOperands() / 2;
  ValueRange inputs = ValueRange(op.getOperation()->getOperands()).take_front(count);
  ValueRange inits = ValueRange(op.getOperation()->getOperands()).drop_front(count);
  if (op.getNumOperands() % 2)
    inits = inits.drop_back();
  if (failed(checkInputs(op, inputs, inits)))
    return failure();
  RankedTensorType type = typeOf(inputs[0]);
  auto dims = op.dims("dimensions", type.getRank());
  SmallVector<Type> elements = elementTypes(inputs), arguments(elements);
  arguments.append(elements);
  if (failed(dims))
    return failure();
  auto region = ScalarRegion::get(op, op.region(0), arguments, count);
  if (failed(region))
    return failure();

  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  SmallVector<AffineExpr> kept;
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (llvm::is_contained(*dims, i)) {
      iterators[i] = utils::IteratorType::reduction;
      continue;
    }
    kept.push_back(b.getAffineDimExpr(i));
    shape.push_back(type.getDimSize(i));
  }
  SmallVector<AffineMap> maps(count, b.getMultiDimIdentityMap(type.getRank()));
  maps.append(count, AffineMap::get(type.getRank(), 0, kept, b.getContext()));
  SmallVector<Value> outs;
  for (auto [init, element] : llvm::zip_equal(inits, elements))
    outs.push_back(emitInit(b, init, shape, accumulatorOf(*region, element)));
  auto generic = linalg::GenericOp::create(
      b, ValueRange(outs).getTypes(), inputs, outs, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        SmallVector<Value> operands(args.drop_front(count));
        for (auto [value, out] : llvm::zip_equal(args.take_front(count), outs))
          operands.push_back(body.cast(value, typeOf(out).getElementType()));
        linalg::YieldOp::create(nested, loc, region->emit(body, operands));
      });
  SmallVector<Value> results;
  for (auto [result, element] : llvm::zip_equal(generic.getResults(), elements))
    results.push_back(emitCast(b, result, element));
  return op.replaceWith(results);
}

void mlir::abn::hlo::addReductions(Registry &r) { r.add("stablehlo.reduce", convertReduce); }
