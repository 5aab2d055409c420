// How a channel nest is cut into blocks, threads and vectors, and the cost model that decides it:
// docs/Kernels.md. Plain C++. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_TILING_H
#define ABN_LIB_LOWER_GPU_TILING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace mlir::abn {

/// The kinds of GPU: what kernels are lowered through, and the options' names for it.
enum class GpuTarget { Cuda, Rocm, Spirv };

/// "cuda", "rocm" or "spirv".
llvm::StringRef stringify(GpuTarget target);

/// What the cost model knows of a chip. Sources: CUDA C++ Programming Guide, table of compute
/// capabilities; the vendors' data sheets for processors and bandwidth of the largest part; for
/// `opencl`, what every device of the full profile has (OpenCL 3.0, table 4.3).
struct Chip {
  llvm::StringLiteral name;
  GpuTarget target;
  unsigned processors;     // streaming multiprocessors or compute units
  unsigned threads;        // resident per processor
  unsigned blocks;         // resident per processor
  unsigned registers;      // 32-bit, per processor
  unsigned sharedBytes;    // per processor
  unsigned subgroup;       // threads that exchange values by shuffles; 1: none may
  double bandwidth;        // of the device memory, bytes per second
  llvm::StringLiteral ptx; // of CUDA: the oldest version of PTX that has it
};

/// The chips that kernels can be tiled for.
llvm::ArrayRef<Chip> getChips();
/// Null for an unknown one.
const Chip *findChip(llvm::StringRef name);

/// A tensor with a channel dimension as [outer][channels][inner] in memory, row-major.
struct NestShape {
  /// nullopt if it is known at run time only.
  std::optional<int64_t> outer;
  int64_t channels, inner;
  unsigned elementBytes;
  /// All base addresses are multiples of 16 bytes.
  bool isAligned;

  /// Positions per channel.
  std::optional<int64_t> count() const {
    return outer ? std::optional<int64_t>(*outer * inner) : std::nullopt;
  }
};

/// A nest in blocks. A *group* is `channelsPerGroup` neighbouring channels: in each of the `outer`
/// rows of the tensor it is one run of channelsPerGroup * inner elements, `vectorsPerRow` accesses
/// of `vector` elements. Block (group, split) walks one of `splits` equal parts of the group's
/// vectors, numbered row by row; thread t takes the vectors t, t + threads, ... of the part. In
/// groups of several channels `threads` is a multiple of vectorsPerRow, so that a thread stays in
/// its columns and the channel of each of its lanes is fixed.
struct Tiling {
  unsigned vector = 1;
  int64_t channelsPerGroup = 1, groups = 1, vectorsPerRow = 1;
  unsigned threads = 256;   // that work
  unsigned blockSize = 256; // threads in whole subgroups
  /// Parts of a group for passes that reduce and for those that map. Upper bounds if outer is
  /// dynamic.
  int64_t splits = 1, mapSplits = 1;
  /// Vectors that a thread of a map has in flight, of all tensors together.
  unsigned unroll = 2;
  /// Element offsets need 64 bits.
  bool isWide = false;
  /// What the group keeps fits in workgroup memory: reduce and map in one kernel.
  bool isFused = false;

  bool isColumnwise() const { return channelsPerGroup > 1; }
};

/// What a user may fix; 0 leaves the choice to the cost model.
struct TilingOverride {
  unsigned threads = 0, unroll = 0;
  int64_t splits = 0;
  std::optional<bool> isFused;
};

/// What a nest reduces; nothing if it only maps.
struct Reduced {
  /// Tensors that are kept in workgroup memory if reducing and mapping are one kernel.
  unsigned tensors = 0;
  /// Numbers per channel that threads merge.
  unsigned numbers = 0;
};

/// The tiling of a nest.
Tiling chooseTiling(const NestShape &shape, const Chip &chip, const Reduced &reduced,
                    const TilingOverride &fixed);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_TILING_H
