// A gpu.func under construction: arguments that are added when first used, index arithmetic that
// folds, accesses of vectors, what a block's threads share. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_KERNELBUILDER_H
#define ABN_LIB_LOWER_GPU_KERNELBUILDER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::abn {

/// The gpu.module that an op's kernels go to. Kernels of the same text are one kernel.
class KernelModule {
public:
  /// Appends to `module`.
  explicit KernelModule(gpu::GPUModuleOp module);
  gpu::GPUModuleOp getModule() { return module; }
  /// Gives the finished `kernel` its name, after `stem`, or erases it and returns its equal.
  gpu::GPUFuncOp intern(gpu::GPUFuncOp kernel, StringRef stem);
  /// Moves `kernel` here from another module (or takes note of one that is here) under its name or,
  /// if that is taken, one after it; its equal instead if there is one.
  gpu::GPUFuncOp add(gpu::GPUFuncOp kernel);

private:
  gpu::GPUModuleOp module;
  llvm::StringMap<gpu::GPUFuncOp> byText;
  llvm::StringMap<unsigned> numNamed;
};

/// Builds the body of a kernel. Integers are i32, or i64 if the kernel is wide; they are element
/// counts and offsets, never negative.
class KernelBuilder : public ImplicitLocOpBuilder {
public:
  /// An empty kernel at the end of `module`, of blocks of `blockSize` threads.
  KernelBuilder(Location loc, KernelModule &kernels, unsigned blockSize, unsigned subgroup,
                bool isWide);

  /// Asks ptxas for registers that let so many blocks be resident on a processor, unless the kernel
  /// computes what needs more.
  void setResidentBlocks(unsigned blocks) { residentBlocks = blocks; }

  /// Ends the kernel and launches it on `grid` blocks at `host`'s insertion point.
  void launch(OpBuilder &host, StringRef stem, Value grid);

  /// The argument for a value of the host: memrefs arrive as one dimension.
  Value argument(OpBuilder &host, Value hostValue);

  // Integers.
  Type getIntegerType() const { return integerType; }
  Value integer(int64_t value);
  Value add(Value lhs, Value rhs);
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value div(Value lhs, Value rhs);
  Value rem(Value lhs, Value rhs);
  Value min(Value lhs, Value rhs);
  Value max(Value lhs, Value rhs);
  Value isLess(Value lhs, Value rhs);
  Value isEqual(Value lhs, Value rhs);
  Value both(Value lhs, Value rhs);
  Value toIndex(Value integer);
  Value fromIndex(Value index);
  Value toReal(Value integer, Type type);
  /// `integer`, but not before `number` is known: no compiler knows that nothing is added.
  Value after(Value number, Value integer);

  // The thread's place.
  Value thread();
  Value block();
  unsigned getBlockSize() const { return blockSize; }
  unsigned getSubgroup() const { return subgroup; }

  // Memory.
  /// `width` elements from `offset` on, a multiple of `width`; a scalar if it is 1.
  Value load(Value memref, Value offset, unsigned width);
  void store(Value value, Value memref, Value offset, unsigned width);
  /// A workgroup buffer, aligned to 16 bytes.
  Value shared(Type element, int64_t size);
  void barrier() { gpu::BarrierOp::create(*this); }
  /// The value of the thread whose number in the subgroup differs in the bits of `mask`.
  Value shuffle(Value value, unsigned mask);

  // Control flow.
  /// for (i = from; i < to; i += step), carrying values.
  SmallVector<Value> loop(Value from, Value to, int64_t step, ValueRange initial,
                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> body);
  /// As `when`, with results; `otherwise` where the condition does not hold.
  SmallVector<Value> when(Value condition, ValueRange otherwise,
                          llvm::function_ref<SmallVector<Value>()> body);

private:
  KernelModule &kernels;
  gpu::GPUFuncOp kernel;
  Type integerType;
  unsigned blockSize, subgroup, residentBlocks = 0;
  llvm::MapVector<Value, Value> arguments; // by host value
  SmallVector<Value> operands;             // of the launch
  Value threadNumber, blockNumber, hiddenZero;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_KERNELBUILDER_H
