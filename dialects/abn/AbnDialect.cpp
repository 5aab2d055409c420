// Registration of the abn dialect and the checks of its discardable attributes.
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::abn;

#include "abn/AbnDialect.cpp.inc"

#include "abn/AbnAttrInterfaces.cpp.inc"
#include "abn/AbnOpInterfaces.cpp.inc"

void AbnDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "abn/AbnOps.cpp.inc"
      >();
}

Operation *AbnDialect::materializeConstant(OpBuilder &b, Attribute value, Type type, Location loc) {
  return arith::ConstantOp::materialize(b, value, type, loc);
}

/// `abn.role` and `abn.name` are strings wherever they stand on a function's arguments or results.
static LogicalResult verifySignatureAttr(Operation *op, NamedAttribute attr) {
  if (attr.getName() != AbnDialect::kRoleAttr && attr.getName() != AbnDialect::kNameAttr)
    return op->emitOpError("has an unknown argument or result attribute `")
           << attr.getName().getValue() << "`";
  if (!isa<StringAttr>(attr.getValue()))
    return op->emitOpError("expected a string for `")
           << attr.getName().getValue() << "`, got " << attr.getValue();
  return success();
}

LogicalResult AbnDialect::verifyRegionArgAttribute(Operation *op, unsigned regionIndex,
                                                   unsigned argIndex, NamedAttribute attr) {
  if (attr.getName() == kDonatedAttr || attr.getName() == kArenaAttr) {
    if (!isa<UnitAttr>(attr.getValue()))
      return op->emitOpError("expected a unit attribute for `")
             << attr.getName().getValue() << "`, got " << attr.getValue();
    return success();
  }
  return verifySignatureAttr(op, attr);
}

LogicalResult AbnDialect::verifyRegionResultAttribute(Operation *op, unsigned regionIndex,
                                                      unsigned resultIndex, NamedAttribute attr) {
  return verifySignatureAttr(op, attr);
}

FloatType mlir::abn::getStatisticsType(Type elementType) {
  if (elementType.isF64())
    return cast<FloatType>(elementType);
  return Float32Type::get(elementType.getContext());
}

Value mlir::abn::createEmptyLike(OpBuilder &b, Location loc, Value like) {
  auto type = cast<RankedTensorType>(like.getType());
  return tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, like),
                                 type.getElementType());
}

Value mlir::abn::createEmptyStatistics(OpBuilder &b, Location loc, Value full, int64_t channelDim) {
  auto type = cast<RankedTensorType>(full.getType());
  OpFoldResult size = tensor::getMixedSize(b, loc, full, channelDim);
  return tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{size},
                                 getStatisticsType(type.getElementType()));
}
