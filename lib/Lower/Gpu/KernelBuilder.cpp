// See KernelBuilder.h.
#include "KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::abn;

/// What a kernel is called until it is interned.
static constexpr StringLiteral kUnnamed = "unnamed";
static constexpr unsigned kAccessBytes = 16;

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

static std::string getText(gpu::GPUFuncOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel.print(stream, OpPrintingFlags().enableDebugInfo(false).useLocalScope());
  return text;
}

KernelModule::KernelModule(gpu::GPUModuleOp module) : module(module) {}

gpu::GPUFuncOp KernelModule::intern(gpu::GPUFuncOp kernel, StringRef stem) {
  auto [entry, isNew] = byText.try_emplace(getText(kernel), kernel);
  if (!isNew) {
    kernel.erase();
    return entry->second;
  }
  std::string name;
  do {
    unsigned number = numNamed[stem]++;
    name = number ? (stem + "_" + Twine(number)).str() : stem.str();
  } while (module.lookupSymbol(name));
  kernel.setName(name);
  return kernel;
}

gpu::GPUFuncOp KernelModule::add(gpu::GPUFuncOp kernel) {
  std::string name = kernel.getName().str();
  kernel->moveBefore(module.getBody(), module.getBody()->end());
  kernel.setName(kUnnamed);
  return intern(kernel, name);
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

KernelBuilder::KernelBuilder(Location loc, KernelModule &kernels, unsigned blockSize,
                             unsigned subgroup, bool isWide)
    : ImplicitLocOpBuilder(loc, loc.getContext()), kernels(kernels),
      integerType(isWide ? getI64Type() : getI32Type()), blockSize(blockSize), subgroup(subgroup) {
  setInsertionPointToEnd(kernels.getModule().getBody());
  kernel = gpu::GPUFuncOp::create(*this, kUnnamed, getFunctionType({}, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), getUnitAttr());
  kernel.setKnownBlockSizeAttr(getDenseI32ArrayAttr({static_cast<int32_t>(blockSize), 1, 1}));
  setInsertionPointToStart(&kernel.getBody().front());
}

/// Whether bounded registers hold what the loops that sum compute: a function or a quotient takes
/// many.
static bool isCheap(gpu::GPUFuncOp kernel) {
  bool isCheap = true;
  kernel.walk([&](scf::ForOp loop) {
    if (loop.getNumRegionIterArgs() > 0)
      loop.walk([&](Operation *op) {
        bool isFunction = isa<math::MathDialect>(op->getDialect()) && !isa<math::AbsFOp>(op);
        isCheap &= !isFunction && !isa<arith::DivFOp>(op);
      });
  });
  return isCheap;
}

Value KernelBuilder::argument(OpBuilder &host, Value hostValue) {
  Value &known = arguments[hostValue];
  if (known)
    return known;
  Value operand = hostValue;
  if (auto type = dyn_cast<MemRefType>(hostValue.getType()); type && type.getRank() != 1) {
    ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    operand = memref::CollapseShapeOp::create(host, getLoc(), hostValue, ArrayRef{all});
  }
  operands.push_back(operand);
  // Workgroup buffers are block arguments too, behind the kernel's own.
  unsigned position = arguments.size() - 1;
  known = kernel.getBody().front().insertArgument(position, operand.getType(), getLoc());
  SmallVector<Type> inputs(kernel.getFunctionType().getInputs());
  inputs.push_back(operand.getType());
  kernel.setFunctionType(getFunctionType(inputs, {}));
  return known;
}

/// x / c as a product with 1/c and one step of Newton's method, which rounds as a division does but
/// where the quotient is denormal: a division takes its slow path into account, with registers.
/// The product alone would be off by as much as 1/c is rounded, in the same direction everywhere.
static void divideByProduct(arith::DivFOp division) {
  FloatAttr constant;
  auto type = dyn_cast<FloatType>(division.getType());
  if (!type || !type.isF32() || !matchPattern(division.getRhs(), m_Constant(&constant)))
    return;
  double divisor = constant.getValueAsDouble();
  if (!(std::abs(divisor) > 1e-18 && std::abs(divisor) < 1e18))
    return;
  ImplicitLocOpBuilder b(division.getLoc(), division);
  auto make = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  };
  Value x = division.getLhs(), inverse = make(1.0 / divisor);
  Value quotient = arith::MulFOp::create(b, x, inverse);
  Value rest = LLVM::FMAOp::create(b, quotient, make(-divisor), x);
  Value better = LLVM::FMAOp::create(b, rest, inverse, quotient);
  // Zeros keep their sign, and infinities have no rest.
  Value hasRest = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, rest, make(0.0));
  division.replaceAllUsesWith(arith::SelectOp::create(b, hasRest, better, quotient).getResult());
  division.erase();
}

/// Without what a body did not ask for, and with each constant and index once.
static void simplify(gpu::GPUFuncOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  kernel.walk(divideByProduct);
  (void)runRegionDCE(rewriter, kernel->getRegions());
  DominanceInfo dominance(kernel);
  eliminateCommonSubExpressions(rewriter, dominance, kernel);
}

void KernelBuilder::launch(OpBuilder &host, StringRef stem, Value grid) {
  gpu::ReturnOp::create(*this);
  simplify(kernel);
  if (residentBlocks && isCheap(kernel))
    kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), getI32IntegerAttr(residentBlocks));
  gpu::GPUFuncOp shared = kernels.intern(kernel, stem);
  Value one = arith::ConstantIndexOp::create(host, getLoc(), 1);
  Value size = arith::ConstantIndexOp::create(host, getLoc(), blockSize);
  gpu::LaunchFuncOp::create(host, getLoc(), shared, gpu::KernelDim3{grid, one, one},
                            gpu::KernelDim3{size, one, one}, /*dynamicSharedMemorySize=*/Value(),
                            operands);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Value KernelBuilder::integer(int64_t value) {
  return arith::ConstantOp::create(*this, getIntegerAttr(integerType, value));
}
Value KernelBuilder::add(Value lhs, Value rhs) { return createOrFold<arith::AddIOp>(lhs, rhs); }
Value KernelBuilder::sub(Value lhs, Value rhs) { return createOrFold<arith::SubIOp>(lhs, rhs); }
Value KernelBuilder::mul(Value lhs, Value rhs) { return createOrFold<arith::MulIOp>(lhs, rhs); }
Value KernelBuilder::div(Value lhs, Value rhs) { return createOrFold<arith::DivUIOp>(lhs, rhs); }
Value KernelBuilder::rem(Value lhs, Value rhs) { return createOrFold<arith::RemUIOp>(lhs, rhs); }
Value KernelBuilder::min(Value lhs, Value rhs) { return createOrFold<arith::MinUIOp>(lhs, rhs); }
Value KernelBuilder::max(Value lhs, Value rhs) { return createOrFold<arith::MaxUIOp>(lhs, rhs); }
Value KernelBuilder::isLess(Value lhs, Value rhs) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, lhs, rhs);
}
Value KernelBuilder::isEqual(Value lhs, Value rhs) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, lhs, rhs);
}
Value KernelBuilder::both(Value lhs, Value rhs) { return createOrFold<arith::AndIOp>(lhs, rhs); }
Value KernelBuilder::toIndex(Value integer) {
  return createOrFold<arith::IndexCastUIOp>(getIndexType(), integer);
}
Value KernelBuilder::fromIndex(Value index) {
  return createOrFold<arith::IndexCastUIOp>(integerType, index);
}
Value KernelBuilder::toReal(Value integer, Type type) {
  return createOrFold<arith::UIToFPOp>(type, integer);
}

Value KernelBuilder::after(Value number, Value value) {
  // Grids have one dimension.
  if (!hiddenZero) {
    InsertionGuard guard(*this);
    setInsertionPointToStart(&kernel.getBody().front());
    hiddenZero = sub(fromIndex(gpu::GridDimOp::create(*this, gpu::Dimension::y)), integer(1));
  }
  unsigned width = number.getType().getIntOrFloatBitWidth();
  Value bits = createOrFold<arith::BitcastOp>(Builder::getIntegerType(width), number);
  if (width < integerType.getIntOrFloatBitWidth())
    bits = arith::ExtUIOp::create(*this, integerType, bits);
  return arith::OrIOp::create(*this, value, arith::AndIOp::create(*this, bits, hiddenZero));
}

Value KernelBuilder::thread() {
  if (!threadNumber)
    threadNumber = fromIndex(gpu::ThreadIdOp::create(*this, gpu::Dimension::x));
  return threadNumber;
}

Value KernelBuilder::block() {
  if (!blockNumber)
    blockNumber = fromIndex(gpu::BlockIdOp::create(*this, gpu::Dimension::x));
  return blockNumber;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static Type getElement(Value memref) { return cast<MemRefType>(memref.getType()).getElementType(); }

/// Of an access at a multiple of its width; the widest is one of 16 bytes.
static unsigned getAlignment(unsigned width, Type element) {
  return std::min(kAccessBytes, width * element.getIntOrFloatBitWidth() / 8);
}

Value KernelBuilder::load(Value memref, Value offset, unsigned width) {
  Value index = toIndex(offset);
  if (width == 1)
    return memref::LoadOp::create(*this, memref, index);
  Type element = getElement(memref);
  auto load =
      vector::LoadOp::create(*this, VectorType::get(width, element), memref, ValueRange{index});
  load.setAlignment(getAlignment(width, element));
  return load;
}

void KernelBuilder::store(Value value, Value memref, Value offset, unsigned width) {
  Value index = toIndex(offset);
  if (width == 1) {
    memref::StoreOp::create(*this, value, memref, index);
    return;
  }
  auto store = vector::StoreOp::create(*this, value, memref, ValueRange{index});
  store.setAlignment(getAlignment(width, getElement(memref)));
}

Value KernelBuilder::shared(Type element, int64_t size) {
  auto space = gpu::AddressSpaceAttr::get(getContext(), gpu::AddressSpace::Workgroup);
  auto type = MemRefType::get({size}, element, MemRefLayoutAttrInterface(), space);
  unsigned number = kernel.getNumWorkgroupAttributions();
  Value buffer = kernel.addWorkgroupAttribution(type, getLoc());
  kernel.setWorkgroupAttributionAttr(number, LLVM::LLVMDialect::getAlignAttrName(),
                                     getI64IntegerAttr(kAccessBytes));
  return buffer;
}

Value KernelBuilder::shuffle(Value value, unsigned mask) {
  Value offset = arith::ConstantOp::create(*this, getI32IntegerAttr(mask));
  Value width = arith::ConstantOp::create(*this, getI32IntegerAttr(subgroup));
  return gpu::ShuffleOp::create(*this, value, offset, width, gpu::ShuffleMode::XOR)
      .getShuffleResult();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

SmallVector<Value>
KernelBuilder::loop(Value from, Value to, int64_t step, ValueRange initial,
                    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  InsertionGuard guard(*this);
  auto loop = scf::ForOp::create(*this, from, to, integer(step), initial);
  loop.setUnsignedCmp(true);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!initial.empty())
    scf::YieldOp::create(*this, next);
  return loop.getResults();
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> body) {
  InsertionGuard guard(*this);
  auto choice = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  setInsertionPointToStart(choice.thenBlock());
  body();
}

SmallVector<Value> KernelBuilder::when(Value condition, ValueRange otherwise,
                                       llvm::function_ref<SmallVector<Value>()> body) {
  InsertionGuard guard(*this);
  auto choice = scf::IfOp::create(*this, TypeRange(otherwise), condition, /*withElseRegion=*/true);
  setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(*this, body());
  setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(*this, otherwise);
  return choice.getResults();
}
