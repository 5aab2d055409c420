// The plan: an allocation problem and, once solved, its answer, in the IR.
#ifndef ABN_PLAN_OPS_TD
#define ABN_PLAN_OPS_TD

include "abn/AbnDialect.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Abn_PackOp : Op<Abn_Dialect, "pack", [Pure, AttrSizedOperandSegments]> {
  let summary = "Place buffers with given lifetimes and sizes in one arena";
  let description = [{
    Buffer i has `sizes[i]` bytes and is live in the steps [lower, upper] (inclusive) that
    `lifetimes` holds as pairs. The results are the arena's size and each buffer's offset, in bytes,
    multiples of `alignment`; buffers whose lifetimes meet do not overlap. The attributes `offsets`
    and `arena_size` hold the answer once it is known; the op then folds to constants.

    Where sizes are known only when the program runs, `offset_maps` and `arena_map` hold the answer
    instead: maps of `symbols`, of which a map's largest result is meant. It holds for all values of
    the symbols that are not negative.

    ```mlir
    // %a, %b : index
    %arena, %o0, %o1 = abn.pack lifetimes([0, 2, 1, 3]) sizes(%a, %b) {alignment = 256 : i64}
        : index, index
    ```

    ```mlir
    // %a, %b, %n : index
    // %a is 1024 * %n, %b is 512.
    %arena, %o0, %o1 = abn.pack lifetimes([0, 1, 1, 2]) sizes(%a, %b) symbols(%n)
        {alignment = 256 : i64, arena_map = affine_map<()[s0] -> (s0 * 1024 + 512)>,
         offset_maps = [affine_map<()[s0] -> (0)>, affine_map<()[s0] -> (s0 * 1024)>]}
        : index, index
    ```

    Constraints:
    - (pack_c1) `lifetimes` has two entries per size, lower <= upper, neither negative.
    - (pack_c2) there is one result per size and one for the arena.
    - (pack_c3) `alignment` is a power of two.
    - (pack_c4) `offsets` and `arena_size` come together; there is one offset per size, not negative
      and aligned. Where sizes are constants: buffers that are live together are disjoint and end
      within the arena.
    - (pack_c5) `offset_maps` and `arena_map` come together and without `offsets`; there is one map
      per size; each has no dimension, `symbols` as its symbols, at least one result, and results
      that are sums of a constant and multiples of symbols, none negative and, but for the arena, all
      multiples of `alignment`. Whether buffers are disjoint is not checked here but by
      abn-verify-plan, on the program that the answer becomes.
  }];
  let arguments = (ins Variadic<Index>:$sizes, Variadic<Index>:$symbols,
      DenseI64ArrayAttr:$lifetimes,
      DefaultValuedAttr<I64Attr, "256">:$alignment, OptionalAttr<DenseI64ArrayAttr>:$offsets,
      OptionalAttr<I64Attr>:$arena_size, OptionalAttr<AffineMapArrayAttr>:$offset_maps,
      OptionalAttr<AffineMapAttr>:$arena_map);
  let results = (outs Index:$arena, Variadic<Index>:$packed_offsets);
  let assemblyFormat = [{
    `lifetimes` `(` $lifetimes `)` `sizes` `(` $sizes `)` (`symbols` `(` $symbols^ `)`)? attr-dict
    (`:` type($packed_offsets)^)?
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Abn_ScratchOp : Op<Abn_Dialect, "scratch"> {
  let summary = "Lend a buffer to the op beside it";
  let description = [{
    The op between two of these on one buffer may use the buffer for what it keeps while it runs:
    partial sums of a reduction, a library's workspace. They give the buffer a lifetime, so that the
    plan has a place for it, and are gone once the op is lowered. What is in the buffer is lost.

    ```mlir
    abn.scratch %s : memref<2048xi8>
    abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
        outs(%x, %m, %v : memref<8x64x56x56xf32>, memref<64xf32>, memref<64xf32>)
    abn.scratch %s : memref<2048xi8>
    ```
  }];
  let arguments = (ins Arg<MemRefRankOf<[I8], [1]>, "", [MemWrite]>:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
  let extraClassDeclaration = [{
    /// What `op` was lent by the two of these around it, which are erased; null without.
    static ::mlir::Value take(::mlir::Operation *op);
  }];
}

#endif // ABN_PLAN_OPS_TD
