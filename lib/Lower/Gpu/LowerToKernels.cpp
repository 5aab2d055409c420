// See LowerToKernels.h.
#include "LowerToKernels.h"
#include "../LowerAbn.h"
#include "KernelNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::abn;

static constexpr int64_t kAccessBytes = 16;

bool mlir::abn::isChannelComputation(Operation *op) {
  return isa<ActivationOp, ActivationInverseOp, ActivationGradOp, BatchNormOp, BatchNormInferenceOp,
             BatchNormGradOp, BatchNormInferenceGradOp, InplaceForwardOp, InplaceInferenceOp,
             InplaceBackwardOp, InplaceInferenceBackwardOp, RecoverOp>(op);
}

static int64_t getChannelDim(Operation *op) {
  return op->getAttrOfType<IntegerAttr>("channel_dim").getInt();
}

//===----------------------------------------------------------------------===//
// Preconditions
//===----------------------------------------------------------------------===//

static LogicalResult checkMemRef(Operation *op, MemRefType type, int64_t channelDim) {
  if (!type.getLayout().isIdentity())
    return op->emitOpError("expected contiguous operands, got ") << type;
  if (type.getElementType().isF64() && type.getRank() > 1)
    return op->emitOpError("expected f16, bf16 or f32 for a gpu, got ") << type;
  int64_t firstStatic = type.getRank() == 1 ? 0 : channelDim;
  if (llvm::any_of(type.getShape().drop_front(firstStatic), ShapedType::isDynamic))
    return op->emitOpError("expected static sizes from the channel dimension on, got ") << type;
  return success();
}

static FailureOr<TilingOverride> getOverride(Operation *op);

LogicalResult mlir::abn::checkForKernels(Operation *op) {
  for (Type type : op->getOperandTypes()) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref)
      return op->emitOpError("expected memrefs: bufferize before convert-abn-to-gpu");
    if (failed(checkMemRef(op, memref, getChannelDim(op))))
      return failure();
  }
  return getOverride(op);
}

//===----------------------------------------------------------------------===//
// Alignment
//===----------------------------------------------------------------------===//

CallArguments::CallArguments(Operation *module) {
  module->walk([&](Operation *op) {
    if (auto call = dyn_cast<func::CallOp>(op))
      calls[call.getCallee()].push_back(call);
    else if (auto constant = dyn_cast<func::ConstantOp>(op))
      escaping.insert(constant.getValue());
  });
}

std::optional<SmallVector<Value>> CallArguments::get(BlockArgument argument) const {
  auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!func || !argument.getOwner()->isEntryBlock() || !func.isPrivate() ||
      escaping.contains(func.getName()))
    return std::nullopt;
  auto found = calls.find(func.getName());
  if (found == calls.end())
    return std::nullopt;
  return llvm::map_to_vector(
      found->second, [&](func::CallOp call) { return call.getOperand(argument.getArgNumber()); });
}

/// Calls of calls that are followed: recursion must end.
static constexpr unsigned kMaxCalls = 4;

/// Whether `memref` is known to begin at a multiple of an access' bytes.
static bool isKnownAligned(Value memref, const CallArguments &calls, unsigned depth = 0) {
  if (auto argument = dyn_cast<BlockArgument>(memref)) {
    auto values = calls.get(argument);
    return values && depth < kMaxCalls &&
           llvm::all_of(
               *values, [&](Value value) { return isKnownAligned(value, calls, depth + 1); });
  }
  if (auto view = memref.getDefiningOp<memref::ViewOp>()) {
    std::optional<int64_t> shift = getConstantIntValue(view.getByteShift());
    return shift && *shift % kAccessBytes == 0 && isKnownAligned(view.getSource(), calls, depth);
  }
  if (auto reshape = memref.getDefiningOp();
      isa_and_nonnull<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(reshape))
    return isKnownAligned(reshape->getOperand(0), calls, depth);
  if (auto alloc = memref.getDefiningOp<memref::AllocOp>())
    return alloc.getAlignment().value_or(0) % kAccessBytes == 0 && alloc.getAlignment();
  // Device allocations are aligned to 256 bytes.
  return memref.getDefiningOp<gpu::AllocOp>() != nullptr;
}

static SmallVector<Value> getUnaligned(Operation *op, const CallArguments &calls) {
  SmallVector<Value> unaligned;
  for (Value operand : dropNull(llvm::to_vector(op->getOperands())))
    if (cast<MemRefType>(operand.getType()).getRank() > 1 && !isKnownAligned(operand, calls))
      unaligned.push_back(operand);
  return unaligned;
}

/// Whether all of `memrefs` begin at a multiple of an access' bytes, at run time.
static Value emitIsAligned(OpBuilder &b, Location loc, ArrayRef<Value> memrefs) {
  Value bits;
  for (Value memref : memrefs) {
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memref);
    bits = bits ? arith::OrIOp::create(b, loc, bits, address) : address;
  }
  Value mask = arith::ConstantIndexOp::create(b, loc, kAccessBytes - 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value rest = arith::AndIOp::create(b, loc, bits, mask);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest, zero);
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// "inplace_forward_8x64x3136xf32": what a kernel computes, on which shape.
static std::string getStem(Operation *op) {
  auto type = cast<MemRefType>(cast<DestinationStyleOpInterface>(op).getDpsInits()[0].getType());
  std::string stem = op->getName().stripDialect().str() + "_";
  llvm::raw_string_ostream stream(stem);
  for (int64_t size : type.getShape())
    if (ShapedType::isDynamic(size))
      stream << "nx";
    else
      stream << size << 'x';
  stream << type.getElementType();
  return stem;
}

static FailureOr<TilingOverride> getOverride(Operation *op) {
  TilingOverride fixed;
  auto tiling = op->getAttrOfType<DictionaryAttr>(AbnDialect::kTilingAttr);
  if (!tiling)
    return fixed;
  for (NamedAttribute entry : tiling) {
    StringRef name = entry.getName();
    if (name == "fused") {
      auto fused = dyn_cast<BoolAttr>(entry.getValue());
      if (!fused)
        return op->emitOpError("expected a boolean for `fused` in `abn.tiling`, got ")
               << entry.getValue();
      fixed.isFused = fused.getValue();
      continue;
    }
    int64_t most = llvm::StringSwitch<int64_t>(name)
                       .Case("threads", 1024)
                       .Case("unroll", 16)
                       .Case("splits", 65536)
                       .Default(0);
    if (!most)
      return op->emitOpError("expected `threads`, `unroll`, `splits` or `fused` in `abn.tiling`, "
                             "got `")
             << name << '`';
    auto number = dyn_cast<IntegerAttr>(entry.getValue());
    if (!number || number.getType().isInteger(1) || number.getValue().getSignificantBits() > 64 ||
        number.getInt() <= 0 || number.getInt() > most ||
        (name == "threads" && number.getInt() % 32))
      return op->emitOpError(
                 "expected `threads` a multiple of 32 up to 1024, `unroll` up to 16 and "
                 "`splits` up to 65536 in `abn.tiling`, all positive, got ")
             << entry.getValue() << " for `" << name << '`';
    if (name == "splits")
      fixed.splits = number.getInt();
    else
      (name == "threads" ? fixed.threads : fixed.unroll) = number.getInt();
  }
  return fixed;
}

static int64_t launch(OpBuilder &b, Operation *op, KernelModule &kernels, const Chip &chip,
                      bool isAligned, Value scratch) {
  Value full = cast<DestinationStyleOpInterface>(op).getDpsInits()[0];
  KernelNest::Options options{chip, isAligned, getStem(op) + (isAligned ? "" : "_unaligned"),
                              *getOverride(op), scratch};
  KernelNest nest(b, op->getLoc(), full, getChannelDim(op), kernels, options);
  lowerAbnOp(nest, op);
  nest.finish();
  return nest.getScratchBytes();
}

int64_t mlir::abn::lowerToKernels(OpBuilder &b, Operation *op, KernelModule &kernels,
                                  const Chip &chip, const CallArguments &calls, Value scratch) {
  SmallVector<Value> unaligned = getUnaligned(op, calls);
  if (unaligned.empty())
    return launch(b, op, kernels, chip, /*isAligned=*/true, scratch);
  Value isAligned = emitIsAligned(b, op->getLoc(), unaligned);
  auto choice = scf::IfOp::create(b, op->getLoc(), isAligned, /*withElseRegion=*/true);
  int64_t bytes = 0;
  for (bool aligned : {true, false}) {
    OpBuilder inner = aligned ? choice.getThenBodyBuilder() : choice.getElseBodyBuilder();
    bytes = std::max(bytes, launch(inner, op, kernels, chip, aligned, scratch));
  }
  return bytes;
}

const Chip *mlir::abn::findChipOrError(Operation *root, StringRef name) {
  const Chip *found = findChip(name);
  if (!found)
    emitError(root->getLoc(), "unknown chip `")
        << name << "`; known are "
        << llvm::join(llvm::map_range(getChips(), [](const Chip &chip) { return chip.name; }),
                      ", ");
  return found;
}
