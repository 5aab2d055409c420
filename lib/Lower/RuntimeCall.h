// Calls of the functions of abn/Runtime/Dnn.h. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_RUNTIMECALL_H
#define ABN_LIB_LOWER_RUNTIMECALL_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::abn {

/// What one op becomes.
struct RuntimeCall {
  StringRef function;
  /// The entries of the function's descriptor.
  SmallVector<int64_t> descriptor;
  /// Contiguous memrefs, in the order of the function's parameters; null for a null pointer.
  SmallVector<Value> operands;
  /// A memref of bytes; null for none.
  Value workspace;
};

/// The entries of a descriptor of abn/Runtime/Dnn.h.
template <typename Descriptor> SmallVector<int64_t> flatten(const Descriptor &descriptor) {
  static_assert(sizeof(Descriptor) % sizeof(int64_t) == 0);
  auto *entries = reinterpret_cast<const int64_t *>(&descriptor);
  return SmallVector<int64_t>(entries, entries + sizeof(Descriptor) / sizeof(int64_t));
}

/// Emits calls into a module: declares each function once and keeps equal descriptors once, as
/// private constant globals. What an earlier run left is found again.
class RuntimeCallEmitter {
public:
  explicit RuntimeCallEmitter(ModuleOp module);

  /// The call at the builder's position. Fails, with an error at the symbol that stands in the way,
  /// if the function's name is taken by something else.
  LogicalResult emit(OpBuilder &b, Location loc, const RuntimeCall &call);

private:
  /// The declaration of a function that takes `numOperands` operands; null if the name is taken.
  LLVM::LLVMFuncOp declare(Location loc, StringRef function, size_t numOperands);
  memref::GlobalOp getDescriptor(Location loc, ArrayRef<int64_t> entries);

  ModuleOp module;
  SymbolTable symbols;
  /// Before what the module began with: globals and declarations stand in the order of their first
  /// use.
  Block::iterator position;
  DenseMap<Attribute, memref::GlobalOp> descriptors;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_RUNTIMECALL_H
