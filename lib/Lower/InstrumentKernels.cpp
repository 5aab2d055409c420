// abn-instrument-kernels: in front of what the emulator checks and counts in a kernel, a call that
// describes it. The names and numbers are abn/Runtime/Instrumentation.h's.
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Runtime/Instrumentation.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::abn {
#define GEN_PASS_DEF_INSTRUMENTKERNELS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace ::abn::instrumentation;

namespace {
/// What an op reads or writes: `shape` elements of a memref from `indices` on, in the last
/// dimension.
struct Access {
  Value memref;
  ValueRange indices;
  AccessKind kind;
  /// 1 for scalars, and for vectors as elements of a memref.
  int64_t elements = 1;
  std::optional<int64_t> alignment;
  /// vector<elements x i1>, or null.
  Value mask;
};
} // namespace

static std::optional<int64_t> toOptional(std::optional<uint64_t> alignment) {
  return alignment ? std::optional<int64_t>(*alignment) : std::nullopt;
}

template <typename Op>
static Access getScalar(Op op, AccessKind kind, std::optional<uint64_t> alignment) {
  return {op.getMemref(), op.getIndices(), kind, 1, toOptional(alignment), Value()};
}

/// A transfer that convert-gpu-to-nvvm turns into one access.
template <typename Op> static std::optional<Access> getTransfer(Op op, AccessKind kind) {
  VectorType type = op.getVectorType();
  if (type.getRank() != 1 || type.isScalable() || op.getMask() || op.hasOutOfBoundsDim() ||
      !op.getPermutationMap().isMinorIdentity() || !isa<MemRefType>(op.getBase().getType()))
    return std::nullopt;
  return Access{op.getBase(), op.getIndices(), kind, type.getNumElements(), std::nullopt, Value()};
}

template <typename Op> static std::optional<Access> getVector(Op op, AccessKind kind, Value mask) {
  VectorType type = op.getVectorType();
  MemRefType memref = op.getMemRefType();
  if (type.getRank() > 1 || type.isScalable())
    return std::nullopt;
  bool isElement = isa<VectorType>(memref.getElementType());
  return Access{op.getBase(),
                op.getIndices(),
                kind,
                isElement ? 1 : type.getNumElements(),
                toOptional(op.getAlignment()),
                mask};
}

/// Whether the size of an element of this type is known.
static bool isKnownElement(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? !vector.isScalable() && vector.getElementType().isIntOrIndexOrFloat()
                : type.isIntOrIndexOrFloat();
}

/// Null if the pass does not know how the op accesses memory.
static std::optional<Access> getAccess(Operation *op) {
  using Result = std::optional<Access>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](memref::LoadOp op) { return getScalar(op, AccessKind::Load, op.getAlignment()); })
      .Case([](memref::StoreOp op) { return getScalar(op, AccessKind::Store, op.getAlignment()); })
      .Case<memref::AtomicRMWOp, memref::GenericAtomicRMWOp>(
          [](auto op) { return getScalar(op, AccessKind::Atomic, std::nullopt); })
      .Case([](vector::LoadOp op) { return getVector(op, AccessKind::Load, Value()); })
      .Case([](vector::StoreOp op) { return getVector(op, AccessKind::Store, Value()); })
      .Case([](vector::MaskedLoadOp op) { return getVector(op, AccessKind::Load, op.getMask()); })
      .Case([](vector::MaskedStoreOp op) { return getVector(op, AccessKind::Store, op.getMask()); })
      .Case([](vector::TransferReadOp op) { return getTransfer(op, AccessKind::Load); })
      .Case([](vector::TransferWriteOp op) { return getTransfer(op, AccessKind::Store); })
      .Default(Result());
}

/// Whether the op reads or writes through one of its memrefs. What has regions is seen by its ops.
static bool accessesMemRef(Operation *op) {
  if (isa<memref::PrefetchOp>(op) ||
      llvm::none_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>))
    return false;
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  return effects &&
         (effects.hasEffect<MemoryEffects::Read>() || effects.hasEffect<MemoryEffects::Write>());
}

static bool waitsForOthers(Operation *op) {
  return isa<gpu::BarrierOp, gpu::RotateOp, gpu::ShuffleOp, gpu::SubgroupBroadcastOp,
             gpu::SubgroupReduceOp, NVVM::Barrier0Op, NVVM::BarrierOp, NVVM::MatchSyncOp,
             NVVM::ReduxOp, NVVM::ShflOp, NVVM::VoteSyncOp>(op);
}

static Space getSpace(MemRefType type) {
  if (auto number = dyn_cast_if_present<IntegerAttr>(type.getMemorySpace()))
    return static_cast<Space>(number.getInt());
  auto space = dyn_cast_if_present<gpu::AddressSpaceAttr>(type.getMemorySpace());
  if (space && space.getValue() == gpu::AddressSpace::Workgroup)
    return Space::Workgroup;
  if (space && space.getValue() == gpu::AddressSpace::Private)
    return Space::Private;
  return Space::Generic;
}

namespace {
class KernelInstrumenter {
public:
  explicit KernelInstrumenter(gpu::GPUModuleOp module)
      : module(module), b(module.getLoc(), module.getContext()) {}

  LogicalResult run();

private:
  LogicalResult instrument(Operation *op);
  void instrument(Operation *op, const Access &access);
  void call(StringRef name, ValueRange operands);
  void callAccess(const Access &access, int64_t bytes, Value address, Value isInBounds,
                  Value isActive, Value site);
  Value makeInt(int64_t value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); }
  Value makeIndex(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  /// A number for the op, with a line in the table.
  Value makeSite(Operation *op) {
    sites +=
        (op->getName().getStringRef() + " at " + mlir::abn::describeLocation(op->getLoc()) + "\n")
            .str();
    return makeInt(++siteCount);
  }

  gpu::GPUModuleOp module;
  ImplicitLocOpBuilder b;
  std::string sites;
  int64_t siteCount = 0;
};
} // namespace

void KernelInstrumenter::call(StringRef name, ValueRange operands) {
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                            llvm::to_vector(operands.getTypes()));
    function = LLVM::LLVMFuncOp::create(b, name, type);
  }
  LLVM::CallOp::create(b, function, operands);
}

void KernelInstrumenter::callAccess(const Access &access, int64_t bytes, Value address,
                                    Value isInBounds, Value isActive, Value site) {
  auto type = cast<MemRefType>(access.memref.getType());
  int64_t natural = llvm::PowerOf2Ceil(*mlir::abn::getElementBytes(type.getElementType()));
  Value count = makeInt(bytes);
  if (isActive)
    count = arith::SelectOp::create(b, isActive, count, makeInt(0));
  Value address64 = arith::IndexCastOp::create(b, b.getI64Type(), address);
  call(kAccessFunction, {address64, count, makeInt(access.alignment.value_or(natural)),
                         makeInt(static_cast<int64_t>(access.kind)),
                         makeInt(static_cast<int64_t>(getSpace(type))), isInBounds, site});
}

void KernelInstrumenter::instrument(Operation *op, const Access &access) {
  auto type = cast<MemRefType>(access.memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, access.memref);
  Value position = metadata.getOffset();
  Value isInBounds = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto require = [&](Value index, Value size) {
    Value isBelow = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, size);
    isInBounds = arith::AndIOp::create(b, isInBounds, isBelow);
  };
  for (auto [index, size, stride] :
       llvm::zip_equal(access.indices, metadata.getSizes(), metadata.getStrides())) {
    position = arith::AddIOp::create(b, position, arith::MulIOp::create(b, index, stride));
    require(index, size);
  }
  int64_t elementBytes = *mlir::abn::getElementBytes(type.getElementType());
  Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(b, access.memref);
  Value offset = arith::MulIOp::create(b, position, makeIndex(elementBytes));
  Value address = arith::AddIOp::create(b, pointer, offset);
  Value site = makeSite(op);
  auto getLast = [&](int64_t lane) {
    return arith::AddIOp::create(b, access.indices.back(), makeIndex(lane));
  };
  if (!access.mask) {
    if (access.elements > 1 && !access.indices.empty())
      require(getLast(access.elements - 1), metadata.getSizes().back());
    return callAccess(access, elementBytes * access.elements, address, isInBounds, Value(), site);
  }
  // The first index of a masked access may be out of bounds where the mask is off.
  for (int64_t lane = 0; lane < access.elements; ++lane) {
    Value isActive = vector::ExtractOp::create(b, access.mask, lane);
    Value isLaneInBounds = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, getLast(lane),
                                                 metadata.getSizes().back());
    for (auto [index, size] :
         llvm::zip_equal(access.indices.drop_back(), ValueRange(metadata.getSizes()).drop_back()))
      isLaneInBounds = arith::AndIOp::create(
          b, isLaneInBounds, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, size));
    Value at = arith::AddIOp::create(b, address, makeIndex(lane * elementBytes));
    Access scalar = access;
    scalar.alignment.reset();
    callAccess(scalar, elementBytes, at, isLaneInBounds, isActive, site);
  }
}

LogicalResult KernelInstrumenter::instrument(Operation *op) {
  b.setInsertionPoint(op);
  b.setLoc(op->getLoc());
  if (auto branch = dyn_cast<cf::CondBranchOp>(op)) {
    call(kBranchFunction, {makeSite(op), branch.getCondition()});
  } else if (isa<cf::AssertOp, gpu::PrintfOp, LLVM::Trap>(op) || waitsForOthers(op)) {
    call(kSiteFunction, makeSite(op));
  } else if (accessesMemRef(op) || isa<memref::GenericAtomicRMWOp>(op)) {
    std::optional<Access> access = getAccess(op);
    if (!access || !isKnownElement(cast<MemRefType>(access->memref.getType()).getElementType()))
      return op->emitOpError("accesses memory in a way that abn-instrument-kernels does not know");
    instrument(op, *access);
  }
  return success();
}

LogicalResult KernelInstrumenter::run() {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops)
    if (failed(instrument(op)))
      return failure();
  if (siteCount > kMaxSites)
    return module.emitOpError("has ")
           << siteCount << " ops to instrument; at most " << kMaxSites << " can be told apart";
  b.setInsertionPointToStart(module.getBody());
  b.setLoc(module.getLoc());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), sites.size());
  LLVM::GlobalOp::create(b, type, /*isConstant=*/true, LLVM::Linkage::External, kSiteTable,
                         b.getStringAttr(sites));
  return success();
}

namespace {
struct InstrumentKernels : mlir::abn::impl::InstrumentKernelsBase<InstrumentKernels> {
  void runOnOperation() override {
    if (getOperation().lookupSymbol(kSiteTable))
      return;
    if (failed(KernelInstrumenter(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
